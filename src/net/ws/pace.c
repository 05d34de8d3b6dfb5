/* pace: owns the backlog of each held connection and the list of those to be stopped or read on. */
#include "nakodo/net/ws/pace.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/hub/audit.h"
#include "nakodo/hub/press.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"

#define BURST 4 /* seconds of the rate */
#define HELD_MAX 30000 /* ms of being held in a row before the peer is closed */
#define LOOK_AGAIN 100 /* ms, at whom it waits for */
#define HELD_GAP 1000 /* ms without being held that end such a row */

struct held {
	struct held *prev, *next;
	size_t len;
	bool binary;
	char data[];
};

static void held_free(struct held *held)
{
	memory_give(MEMORY_RECEIVED, sizeof(*held) + held->len);
	free(held);
}

static void stop_waiting(struct conn *conn)
{
	if (conn->hold == HOLD_PENDING || conn->hold == HOLD_RELIEVED) {
		DL_DELETE2(conn->pace->settling, conn, settle_prev, settle_next);
	}
	if (conn->hold >= HOLD_UNREAD && conn->peer.state != PEER_GONE) {
		lws_rx_flow_control(conn->wsi, 1);
		/* Or what TLS still holds is read at the next event only. */
		lws_cancel_service(conn->pace->context);
	}
	conn->hold = HOLD_NONE;
}

static uint64_t debt_of(const struct limit *limit, uint64_t now)
{
	return limit->due > now * 1000 ? limit->due - now * 1000 : 0;
}

void pace_begin(struct conn *conn)
{
	uint64_t now = deadlines_now(conn->pace->deadlines);

	conn->limit.due = now * 1000 + census_take_debt(conn->place, CENSUS_MESSAGES, now);
	conn->byte_limit.due = now * 1000 + census_take_debt(conn->place, CENSUS_BYTES, now);
}

void pace_leave(struct conn *conn)
{
	uint64_t now = deadlines_now(conn->pace->deadlines);

	census_leave_debt(conn->place, CENSUS_MESSAGES, debt_of(&conn->limit, now), now);
	census_leave_debt(conn->place, CENSUS_BYTES, debt_of(&conn->byte_limit, now), now);
}

/* How long to leave it unread, in ms; 0: its next message is due. */
static uint64_t wait_of(struct conn *conn)
{
	uint64_t now = deadlines_now(conn->pace->deadlines);
	uint64_t rate = conn->due > now ? conn->due - now : 0;
	uint64_t readers = press_still_waits(&conn->peer, now);

	if (readers > LOOK_AGAIN) {
		readers = LOOK_AGAIN;
	}
	return rate > readers ? rate : readers;
}

static void on_due(struct wheel_timer *timer);

/* Its next message is due: deliver what is within the rate, then read on. */
static void go_on(struct conn *conn)
{
	struct held *held;

	deadlines_clear(conn->pace->deadlines, &conn->timer);
	/* Its silence was ours. */
	conn->peer.heard = conn->released = deadlines_now(conn->pace->deadlines);
	while ((held = conn->backlog)) {
		DL_DELETE(conn->backlog, held);
		conn->pace->deliver(conn, held->data, held->len, held->binary);
		held_free(held);
		/* It may have been closed, which has forgotten the backlog; or it waits again. */
		if (conn->timer.at) {
			return;
		}
	}
	stop_waiting(conn);
	conn->pace->resumed(conn);
}

static void on_due(struct wheel_timer *timer)
{
	struct conn *conn = conn_of_timer(timer);
	struct deadlines *deadlines = conn->pace->deadlines;
	struct peer *slow =
		press_find_slow(conn->pace->presses, &conn->peer, deadlines_now(deadlines));
	uint64_t wait;

	if (slow) {
		hub_close_slow(slow);
	}
	if (conn->hold == HOLD_NONE) {
		return; /* it was itself too slow to read what it had sent */
	}
	wait = wait_of(conn);
	if (wait) {
		deadlines_set(deadlines, timer, wait, on_due);
	} else {
		go_on(conn);
	}
}

/* The ms that its rates want it to wait. The peer is closed if they have wanted that for long. */
static uint64_t count(struct conn *conn, size_t len)
{
	const struct options *options = conn->pace->options;
	uint64_t now = deadlines_now(conn->pace->deadlines), rate = options->message_rate;
	uint64_t messages = limit_spend(&conn->limit, now, rate, rate * BURST), bytes;

	rate = options->byte_rate;
	bytes = limit_spend_bytes(&conn->byte_limit, now, rate, rate * BURST, len);
	if (!messages && !bytes) {
		return 0;
	}
	if (!conn->held_since || now - conn->released > HELD_GAP) {
		conn->held_since = now;
	}
	if (now - conn->held_since >= HELD_MAX) {
		hub_close(&conn->peer, 4429, messages ? "too many messages" : "too many bytes");
	}
	return messages > bytes ? messages : bytes;
}

void pace_count(struct conn *conn, size_t len)
{
	uint64_t now = deadlines_now(conn->pace->deadlines), rate = 0;
	uint64_t readers = press_wait(conn->pace->presses, &conn->peer, conn->place, now);

	if (conn->peer.unmetered) {
		conn->peer.unmetered--;
	} else if (conn->peer.state == PEER_OPEN) {
		rate = count(conn, len);
	}
	if ((!rate && !readers) || conn->peer.state != PEER_OPEN) {
		return;
	}
	conn->due = now + rate;
	if (conn->hold == HOLD_NONE) {
		meter_add(rate ? METER_HELD : METER_HELD_FOR_READERS, 1);
		conn->hold = HOLD_PENDING;
		DL_APPEND2(conn->pace->settling, conn, settle_prev, settle_next);
	}
	deadlines_set(conn->pace->deadlines, &conn->timer, wait_of(conn), on_due);
}

void pace_count_opening(struct conn *conn, size_t bytes)
{
	uint64_t rate = conn->pace->options->byte_rate, burst = rate * BURST;

	/* Half a burst at most, whatever resume-bytes is: the rest is for what it sends now. */
	limit_spend_bytes(&conn->byte_limit, deadlines_now(conn->pace->deadlines), rate, burst,
		bytes < burst / 2 ? bytes : burst / 2);
}

static void relieve(struct peer *sender)
{
	struct conn *conn = (struct conn *)sender;

	if (conn->hold == HOLD_UNREAD) {
		conn->hold = HOLD_RELIEVED;
		DL_APPEND2(conn->pace->settling, conn, settle_prev, settle_next);
	}
}

bool pace_keep(struct conn *conn, const char *data, size_t len, bool binary)
{
	struct held *held = malloc(sizeof(*held) + len);

	if (!held) {
		return false;
	}
	memory_take(MEMORY_RECEIVED, sizeof(*held) + len);
	held->len = len;
	held->binary = binary;
	if (len) {
		memcpy(held->data, data, len);
	}
	DL_APPEND(conn->backlog, held);
	return true;
}

void pace_release(struct conn *conn)
{
	while (conn->backlog && conn->peer.state == PEER_OPEN) {
		struct held *held = conn->backlog;

		DL_DELETE(conn->backlog, held);
		conn->pace->deliver(conn, held->data, held->len, held->binary);
		held_free(held);
	}
}

void pace_end(struct conn *conn)
{
	struct held *held, *next;

	DL_FOREACH_SAFE (conn->backlog, held, next) {
		held_free(held);
	}
	conn->backlog = NULL;
	stop_waiting(conn);
}

void pace_start(struct pace *pace, struct hub *hub)
{
	pace->presses = hub_presses(hub);
	pace->presses->relieved = relieve;
}

static void settle(struct conn *conn)
{
	SSL *ssl = lws_get_ssl(conn->wsi);

	if (!wait_of(conn)) {
		go_on(conn);
	}
	if (conn->hold == HOLD_NONE) {
		return;
	}
	DL_DELETE2(conn->pace->settling, conn, settle_prev, settle_next);
	if (conn->hold == HOLD_PENDING && ssl && SSL_pending(ssl)) {
		DL_APPEND2(conn->pace->settling, conn, settle_prev, settle_next);
		return;
	}
	if (conn->hold == HOLD_PENDING) {
		lws_rx_flow_control(conn->wsi, 0);
	}
	conn->hold = HOLD_UNREAD;
}

/* guard hold: between two turns only, and never while TLS has decrypted bytes left. */
void pace_settle(struct pace *pace)
{
	struct conn *conn;
	size_t count;

	/* What one of them delivers may take another out of the list, or put one in. */
	DL_COUNT2(pace->settling, conn, count, settle_next);
	for (; count && pace->settling; count--) {
		settle(pace->settling);
	}
}

#ifdef NAKODO_AUDIT
void pace_audit(const struct conn *conn, struct audit *audit)
{
	const struct held *held;

	DL_FOREACH (conn->backlog, held) {
		audit_bytes(audit, MEMORY_RECEIVED, sizeof(*held) + held->len);
	}
	if (conn->hold == HOLD_NONE ? conn->backlog != NULL : !conn->timer.at) {
		audit_fault(audit, "what is held back is forgotten");
	}
}
#endif
