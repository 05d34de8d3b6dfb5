/* invariants: see the header. */
#include "nakodo/net/invariants.h"

#ifdef NAKODO_AUDIT

#include <stdlib.h>
#include <utlist.h>
#include <uv.h>

#include "nakodo/base/log.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/hub/audit.h"
#include "nakodo/hub/hold.h"
#include "nakodo/hub/hub.h"
#include "nakodo/net/cluster/visitors.h"
#include "nakodo/net/server.h"
#include "nakodo/net/socket/accept.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/handshakes.h"
#include "nakodo/net/ws/pace.h"
#include "nakodo/service/admission.h"
#include "nakodo/service/events.h"
#include "nakodo/service/grant.h"

#define EVERY 1000 /* ms */
#define SHARE 50 /* a walk takes at most this part of the time, then those after it wait longer */

/* A peer for which something waits is written to in this turn, or when its socket takes more. */
static void audit_way_out(struct audit *audit, const struct conn *conn)
{
	const struct peer *peer = &conn->peer;

	if (hold_ready(peer) && !peer->dirty && !conn->waiting) {
		audit_fault(audit, "%u frames wait and nobody will write them", hold_ready(peer));
	}
	/* The others are gone through after each turn. */
	if (peer->state == PEER_OPEN && !conn->timer.at && !conn->leaving &&
		(conn->hold == HOLD_NONE || conn->hold == HOLD_UNREAD)) {
		audit_fault(audit, "nobody watches whether a peer is there");
	}
}

static void audit_conns(struct audit *audit, const struct server *server)
{
	const struct conn *conn;
	size_t count = 0, placed = 0;

	DL_FOREACH (server->sockets.conns, conn) {
		audit_bytes(audit, MEMORY_CONNECTIONS, conn_cost(conn));
		audit_bytes(audit, conn->ws ? MEMORY_FRAMES : MEMORY_ANSWERS, conn->unsent);
		audit_bytes(audit, MEMORY_RECEIVED, conn->ws && conn->rx ? conn->rx->room : 0);
		audit_peer(audit, &conn->peer);
		audit_bytes(
			audit, MEMORY_CONNECTIONS, conn->peer.grant ? conn->peer.grant->size : 0);
		if (conn->ws) {
			pace_audit(conn, audit);
			audit_way_out(audit, conn);
		}
		count++;
		placed += conn->placed;
	}
	if (count > server->sockets.count || placed != server->gate.peers) {
		audit_fault(audit,
			"%zu connections and %zu peers are counted; there are %zu and %zu",
			server->sockets.count, server->gate.peers, count, placed);
	}
}

static void look(const struct server *server)
{
	struct audit audit = {0};
	const char *fault;

	hub_audit(server->hub, &audit);
	dialect_table_audit(server->dialects, &audit);
	audit_conns(&audit, server);
	accept_audit(&server->sockets, &audit);
	handshakes_audit(&server->sockets.handshakes, &audit);
	visitors_audit(&server->cluster, &audit);
	units_audit(&server->cluster.units, &audit);
	tunnels_audit(&server->worker.tunnels, &audit);
	audit_frame(&audit, server->ws.ping);
	audit_bytes(&audit, MEMORY_EVENTS, events_audit(server->hooks.events));
	audit_bytes(&audit, MEMORY_EVENTS, admissions_audit(server->hooks.admissions));
	if (audit.awaited != server->gate.awaited) {
		audit_fault(&audit, "%zu places are kept for those away, and %zu are away",
			server->gate.awaited, audit.awaited);
	}
	fault = audit_finish(&audit);
	if (fault) {
		log_error("invariant", LOG_STR("broken", fault));
		abort();
	}
}

static void on_time(struct wheel_timer *timer)
{
	struct server *server =
		(struct server *)(void *)((char *)timer - offsetof(struct server, audit));
	uint64_t began = uv_hrtime(), took;

	look(server);
	took = (uv_hrtime() - began) / 1000000 * SHARE;
	log_debug("invariants", LOG_UINT("us", (uv_hrtime() - began) / 1000));
	deadlines_set(&server->deadlines, timer, took > EVERY ? took : EVERY, on_time);
}

void invariants_start(struct server *server)
{
	deadlines_set(&server->deadlines, &server->audit, EVERY, on_time);
}

#endif
