/* budget: see the header. */
#include "nakodo/net/ws/budget.h"

#include <utlist.h>

#include "nakodo/base/log.h"
#include "nakodo/base/memory.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/ws/ws.h"

#define TOO_SLOW 4508
#define LEAST 16384 /* bytes; to close for less would only punish who is in the way */

static bool is_over(const struct ws *ws)
{
	return memory_used() > ws->gate->max_memory;
}

/* What would be given back, if nobody else shared it, were it closed. */
static size_t weight(const struct conn *conn)
{
	const struct peer *peer = &conn->peer;

	if (peer->state != PEER_OPEN) {
		return 0;
	}
	return peer->outbox.bytes + (conn->rx ? conn->rx->room : 0) +
	       (conn->mount->dialect->kept ? conn->mount->dialect->kept(peer) : 0);
}

static size_t largest_weight(const struct ws *ws)
{
	const struct conn *conn;
	size_t largest = LEAST;

	DL_FOREACH (ws->sockets->conns, conn) {
		size_t each = weight(conn);

		largest = each > largest ? each : largest;
	}
	return largest;
}

/* Those that are nearly the heaviest go together, so that a walk through all connections ends many
 * of them. Frames are shared: what one of them gives back is known only when it is gone. */
static void shed_heaviest(struct ws *ws)
{
	size_t most = largest_weight(ws);
	struct conn *conn, *next;

	DL_FOREACH_SAFE (ws->sockets->conns, conn, next) {
		if (!is_over(ws)) {
			return;
		}
		if (weight(conn) >= LEAST && weight(conn) > most / 4 * 3) {
			meter_add(METER_SHED_PEERS, 1);
			hub_discard(&conn->peer);
			hub_close(&conn->peer, TOO_SLOW, "too slow, and memory is short");
		}
	}
}

static void log_shortage(const struct ws *ws, uint64_t used)
{
	static const struct address nobody = {{2}};

	if (census_may_log(ws->gate->census, &nobody, deadlines_now(ws->deadlines))) {
		log_warn("memory.short", LOG_UINT("held", used),
			LOG_UINT("max-memory", ws->gate->max_memory),
			LOG_STR("effect", "who lost its connection, and who reads least, is given "
					  "up; nobody new is let in"));
	}
}

void budget_settle(struct ws *ws)
{
	uint64_t used = memory_used();

	if (used <= ws->gate->max_memory) {
		return;
	}
	log_shortage(ws, used);
	while (is_over(ws) && dialect_shed(ws->dialects)) {
		meter_add(METER_SHED_SESSIONS, 1);
	}
	if (is_over(ws)) {
		shed_heaviest(ws);
	}
}
