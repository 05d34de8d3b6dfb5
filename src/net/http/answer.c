/* answer: see the header. */
#include "nakodo/net/http/answer.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nakodo/base/meter.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/gate/head.h"
#include "nakodo/net/http/download.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/sockets.h"

/* On every answer. The page needs camera, microphone and its own server, and nothing else. */
static const char policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'%s; "
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
	case 401:
		return "www-authenticate: Bearer\r\n";
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

void reply_set(struct reply *reply, int status, const char *type, const char *body)
{
	*reply = (struct reply){.status = status, .type = type, .body = body, .len = strlen(body)};
}

void reply_set_owned(struct reply *reply, const char *type, char *body)
{
	reply_set(reply, body ? 200 : 500, type, body ? body : "");
	reply->owned = body;
}

void reply_finish(struct reply *reply)
{
	free(reply->owned);
	if (reply->more) {
		close(reply->fd);
	}
}

static const char *caching(const struct reply *reply)
{
	if (reply->immutable) {
		return "public, max-age=31536000, immutable";
	}
	return *reply->etag ? "no-cache" : "no-store";
}

static size_t write_head(
	char *buf, size_t size, const struct reply *reply, const struct shape *shape)
{
	bool empty = reply->status == 204 || reply->status == 304;
	int len = snprintf(buf, size,
		"HTTP/1.1 %d %s\r\n%s%s%s"
		"cache-control: %s\r\n"
		"%s%s%s%s"
		"content-security-policy: ",
		reply->status, reason(reply->status), common_headers, extra_headers(reply->status),
		shape->extra ? shape->extra : ANSWER_SAME_ORIGIN, caching(reply),
		*reply->etag ? "etag: " : "", reply->etag, *reply->etag ? "\r\n" : "",
		reply->varies ? "vary: Accept-Encoding\r\n" : "");

	len += snprintf(
		buf + len, size - (size_t)len, policy, shape->connect ? shape->connect : "");
	if (reply->coding && !empty) {
		len += snprintf(
			buf + len, size - (size_t)len, "\r\ncontent-encoding: %s", reply->coding);
	}
	len += snprintf(buf + len, size - (size_t)len,
		empty ? "\r\n\r\n" : "\r\ncontent-type: %s\r\ncontent-length: %zu\r\n\r\n",
		reply->type, reply->len + reply->more);
	return (size_t)len;
}

void answer_write(
	struct conn *conn, const struct head *head, struct reply *reply, const struct shape *shape)
{
	bool empty = reply->status == 204 || reply->status == 304;
	size_t body = head->method == HEAD_HEAD || empty ? 0 : reply->len;
	size_t size = 5120 + (shape->extra ? strlen(shape->extra) : 0), len;
	char *bytes = malloc(LWS_PRE + size + body);

	if (!bytes) {
		return;
	}
	len = write_head(bytes + LWS_PRE, size, reply, shape);
	if (body) {
		memcpy(bytes + LWS_PRE + len, reply->body, body);
	}
	/* What the socket does not take at once, libwebsockets copies and sends later. */
	lws_write(conn->wsi, (unsigned char *)bytes + LWS_PRE, len + body, LWS_WRITE_HTTP);
	if (lws_partial_buffered(conn->wsi)) {
		conn_set_unsent(conn, body);
	}
	if (body && reply->more) {
		download_begin(conn, reply->fd, reply->more);
		reply->more = 0;
	}
	free(bytes);
}

void answer_refuse(struct conn *conn, const struct head *head, const struct refusal *refusal)
{
	const struct shape shape = {0};
	struct reply reply = {.status = refusal->status, .type = "application/json"};
	char body[512];

	meter_refused(refusal->code);
	reply.len = (size_t)snprintf(body, sizeof(body),
		"{\"type\":\"error\",\"code\":\"%s\",\"message\":\"%s%.128s\"}\n", refusal->code,
		refusal->message, refusal->detail ? refusal->detail : "");
	reply.body = body;
	answer_write(conn, head, &reply, &shape);
}

const struct lws_protocol_vhost_options *answer_library_headers(void)
{
	return library_headers;
}
