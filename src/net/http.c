/* http: puts an answer together and writes it; site.c finds what to answer with. */
#include "nakodo/net/http.h"

#include <libwebsockets.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/dialect/dialect.h"
#include "nakodo/net/admit.h"
#include "nakodo/net/conn.h"
#include "nakodo/net/listener.h"
#include "nakodo/net/server.h"
#include "nakodo/net/site.h"

/* On every answer. The page needs camera, microphone and its own server, and nothing else. */
#define CSP(connect)                                                                               \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src " connect            \
	"; img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self'; "                \
	"manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "       \
	"require-trusted-types-for 'script'; trusted-types 'none'"

static const char common_headers[] =
	"permissions-policy: camera=(self), microphone=(self), display-capture=(self), "
	"speaker-selection=(self), screen-wake-lock=(self), fullscreen=(self), "
	"picture-in-picture=(self), clipboard-write=(self), geolocation=()\r\n"
	"referrer-policy: no-referrer\r\n"
	"x-content-type-options: nosniff\r\n"
	"x-frame-options: DENY\r\n"
	"cross-origin-opener-policy: same-origin\r\n"
	"cross-origin-resource-policy: same-origin\r\n"
	"connection: close\r\n";

/* The lab is for talking to any server. */
static const char *policy(const char *path)
{
	bool lab = path && (!strcmp(path, "/lab.html") || !strcmp(path, "/lab"));

	return lab ? CSP("'self' ws: wss:") : CSP("'self'");
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
	case 400:
		return "Bad Request";
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

/* `path` chooses the policy; NULL for an answer that is not a page. */
static void answer(
	struct lws *wsi, const struct site_reply *reply, const char *path, bool head_only)
{
	size_t body = head_only || reply->status == 204 || reply->status == 304 ? 0 : reply->len;
	char *bytes = malloc(LWS_PRE + 2048 + body);
	int head, size = 2048;

	if (!bytes) {
		return;
	}
	head = snprintf(bytes + LWS_PRE, (size_t)size,
		"HTTP/1.1 %d %s\r\n%s%s"
		"content-security-policy: %s\r\n"
		"cache-control: %s\r\n"
		"%s%s%s",
		reply->status, reason(reply->status), common_headers, extra_headers(reply->status),
		policy(path), *reply->etag ? "no-cache" : "no-store", *reply->etag ? "etag: " : "",
		reply->etag, *reply->etag ? "\r\n" : "");
	if (reply->status == 304 || reply->status == 204) {
		head += snprintf(bytes + LWS_PRE + head, (size_t)(size - head), "\r\n");
	} else {
		head += snprintf(bytes + LWS_PRE + head, (size_t)(size - head),
			"content-type: %s\r\ncontent-length: %zu\r\n\r\n", reply->type, reply->len);
	}
	if (body) {
		memcpy(bytes + LWS_PRE + head, reply->body, body);
	}
	/* What the socket does not take at once, libwebsockets copies and sends later. */
	lws_write(wsi, (unsigned char *)bytes + LWS_PRE, (size_t)head + body, LWS_WRITE_HTTP);
	free(bytes);
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
	char body[512];

	reply.len = (size_t)snprintf(body, sizeof(body),
		"{\"type\":\"error\",\"code\":\"%s\",\"message\":\"%s\"}\n", refusal->code,
		refusal->message);
	reply.body = body;
	answer(wsi, &reply, NULL, false);
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

void http_serve(struct conn *conn, const char *path)
{
	char etag[64] = "";
	struct site_reply reply = {.status = 404};

	if (http_method(conn->wsi) == HTTP_OPTIONS) {
		reply.status = 204;
		answer(conn->wsi, &reply, NULL, true);
		return;
	}
	if (lws_hdr_copy(conn->wsi, etag, sizeof(etag), WSI_TOKEN_HTTP_IF_NONE_MATCH) < 0) {
		*etag = '\0'; /* too long to be one of ours */
	}
	if (!conn->listener->own) {
		site_find(conn->server->site, path, etag, conn->server->draining, &reply);
	}
	if (reply.status == 404) {
		refuse_path(conn, path);
	} else {
		answer(conn->wsi, &reply, path, http_method(conn->wsi) == HTTP_HEAD);
	}
	site_reply_finish(&reply);
}
