/*
 * front: see the header. Each guard says which fault it is for; SECURITY.md explains them, and
 * tests/guards takes each of them out to see that a test then fails.
 */
#include "nakodo/net/front.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "nakodo/base/address.h"
#include "nakodo/base/endpoint.h"
#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/gate/bearer.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/http/answer.h"
#include "nakodo/net/http/download.h"
#include "nakodo/net/http/pages.h"
#include "nakodo/net/server.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/read_head.h"
#include "nakodo/net/tls/tls.h"
#include "nakodo/net/ws/closing.h"
#include "nakodo/net/ws/leaving.h"
#include "nakodo/net/ws/ws.h"

static struct server *server_of(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

static struct gate_door door_of(const struct conn *conn)
{
	return (struct gate_door){.origin = conn->listener->endpoint.origin,
		.auth = conn->listener->endpoint.auth,
		.own = conn->listener->own,
		.loopback = conn->listener->loopback,
		.tls = conn->listener->endpoint.tls && !conn->misplaced,
		.proxied = conn->listener->endpoint.proxy || !conn->group,
		.misplaced = conn->misplaced,
		.direct = conn->direct,
		.metrics = conn->listener->endpoint.metrics,
		.counted = conn->group,
		.now = deadlines_now(conn_sockets(conn)->deadlines)};
}

static void log_refusal(
	const struct conn *conn, const struct head *head, const struct refusal *refusal)
{
	const struct sockets *sockets = conn_sockets(conn);
	char where[ADDRESS_TEXT];

	if (census_may_log(
		    sockets->gate->census, &conn->address, deadlines_now(sockets->deadlines))) {
		log_warn("request.refuse",
			LOG_STR("address", address_format(&conn->address, where)),
			LOG_UINT("status", (uint64_t)refusal->status),
			LOG_STR("code", refusal->code),
			LOG_STR("host", head->host ? head->host : ""),
			LOG_STR("origin", head->origin ? head->origin : ""),
			LOG_STR("subprotocol", head->subprotocols ? head->subprotocols : ""),
			LOG_STR("option", refusal->option ? refusal->option : "none"));
	}
}

/* Returns what the callback returns: end the connection once the answer is out. */
static int refuse(struct conn *conn, const struct head *head, const struct refusal *refusal)
{
	log_refusal(conn, head, refusal);
	answer_refuse(conn, head, refusal);
	conn_answered(conn);
	return -1;
}

static int on_upgrade(
	struct server *server, struct conn *conn, struct lws *wsi, const char *protocol)
{
	struct head_text text;
	struct head head;
	struct gate_door door;
	struct gate_place place;
	struct refusal refusal;

	/* guard upgrade-uaf: on a later request of a connection libwebsockets may call this
	 * with freed headers (CVE-2025-11677); `protocol` must not be touched then. */
	if (!lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE)) {
		return -1;
	}
	/* guard h2c: HTTP/2 would bring in its header decompressor (CVE-2026-19773) and a
	 * WebSocket path around all that is checked here. */
	if (strcasecmp(protocol, "websocket")) {
		return -1;
	}
	if (!conn || conn->stage != CONN_REQUEST) {
		return -1;
	}
	read_head(&head, &text, wsi);
	door = door_of(conn);
	refusal =
		gate_check_upgrade(conn_sockets(conn)->gate, &door, &head, &conn->address, &place);
	if (refusal.status) {
		return refuse(conn, &head, &refusal);
	}
	snprintf(server->subprotocol, sizeof(server->subprotocol), "%s",
		place.subprotocol ? place.subprotocol : "");
	conn->mount = place.mount;
	dialect_table_hold(conn->mount);
	conn->place = place.group;
	conn->peer.grant = place.grant;
	conn->placed = true;
	conn_admitted(conn);
	return 0;
}

static int on_request(struct conn *conn, struct lws *wsi)
{
	static const struct refusal method = {.status = 405,
		.code = "bad-method",
		.message = "Only GET, HEAD and OPTIONS are answered."};
	static const struct refusal body = {
		.status = 413, .code = "body-refused", .message = "A request here has no body."};
	struct head_text text;
	struct head head;

	/* guard body, upgrade-uaf: one request per connection. The -1 of every answer sees to that;
	 * this is for the day when libwebsockets reads on all the same. */
	if (!conn || conn->stage != CONN_REQUEST) {
		return -1;
	}
	read_head(&head, &text, wsi);
	if (head.method == HEAD_OTHER) {
		return refuse(conn, &head, &method);
	}
	/* guard body: a pipelined request with a body hangs libwebsockets 4.1.6 for good. */
	if (head.has_body) {
		return refuse(conn, &head, &body);
	}
	return 0;
}

/* A proxy on this machine may bring clients of others to a listener that only this machine reaches,
 * also one that trusted-proxy does not name. */
static bool is_local(const struct conn *conn, const struct head *head)
{
	return endpoint_is_loopback(&conn->listener->endpoint) && !head->forwarded_for &&
	       (!address_is_known(&conn->address) || address_is_loopback(&conn->address));
}

/* What is for those who show a token is for pages that may connect as well. A preflight shows none,
 * and is given nothing. */
static struct refusal check_page(const struct pages *pages, const struct gate_door *door,
	const struct head *head, const char *path)
{
	bool for_bearers = pages_is_for_bearers(pages, path, door);
	struct gate *gate = pages->gate;
	struct refusal refusal = {0};

	if (pages_is_private(path)) {
		refusal = gate_check_private(gate, door, head);
	}
	if (refusal.status && for_bearers) {
		refusal = gate_check_page(gate, door, head);
	}
	if (!refusal.status && for_bearers && head->method != HEAD_OPTIONS) {
		refusal = bearer_check_any(gate, door, head);
	}
	return refusal;
}

static int on_http(struct server *server, struct conn *conn, struct lws *wsi, const char *path)
{
	struct head_text text;
	struct head head;
	struct gate_door door = door_of(conn);
	struct refusal refusal;

	read_head(&head, &text, wsi);
	head.path = path;
	refusal = gate_check_request(&server->gate, &door, &head, &conn->address);
	if (!refusal.status) {
		refusal = check_page(&server->pages, &door, &head, path);
	}
	if (!refusal.status && pages_is_for_admin(&server->pages, path, &door) &&
		!(door.metrics && is_local(conn, &head))) {
		refusal = bearer_check_admin(&server->gate, &head);
	}
	if (refusal.status) {
		return refuse(conn, &head, &refusal);
	}
	pages_serve(&server->pages, &door, conn, &head);
	conn_answered(conn);
	if (download_is_on(conn)) {
		return 0;
	}
	/* guard body, upgrade-uaf: no second request is read. */
	return -1;
}

static int on_websocket(
	struct ws *ws, struct conn *conn, enum lws_callback_reasons reason, void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED:
		/* To connections without such a pointer it does not say that it drops them. */
		lws_set_wsi_user(conn->wsi, conn);
		return len == 1 ? -1 : ws_open(ws, conn); /* 1: over HTTP/2, which is off */
	case LWS_CALLBACK_RECEIVE:
		ws_receive(conn, in, len);
		return 0;
	case LWS_CALLBACK_RECEIVE_PONG:
		ws_pong(conn);
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		ws_writeable(conn);
		return 0;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		return closing_by_peer(conn, in, len);
	case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
		closing_by_library(conn);
		return 0;
	case LWS_CALLBACK_CLOSED:
		closing_done(conn);
		return 0;
	default:
		return 0;
	}
}

static int on_event(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct conn *conn;

	(void)user;
	switch (reason) {
	case LWS_CALLBACK_RAW_ADOPT:
	case LWS_CALLBACK_RAW_RX:
		/* guard connect: CONNECT makes a connection raw and clears all its timeouts. */
		return -1;
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
		tls_attach(&server_of(wsi)->tls, user);
		return 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return on_upgrade(server_of(wsi), conn_of(wsi), wsi, in);
	case LWS_CALLBACK_FILTER_HTTP_CONNECTION:
		return on_request(conn_of(wsi), wsi);
	case LWS_CALLBACK_HTTP:
		return on_http(server_of(wsi), conn_of(wsi), wsi, in);
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		conn = conn_of(wsi);
		return conn && conn->stage == CONN_ADMITTED ? 0 : -1;
	case LWS_CALLBACK_HTTP_WRITEABLE:
		conn = conn_of(wsi);
		return conn ? download_go_on(conn) : 0;
	case LWS_CALLBACK_WSI_DESTROY:
		conn = conn_of(wsi);
		if (conn) {
			download_end(conn);
			leaving_let_go(conn);
		}
		return 0;
	default:
		conn = conn_of(wsi);
		return conn ? on_websocket(&server_of(wsi)->ws, conn, reason, in, len) : 0;
	}
}

void front_set_protocol(struct lws_protocols *ret, const char *name, size_t read_size)
{
	ret[0] = (struct lws_protocols){.name = name,
		.callback = on_event,
		.rx_buffer_size = read_size,
		.tx_packet_size = 2 * WS_BURST};
	ret[1] = (struct lws_protocols){0};
}
