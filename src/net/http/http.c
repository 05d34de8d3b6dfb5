/* http: puts an answer together and writes it; site.c finds what to answer with. */
#include "nakodo/net/http/http.h"

#include <libwebsockets.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/net/gate/admit.h"
#include "nakodo/net/http/lan.h"
#include "nakodo/net/http/site.h"
#include "nakodo/net/server.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"

/* On every answer. The page needs camera, microphone and its own server, and nothing else. */
static const char policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src %s; "
	"img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self'; "
	"manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
	"require-trusted-types-for 'script'; trusted-types 'none'";

static const char common_headers[] =
	"permissions-policy: camera=(self), microphone=(self), display-capture=(self), "
	"speaker-selection=(self), screen-wake-lock=(self), fullscreen=(self), "
	"picture-in-picture=(self), clipboard-write=(self), geolocation=()\r\n"
	"referrer-policy: no-referrer\r\n"
	"x-content-type-options: nosniff\r\n"
	"x-frame-options: DENY\r\n"
	"cross-origin-opener-policy: same-origin\r\n"
	"connection: close\r\n";

/* The same for what libwebsockets answers by itself. */
static const struct lws_protocol_vhost_options library_headers[] = {
	{&library_headers[1], NULL,
		"content-security-policy:", "default-src 'none'; frame-ancestors 'none'"},
	{&library_headers[2], NULL, "referrer-policy:", "no-referrer"},
	{&library_headers[3], NULL, "x-content-type-options:", "nosniff"},
	{&library_headers[4], NULL, "x-frame-options:", "DENY"},
	{&library_headers[5], NULL, "cross-origin-opener-policy:", "same-origin"},
	{&library_headers[6], NULL, "cross-origin-resource-policy:", "same-origin"},
	{&library_headers[7], NULL, "cache-control:", "no-store"},
	{NULL, NULL, "connection:", "close"},
};

/* Of answers that may wait for slow clients altogether, and what is answered all the same; bytes.
 */
#define UNSENT_MAX (64 << 20)
#define UNSENT_SMALL (64 << 10)

/* Who may load it; the first for all but what is there for other sites' pages. */
#define SAME_ORIGIN "cross-origin-resource-policy: same-origin\r\n"
#define CROSS_ORIGIN "cross-origin-resource-policy: cross-origin\r\n"

/* The JavaScript client, which pages of other sites may import. */
static const char *const shared_files[] = {
	"/client.d.ts", "/client.js", "/mesh.js", "/signaling.js"};

/* Where a page may connect to; `path` NULL: it is no page, and its Host may be a bad one. The lab
 * is for talking to any server. */
static void write_connect(struct lws *wsi, const char *path, char *buf, size_t size)
{
	char host[300];

	if (path && (!strcmp(path, "/lab.html") || !strcmp(path, "/lab"))) {
		snprintf(buf, size, "'self' ws: wss:");
		return;
	}
	/* Before Safari 15.4 'self' does not include WebSockets. A policy cannot name IPv6
	 * addresses or underscores. */
	if (path && lws_hdr_copy(wsi, host, sizeof(host), WSI_TOKEN_HOST) > 0 &&
		!strpbrk(host, "[_")) {
		snprintf(buf, size, "'self' ws://%s wss://%s", host, host);
		return;
	}
	snprintf(buf, size, "'self'");
}

static const char *sharing(const char *path)
{
	for (size_t i = 0; i < sizeof(shared_files) / sizeof(*shared_files); i++) {
		if (!strcmp(path, shared_files[i])) {
			return "access-control-allow-origin: *\r\n" CROSS_ORIGIN;
		}
	}
	return SAME_ORIGIN;
}

static const char *reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 204:
		return "No Content";
	case 304:
		return "Not Modified";
	case 308:
		return "Permanent Redirect";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 413:
		return "Content Too Large";
	case 426:
		return "Upgrade Required";
	case 429:
		return "Too Many Requests";
	case 503:
		return "Service Unavailable";
	default:
		return "Internal Server Error";
	}
}

static const char *extra_headers(int status)
{
	switch (status) {
	case 204:
	case 405:
		return "allow: GET, HEAD, OPTIONS\r\n";
	case 426:
		return "upgrade: websocket\r\nsec-websocket-version: 13\r\n";
	case 429:
	case 503:
		return "retry-after: 5\r\n";
	default:
		return "";
	}
}

/* What stands in an answer beside what it is made of. */
struct shape {
	const char *path; /* chooses the policy; NULL: no page */
	const char *extra; /* header lines */
	bool head_only;
};

static void answer(struct lws *wsi, const struct site_reply *reply, const struct shape *shape)
{
	bool empty = reply->status == 204 || reply->status == 304;
	size_t body = shape->head_only || empty ? 0 : reply->len;
	size_t size = 4096 + strlen(shape->extra);
	char *bytes = malloc(LWS_PRE + size + body);
	struct conn *conn = conn_of(wsi);
	char connect[640];
	int head;

	if (!bytes) {
		return;
	}
	write_connect(wsi, shape->path, connect, sizeof(connect));
	head = snprintf(bytes + LWS_PRE, size,
		"HTTP/1.1 %d %s\r\n%s%s%s"
		"cache-control: %s\r\n"
		"%s%s%s"
		"content-security-policy: ",
		reply->status, reason(reply->status), common_headers, extra_headers(reply->status),
		shape->extra, *reply->etag ? "no-cache" : "no-store", *reply->etag ? "etag: " : "",
		reply->etag, *reply->etag ? "\r\n" : "");
	head += snprintf(bytes + LWS_PRE + head, size - (size_t)head, policy, connect);
	head += snprintf(bytes + LWS_PRE + head, size - (size_t)head,
		empty ? "\r\n\r\n" : "\r\ncontent-type: %s\r\ncontent-length: %zu\r\n\r\n",
		reply->type, reply->len);
	if (body) {
		memcpy(bytes + LWS_PRE + head, reply->body, body);
	}
	/* What the socket does not take at once, libwebsockets copies and sends later. */
	lws_write(wsi, (unsigned char *)bytes + LWS_PRE, (size_t)head + body, LWS_WRITE_HTTP);
	if (lws_partial_buffered(wsi)) {
		conn->unsent = (unsigned)body;
		conn->server->unsent += body;
	}
	free(bytes);
}

const struct lws_protocol_vhost_options *http_library_headers(void)
{
	return library_headers;
}

enum http_method http_method(struct lws *wsi)
{
	if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI)) {
		return HTTP_GET;
	}
	if (lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI)) {
		return HTTP_HEAD;
	}
	if (lws_hdr_total_length(wsi, WSI_TOKEN_OPTIONS_URI)) {
		return HTTP_OPTIONS;
	}
	return HTTP_OTHER;
}

void http_refuse(struct lws *wsi, const struct refusal *refusal)
{
	struct site_reply reply = {.status = refusal->status, .type = "application/json"};
	struct shape shape = {.extra = SAME_ORIGIN, .head_only = http_method(wsi) == HTTP_HEAD};
	char body[512];

	reply.len = (size_t)snprintf(body, sizeof(body),
		"{\"type\":\"error\",\"code\":\"%s\",\"message\":\"%s\"}\n", refusal->code,
		refusal->message);
	reply.body = body;
	answer(wsi, &reply, &shape);
}

/* A GET where only WebSockets are spoken, or nothing at all. */
static void refuse_path(struct conn *conn, const char *path)
{
	static const struct refusal upgrade = {
		426, "upgrade-required", "This path is for WebSocket connections.", NULL};
	static const struct refusal missing = {404, "not-found", "There is nothing here.", NULL};
	const char *room;
	bool spoken = conn->listener->own
			      ? dialect_route_own(conn->listener->own, path, &room) != NULL
			      : dialect_route(conn->server->dialects, path, &room) != NULL;

	http_refuse(conn->wsi, spoken ? &upgrade : &missing);
}

/* May a page of that origin read what a dialect answers? The same pages that may connect. */
static bool may_read(const struct conn *conn, const char *origin)
{
	const char *own = conn->listener->endpoint.origin;
	char host[512];

	if (lws_hdr_copy(conn->wsi, host, sizeof(host), WSI_TOKEN_HOST) <= 0) {
		return false;
	}
	return *own ? admit_origin_one(own, origin, host)
		    : admit_origin(&conn->server->options->origin, origin, host);
}

/* Header lines of the Fetch standard's CORS protocol. */
static void write_cors(const struct conn *conn, bool preflight, char *buf, size_t size)
{
	char origin[512], asked[512];
	int from = lws_hdr_copy(conn->wsi, origin, sizeof(origin), WSI_TOKEN_ORIGIN);
	int wanted =
		lws_hdr_copy(conn->wsi, asked, sizeof(asked), WSI_TOKEN_HTTP_AC_REQUEST_HEADERS);
	int len = snprintf(buf, size, "vary: Origin%s\r\n" CROSS_ORIGIN,
		preflight ? ", Access-Control-Request-Headers" : "");

	if (from > 0 && may_read(conn, origin)) {
		len += snprintf(buf + len, size - (size_t)len,
			"access-control-allow-origin: %s\r\n", origin);
	}
	if (preflight) {
		/* RFC 9110 wants no length on a 204, but some browsers wait for a body without. */
		len += snprintf(buf + len, size - (size_t)len,
			"access-control-allow-methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\n"
			"content-length: 0\r\n");
	}
	if (preflight && wanted > 0) {
		snprintf(buf + len, size - (size_t)len, "access-control-allow-headers: %s\r\n",
			asked);
	}
}

/* A dialect's own requests, as PeerJS has them. */
static bool serve_dialect(struct conn *conn, const struct dialect_request *request)
{
	struct dialect_answer ret = {0};
	struct site_reply reply = {0};
	char extra[2048] = SAME_ORIGIN;
	struct shape shape = {.extra = extra, .head_only = http_method(conn->wsi) == HTTP_HEAD};

	if (!dialect_http(conn->server->dialects, conn->listener->own, request, &ret)) {
		return false;
	}
	if (ret.cors) {
		write_cors(conn, request->preflight, extra, sizeof(extra));
	}
	reply.status = ret.status;
	reply.type = ret.type;
	reply.body = ret.body;
	reply.len = ret.len;
	answer(conn->wsi, &reply, &shape);
	free(ret.owned);
	return true;
}

static void serve_site(struct conn *conn, const char *path, const char *const *arguments)
{
	static const struct refusal busy = {
		503, "busy", "Too many slow clients are being answered.", NULL};
	struct shape shape = {.path = path,
		.extra = sharing(path),
		.head_only = http_method(conn->wsi) == HTTP_HEAD};
	struct site_reply reply = {.status = 404};
	char etag[64] = "";

	if (lws_hdr_copy(conn->wsi, etag, sizeof(etag), WSI_TOKEN_HTTP_IF_NONE_MATCH) < 0) {
		*etag = '\0'; /* too long to be one of ours */
	}
	if (http_method(conn->wsi) == HTTP_OPTIONS) {
		reply.status = 204;
	} else if (!conn->listener->own &&
		   !lan_find(conn->listener, &conn->address, path, arguments, &reply)) {
		site_find(conn->server->site, path, etag, conn->server->draining, &reply);
	}
	if (reply.len > UNSENT_SMALL && conn->server->unsent + reply.len > UNSENT_MAX) {
		http_refuse(conn->wsi, &busy);
	} else if (reply.status == 404) {
		refuse_path(conn, path);
	} else {
		answer(conn->wsi, &reply, &shape);
	}
	site_reply_finish(&reply);
}

/* The same place by TLS: the Host header, which has been checked, and the target as it was sent. */
static void redirect(struct conn *conn)
{
	static const char text[] =
		"{\"type\":\"error\",\"code\":\"tls-required\","
		"\"message\":\"TLS is spoken on this port: use https:// in place of http://.\"}\n";
	struct site_reply reply = {
		.status = 308, .type = "application/json", .body = text, .len = sizeof(text) - 1};
	struct shape shape = {.head_only = http_method(conn->wsi) == HTTP_HEAD};
	char host[1024] = "", *extra;

	lws_hdr_copy(conn->wsi, host, sizeof(host), WSI_TOKEN_HOST);
	if (*host && host[strlen(host) - 1] == ':') {
		host[strlen(host) - 1] = '\0';
	}
	if (asprintf(&extra, "location: https://%s%s%s\r\n" SAME_ORIGIN, host,
		    admit_host_has_port(host) ? "" : ":80",
		    conn->target ? conn->target : "/") >= 0) {
		shape.extra = extra;
		answer(conn->wsi, &reply, &shape);
		free(extra);
	}
}

bool http_is_private(const char *path)
{
	return !strcmp(path, "/ice.json") || lan_is_private(path);
}

void http_serve(struct conn *conn, const char *path)
{
	char text[4096];
	const char *arguments[CONN_ARGUMENTS + 1];
	struct dialect_request request = {.path = path,
		.arguments = arguments,
		.preflight = http_method(conn->wsi) == HTTP_OPTIONS};

	if (conn->misplaced && (conn->listener->own || !lan_is_open(path))) {
		redirect(conn);
		return;
	}
	conn_read_arguments(conn, text, sizeof(text), arguments);
	if (!serve_dialect(conn, &request)) {
		serve_site(conn, path, arguments);
	}
}
