/* budget: see the header. */
#include "nakodo/net/ws/budget.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <utlist.h>

#include "nakodo/base/log.h"
#include "nakodo/base/memory.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/ws/ws.h"
#include "nakodo/service/admission.h"
#include "nakodo/service/events.h"
#include "nakodo/service/shortage.h"

#define TOO_SLOW 4508
#define LEAST 4096 /* bytes; who has less waiting holds hardly more than any connection does */
#define SPARE 16 /* a look gives back this part of the maximum more than what is beyond it */
#define TICK 100 /* ms after a look that gave back less than that */
#define LOG_EVERY 60000 /* ms */

/* One that could be ended, and what that would give back if nobody else shared it; bytes, as they
 * were when all were weighed: who hears meanwhile that others have left holds more. */
struct heavy {
	struct conn *conn;
	size_t weight;
	size_t kept; /* of this, what outlives the connection */
};

static bool is_over(const struct ws *ws)
{
	return memory_used() > gate_memory_share(ws->gate);
}

static size_t kept_of(const struct conn *conn)
{
	const struct dialect *dialect;

	if (conn->peer.state != PEER_OPEN || pace_is_pending(conn)) {
		return 0;
	}
	dialect = conn->mount->dialect;
	return dialect->kept ? dialect->kept(&conn->peer) : 0;
}

/* About so many bytes of rooms would go with its seats in them. */
static size_t seats_of(const struct peer *peer)
{
	const struct member *seat;
	size_t bytes = 0;

	DL_FOREACH2(peer->seats, seat, seat_next)
	{
		bytes += sizeof(*seat) + sizeof(*seat->room) / seat->room->count;
	}
	return bytes;
}

/* *ret_kept is what of it outlives the connection. */
static size_t weight_of(const struct conn *conn, size_t *ret_kept)
{
	const struct peer *peer = &conn->peer;
	size_t bytes = conn->stage == CONN_DEAD ? 0 : conn->unsent;

	*ret_kept = kept_of(conn);
	if (peer->state == PEER_OPEN) {
		bytes += outbox_weight(&peer->outbox) + (conn->rx ? conn->rx->room : 0) +
			 pace_backlog(conn) + *ret_kept + seats_of(peer);
	}
	return bytes < LEAST ? 0 : bytes;
}

/* Those who may have to give something back, counted in `held`; NULL: none. The caller frees it. */
static struct heavy *weigh(const struct ws *ws, struct share *held, size_t *ret_count)
{
	struct heavy *heavy = calloc(ws->sockets->adopted + 1, sizeof(*heavy));
	struct conn *conn;
	size_t count = 0;

	if (!heavy) {
		return NULL; /* the next look may have more luck */
	}
	DL_FOREACH (ws->sockets->conns, conn) {
		size_t kept, weight = weight_of(conn, &kept);

		if (weight && !share_add(held, &conn->address, weight)) {
			heavy[count++] = (struct heavy){conn, weight, kept};
		}
	}
	*ret_count = count;
	return heavy;
}

static int heavier_first(const void *left, const void *right)
{
	const struct heavy *one = left, *other = right;

	return (one->weight < other->weight) - (one->weight > other->weight);
}

/* What outlives its connection, such as what it may be sent again, is given up only if that is not
 * enough. */
static void close_peer(const struct heavy *heavy, struct shortage *shortage)
{
	struct conn *conn = heavy->conn;
	const struct dialect *dialect = conn->mount->dialect;
	size_t kept = dialect->forsake ? heavy->kept : 0;

	meter_add(METER_SHED_PEERS, 1);
	hub_discard(&conn->peer);
	shortage_take(shortage, &conn->address, heavy->weight - kept);
	if (kept >= LEAST && shortage_takes(shortage, &conn->address)) {
		shortage_take(shortage, &conn->address, kept);
		meter_add(METER_SHED_SESSIONS, 1);
		dialect->forsake(&conn->peer);
	}
	hub_close(&conn->peer, TOO_SLOW, "too slow, and memory is short");
	if (conn->unsent >= LEAST) {
		conn_kill(conn); /* or that would be held until it is taken */
	}
}

static void end(const struct heavy *heavy, struct shortage *shortage)
{
	struct conn *conn = heavy->conn;

	if (!shortage_takes(shortage, &conn->address)) {
		return;
	}
	if (conn->peer.state == PEER_OPEN) {
		close_peer(heavy, shortage);
		return;
	}
	if (!conn->ws) {
		meter_add(METER_SHED_ANSWERS, 1);
	}
	shortage_take(shortage, &conn->address, heavy->weight);
	conn_kill(conn);
}

/* To a little below the maximum, so that it is not passed again at once, and what it costs to look
 * at all is little for what it gives back. False: that was not to be had. */
static bool shed(struct ws *ws)
{
	uint64_t most = gate_memory_share(ws->gate);
	struct shortage shortage = {0};
	size_t count = 0;
	struct heavy *heavy = weigh(ws, &shortage.held, &count);
	bool enough;

	dialect_table_weigh(ws->dialects, &shortage);
	events_weigh(ws->events, &shortage.held);
	shortage_begin(&shortage, most - most / SPARE);
	events_shed(ws->events, &shortage);
	admissions_shed(ws->asking.admissions);
	dialect_table_shed(ws->dialects, &shortage);
	if (count) {
		qsort(heavy, count, sizeof(*heavy), heavier_first);
	}
	for (size_t i = 0; i < count; i++) {
		end(&heavy[i], &shortage);
	}
	free(heavy);
	enough = shortage_is_over(&shortage);
	shortage_finish(&shortage);
	return enough;
}

static void log_shortage(struct ws *ws)
{
	uint64_t now = deadlines_now(ws->deadlines);

	if (now >= ws->budget.told) {
		ws->budget.told = now + LOG_EVERY;
		log_warn("memory.short", LOG_UINT("held", memory_used()),
			LOG_UINT("max-memory", ws->gate->max_memory),
			LOG_STR("effect", "the addresses for which most is held lose of it; if "
					  "that is not enough, nobody new is let in"));
	}
}

static void on_tick(struct wheel_timer *timer)
{
	budget_settle(lws_container_of(timer, struct ws, budget.tick));
}

static void tell_shortage(struct ws *ws, bool is_short)
{
	ws->gate->short_of_memory = is_short;
	meter_set(METER_MEMORY_SHORT, is_short);
}

/* As soon as it is due, for newcomers are not refused meanwhile. But frames are shared, so that a
 * look may give back less than it should and would be due again at once: then it has to wait. */
void budget_settle(struct ws *ws)
{
	if (!is_over(ws)) {
		tell_shortage(ws, false);
		return;
	}
	if (ws->budget.tick.at) {
		return;
	}
	log_shortage(ws);
	if (!shed(ws)) {
		deadlines_set(ws->deadlines, &ws->budget.tick, TICK, on_tick);
	}
	tell_shortage(ws, is_over(ws));
}
