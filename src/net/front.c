/*
 * front: see the header. Each guard says which fault it is for; SECURITY.md explains them, and
 * tests/guards takes each of them out to see that a test then fails.
 */
#include "nakodo/net/front.h"

#include <ctype.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/net/gate/admit.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/proxies.h"
#include "nakodo/net/http/http.h"
#include "nakodo/net/server.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/tls/tls.h"
#include "nakodo/net/ws/ws.h"

#define HEADER_MAX 1024

static const struct refusal no_refusal;

/* A header's value, or NULL if there is none. One too long to be right reads as "". */
static const char *header(struct lws *wsi, enum lws_token_indexes token, char buf[HEADER_MAX])
{
	if (!lws_hdr_total_length(wsi, token)) {
		return NULL;
	}
	if (lws_hdr_copy(wsi, buf, HEADER_MAX, token) < 0) {
		*buf = '\0';
	}
	return buf;
}

static struct refusal check_host(const struct conn *conn, const char *host)
{
	if (!host || !admit_host_is_valid(host)) {
		return (struct refusal){
			400, "bad-host", "The Host header must name one host.", NULL};
	}
	if (conn->listener->loopback &&
		!admit_loopback_host(host, &conn->server->options->server_name)) {
		return (struct refusal){403, "bad-host",
			"This server does not answer to that host name.", "server-name"};
	}
	return no_refusal;
}

/* Behind a trusted proxy the client's address is what the proxy says. libwebsockets can be made to
 * lose the header, so a request without it is refused and never taken for the proxy's own. */
static struct refusal find_client(struct conn *conn, struct lws *wsi)
{
	const struct options *options = conn->server->options;
	char buf[HEADER_MAX];
	const char *forwarded = header(wsi, WSI_TOKEN_X_FORWARDED_FOR, buf);
	struct address address;

	if (!proxies_has(options, &conn->address)) {
		return no_refusal;
	}
	if (!forwarded || !proxies_find_client(&address, options, forwarded)) {
		return (struct refusal){400, "bad-proxy",
			"A trusted proxy must name the client in X-Forwarded-For.",
			"trusted-proxy"};
	}
	conn->address = address;
	return no_refusal;
}

/* guard request-line: libwebsockets ends the line at a %0d or %0a in the URL and takes what follows
 * for a header, by which a page could forge its own Origin. The version is missing then. */
static struct refusal check_request_line(struct lws *wsi)
{
	char buf[HEADER_MAX];
	const char *version = header(wsi, WSI_TOKEN_HTTP, buf);

	if (version && !strncmp(version, "HTTP/1.", strlen("HTTP/1."))) {
		return no_refusal;
	}
	return (struct refusal){
		400, "bad-request", "The request line is not one of HTTP/1.1.", NULL};
}

static struct refusal check_any(struct conn *conn, struct lws *wsi)
{
	char buf[HEADER_MAX];
	struct refusal refusal = check_request_line(wsi);

	if (!refusal.status) {
		refusal = check_host(conn, header(wsi, WSI_TOKEN_HOST, buf));
	}
	return refusal.status ? refusal : find_client(conn, wsi);
}

static struct refusal check_origin(const struct conn *conn, struct lws *wsi)
{
	char origin_buf[HEADER_MAX], host_buf[HEADER_MAX];
	const char *origin = header(wsi, WSI_TOKEN_ORIGIN, origin_buf);
	const char *host = header(wsi, WSI_TOKEN_HOST, host_buf);
	const char *own = conn->listener->endpoint.origin;

	if (*own ? admit_origin_one(own, origin, host)
		 : admit_origin(&conn->server->options->origin, origin, host)) {
		return no_refusal;
	}
	return (struct refusal){
		403, "bad-origin", "Pages of that origin may not connect here.", "origin"};
}

/* For what even an allowed foreign page shall not read. */
static struct refusal check_same_host(struct lws *wsi)
{
	char origin_buf[HEADER_MAX], host_buf[HEADER_MAX];
	const char *host = header(wsi, WSI_TOKEN_HOST, host_buf);

	if (admit_origin_one("same-host", header(wsi, WSI_TOKEN_ORIGIN, origin_buf), host)) {
		return no_refusal;
	}
	return (struct refusal){
		403, "bad-origin", "Only this server's own pages may read this.", NULL};
}

/* RFC 9110 section 5.6.2, and what stands between tokens. */
static bool is_token_list(const char *text)
{
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && !strchr("!#$%&'*+-.^_`|~, ", *text)) {
			return false;
		}
	}
	return true;
}

static bool is_own_subprotocol(const struct dialect *dialect, const char *offered)
{
	struct option_item item = {.value = (char *)dialect->subprotocol};
	const struct option_list own = {&item, 1};
	bool any;

	return dialect->subprotocol && admit_subprotocol(&own, offered, &any);
}

static struct refusal check_subprotocol(const struct conn *conn, struct lws *wsi)
{
	static char message[256]; /* until the answer is written, in this very call from the loop */
	char buf[HEADER_MAX];
	const char *offered = header(wsi, WSI_TOKEN_PROTOCOL, buf);
	bool any = false;

	if (offered && is_own_subprotocol(conn->mount->dialect, offered)) {
		return no_refusal;
	}
	if (!offered || admit_subprotocol(&conn->server->options->subprotocol, offered, &any) ||
		!any) {
		return no_refusal;
	}
	snprintf(message, sizeof(message),
		"None of the offered WebSocket subprotocols is known here: %.128s",
		is_token_list(offered) ? offered : "they are not even tokens");
	return (struct refusal){400, "bad-subprotocol", message, "subprotocol"};
}

static struct refusal check_handshake(struct lws *wsi)
{
	char buf[HEADER_MAX];
	const char *version = header(wsi, WSI_TOKEN_VERSION, buf);

	if (http_method(wsi) != HTTP_GET) {
		return (struct refusal){
			405, "bad-method", "A WebSocket handshake is a GET request.", NULL};
	}
	/* libwebsockets would end the connection without a word. */
	if (!lws_hdr_total_length(wsi, WSI_TOKEN_CONNECTION) ||
		!lws_hdr_total_length(wsi, WSI_TOKEN_KEY)) {
		return (struct refusal){400, "bad-handshake",
			"A WebSocket handshake has Connection and Sec-WebSocket-Key headers.",
			NULL};
	}
	if (!version || strcmp(version, "13")) {
		return (struct refusal){426, "bad-version",
			"This server speaks WebSocket version 13 (RFC 6455).", NULL};
	}
	return no_refusal;
}

static const struct mount *route_path(
	const struct conn *conn, const char *path, const char **ret_room)
{
	return conn->listener->own ? dialect_route_own(conn->listener->own, path, ret_room)
				   : dialect_route(conn->server->dialects, path, ret_room);
}

static const struct mount *route(const struct conn *conn, struct lws *wsi)
{
	char path[HEADER_MAX];
	const char *room;

	/* The rest, if any, stands behind a raw `;` or `&`; joined to this it would be a name that
	 * nobody wrote. */
	if (lws_hdr_copy_fragment(wsi, path, sizeof(path), WSI_TOKEN_GET_URI, 0) < 0) {
		return NULL;
	}
	return route_path(conn, path, &room);
}

/* Does this client take over a place that it holds already? */
static bool is_awaited(struct conn *conn, struct lws *wsi)
{
	const char *arguments[CONN_ARGUMENTS + 1], *room = "";
	char path[HEADER_MAX], text[4096];
	struct request request = {.arguments = arguments, .address = &conn->address};

	if (!conn->mount->dialect->is_awaited ||
		lws_hdr_copy_fragment(wsi, path, sizeof(path), WSI_TOKEN_GET_URI, 0) < 0) {
		return false;
	}
	conn_read_arguments(conn, text, sizeof(text), arguments);
	route_path(conn, path, &room);
	request.mount = conn->mount;
	request.room = room;
	return conn->mount->dialect->is_awaited(conn->mount, &request);
}

/* The last checks, and the count when all is well. */
static struct refusal take_place(struct conn *conn, struct lws *wsi)
{
	struct server *server = conn->server;
	bool full = server->peer_count + server->awaited >= server->max_peers, added;

	if (server->draining) {
		return (struct refusal){503, "draining", "The server is stopping.", NULL};
	}
	added = !full && census_add_peer(server->census, &conn->address,
				 server->options->max_peers_per_address);
	if (!added && is_awaited(conn, wsi)) {
		full = false;
		added = census_add_peer(server->census, &conn->address, 0);
	}
	if (full) {
		return (struct refusal){503, "server-full", "The server is full.", "max-peers"};
	}
	if (!added) {
		return (struct refusal){429, "too-many-peers",
			"Too many connections come from this address.", "max-peers-per-address"};
	}
	server->peer_count++;
	conn->placed = true;
	conn->stage = CONN_ADMITTED;
	return no_refusal;
}

static struct refusal check_upgrade(struct conn *conn, struct lws *wsi)
{
	struct refusal refusal = check_handshake(wsi);

	if (!refusal.status) {
		refusal = check_any(conn, wsi);
	}
	if (!refusal.status && conn->misplaced) {
		refusal = (struct refusal){426, "tls-required",
			"TLS is spoken on this port: use wss:// in place of ws://.", NULL};
	}
	if (!refusal.status) {
		refusal = check_origin(conn, wsi);
	}
	if (!refusal.status) {
		conn->mount = route(conn, wsi);
		if (!conn->mount) {
			refusal = (struct refusal){
				404, "not-found", "No protocol is spoken at this path.", "mount"};
		}
	}
	if (!refusal.status) {
		refusal = check_subprotocol(conn, wsi);
	}
	return refusal.status ? refusal : take_place(conn, wsi);
}

static void log_refusal(const struct conn *conn, struct lws *wsi, const struct refusal *refusal)
{
	struct server *server = conn->server;
	char where[ADDRESS_TEXT], host[HEADER_MAX], origin[HEADER_MAX], offered[HEADER_MAX];
	const char *values[3] = {header(wsi, WSI_TOKEN_HOST, host),
		header(wsi, WSI_TOKEN_ORIGIN, origin), header(wsi, WSI_TOKEN_PROTOCOL, offered)};

	if (census_may_log(server->census, &conn->address, uv_now(&server->loop))) {
		log_warn("request.refuse",
			LOG_STR("address", address_format(&conn->address, where)),
			LOG_UINT("status", (uint64_t)refusal->status),
			LOG_STR("code", refusal->code), LOG_STR("host", values[0] ? values[0] : ""),
			LOG_STR("origin", values[1] ? values[1] : ""),
			LOG_STR("subprotocol", values[2] ? values[2] : ""),
			LOG_STR("option", refusal->option ? refusal->option : "none"));
	}
}

/* Returns what the callback returns: end the connection once the answer is out. */
static int refuse(struct conn *conn, struct lws *wsi, const struct refusal *refusal)
{
	log_refusal(conn, wsi, refusal);
	http_refuse(wsi, refusal);
	conn_answered(conn);
	return -1;
}

static int on_upgrade(struct conn *conn, struct lws *wsi, const char *protocol)
{
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
	refusal = check_upgrade(conn, wsi);
	return refusal.status ? refuse(conn, wsi, &refusal) : 0;
}

static int on_request(struct conn *conn, struct lws *wsi)
{
	static const struct refusal method = {
		405, "bad-method", "Only GET, HEAD and OPTIONS are answered.", NULL};
	static const struct refusal body = {
		413, "body-refused", "A request here has no body.", NULL};

	/* guard body, upgrade-uaf: one request per connection. The -1 of every answer sees to that;
	 * this is for the day when libwebsockets reads on all the same. */
	if (!conn || conn->stage != CONN_REQUEST) {
		return -1;
	}
	if (http_method(wsi) == HTTP_OTHER) {
		return refuse(conn, wsi, &method);
	}
	/* guard body: a pipelined request with a body hangs libwebsockets 4.1.6 for good. */
	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) ||
		lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING)) {
		return refuse(conn, wsi, &body);
	}
	return 0;
}

static int on_http(struct conn *conn, struct lws *wsi, const char *path)
{
	struct refusal refusal = check_any(conn, wsi);

	if (!refusal.status) {
		refusal = http_is_private(path) ? check_same_host(wsi) : no_refusal;
	}
	if (refusal.status) {
		return refuse(conn, wsi, &refusal);
	}
	http_serve(conn, path);
	conn_answered(conn);
	/* guard body, upgrade-uaf: no second request is read. */
	return -1;
}

static int on_websocket(struct conn *conn, enum lws_callback_reasons reason, void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED:
		return len == 1 ? -1 : ws_open(conn); /* 1: over HTTP/2, which is off */
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
		return ws_peer_closed(conn, in, len);
	case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
		ws_mute(conn);
		return 0;
	case LWS_CALLBACK_CLOSED:
		ws_closed(conn);
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
		tls_attach(lws_context_user(lws_get_context(wsi)), user);
		return 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return on_upgrade(conn_of(wsi), wsi, in);
	case LWS_CALLBACK_FILTER_HTTP_CONNECTION:
		return on_request(conn_of(wsi), wsi);
	case LWS_CALLBACK_HTTP:
		return on_http(conn_of(wsi), wsi, in);
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		conn = conn_of(wsi);
		return conn && conn->stage == CONN_ADMITTED ? 0 : -1;
	case LWS_CALLBACK_WSI_DESTROY:
		conn = conn_of(wsi);
		if (conn) {
			conn_destroy(conn);
		}
		return 0;
	default:
		conn = conn_of(wsi);
		return conn ? on_websocket(conn, reason, in, len) : 0;
	}
}

struct lws_protocols *front_protocols(const struct option_list *subprotocols, size_t read_size)
{
	size_t count = subprotocols->count;
	struct lws_protocols *table = calloc(count + 3, sizeof(*table));

	for (size_t i = 0; table && i <= count + 1; i++) {
		/* The first is for clients that offer none; no client can offer such a name. */
		table[i].name = !i           ? "(none)"
				: i <= count ? subprotocols->items[i - 1].value
					     : dialect_nakodo_v1.subprotocol;
		table[i].callback = on_event;
		table[i].rx_buffer_size = read_size;
		table[i].tx_packet_size = 2 * WS_BURST;
	}
	return table;
}
