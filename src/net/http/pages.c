/* pages: see the header. */
#include "nakodo/net/http/pages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nakodo/base/board.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/gate/admit.h"
#include "nakodo/net/gate/bearer.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/gate/head.h"
#include "nakodo/net/http/answer.h"
#include "nakodo/net/http/coding.h"
#include "nakodo/net/http/download.h"
#include "nakodo/net/http/lan.h"
#include "nakodo/net/http/metrics.h"
#include "nakodo/net/http/site.h"
#include "nakodo/net/http/status.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/service/grant.h"
#include "nakodo/service/ice.h"

#define CONNECT_TEXT 640 /* bytes */
#define EXTRA_TEXT 2560
#define QR_CONNECTS 5 /* that drawing a code costs */
#define CHARGE_MAX 5000 /* ms that a client has to wait then; beyond it nothing is drawn for it */

/* One request on its way to an answer. */
struct exchange {
	struct pages *pages;
	const struct gate_door *door;
	struct conn *conn;
	const struct head *head;
};

typedef void endpoint_fn(const struct exchange *exchange, struct reply *ret);

enum endpoint_flags {
	PRIVATE = 1, /* for this server's own pages alone, whatever `origin` says */
	OPEN = 2, /* also without TLS where TLS is due, for devices that do not trust us yet */
	SHARED = 4, /* pages of other sites may load it: the JavaScript client */
	ANYWHERE = 8, /* a page that may connect to any server: the lab */
	SECRET = 16, /* it has passwords in it: where tokens are asked for, for who shows one, also
		      * from pages of other sites that may connect */
	ADMIN = 32, /* only with an administrator's token, but on this machine by ?metrics */
};

static void answer_health(const struct exchange *exchange, struct reply *ret)
{
	(void)exchange;
	reply_set(ret, 200, "application/json", "{\"status\":\"ok\"}\n");
}

static void answer_ready(const struct exchange *exchange, struct reply *ret)
{
	if (exchange->pages->gate->draining) {
		reply_set(ret, 503, "application/json", "{\"status\":\"draining\"}\n");
	} else if (gate_is_full(exchange->pages->gate)) {
		reply_set(ret, 503, "application/json", "{\"status\":\"full\"}\n");
	} else if (board_sum(METER_CLUSTER_CUT_OFF)) {
		reply_set(ret, 503, "application/json", "{\"status\":\"cut-off\"}\n");
	} else {
		reply_set(ret, 200, "application/json", "{\"status\":\"ready\"}\n");
	}
}

static void answer_ice(const struct exchange *exchange, struct reply *ret)
{
	struct text text = {0};

	text_add(&text, "{\"iceServers\":");
	ice_print(exchange->pages->ice, &text);
	text_add(&text, "}");
	reply_set_owned(ret, "application/json", text_take(&text, NULL));
}

static void answer_authority(const struct exchange *exchange, struct reply *ret)
{
	lan_authority(exchange->pages->tls, ret);
}

static void answer_lan(const struct exchange *exchange, struct reply *ret)
{
	lan_urls(exchange->conn->listener, exchange->pages->tls, &exchange->conn->address, ret);
}

/* A code that is drawn costs its client as many connects, so that it waits before it may ask again.
 * Many may have been asked for on connections that it has already. */
static void answer_qr(const struct exchange *exchange, struct reply *ret)
{
	const struct gate *gate = exchange->pages->gate;
	struct census_group *group = census_enter(gate->census, &exchange->conn->address);
	uint64_t rate = gate->options->connect_rate, now = exchange->door->now, wait;
	bool may_draw = census_wait(group, rate, now) <= CHARGE_MAX;

	if (!lan_qr(&exchange->pages->codes, exchange->head->arguments, now, may_draw, ret)) {
		return;
	}
	/* Who comes to CHARGE_MAX by that is charged no more: nothing is drawn for it any more. */
	for (int i = 0; i < QR_CONNECTS; i++) {
		census_connect(group, rate, now, CHARGE_MAX, &wait);
	}
}

static void answer_metrics(const struct exchange *exchange, struct reply *ret)
{
	if (exchange->door->metrics) {
		metrics_answer(conn_sockets(exchange->conn), exchange->pages->tls,
			exchange->pages->started, exchange->head->accept, ret);
	}
}

/* Is it told here, to administrators at least? */
static bool has_status(const struct pages *pages, const struct gate_door *door)
{
	return door->metrics || bearer_has_keys(pages->gate);
}

/* Who needs no token is not told the names of rooms: who knows them may join. */
static void answer_status(const struct exchange *exchange, struct reply *ret)
{
	struct pages *pages = exchange->pages;

	if (has_status(pages, exchange->door)) {
		status_answer(conn_sockets(exchange->conn), pages->started, &pages->largest,
			!bearer_check_admin(pages->gate, exchange->head).status, ret);
	}
}

static void answer_trust(const struct exchange *exchange, struct reply *ret)
{
	lan_trust(exchange->conn->listener, exchange->pages->tls, &exchange->conn->address, ret);
}

/* Whatever is no file of web-root, or is one with something to say about who may load it. `answer`
 * NULL: the file. A path that ends in / stands for all below it. */
static const struct endpoint {
	const char *path;
	unsigned flags; /* enum endpoint_flags */
	endpoint_fn *answer;
} endpoints[] = {
	{"/ca.crt", OPEN, answer_authority},
	{"/client.d.ts", SHARED, NULL},
	{"/client.js", SHARED, NULL},
	{"/client/", SHARED, NULL},
	{"/favicon.svg", OPEN, NULL},
	{"/healthz", 0, answer_health},
	{"/ice.json", PRIVATE | SECRET, answer_ice},
	{"/lab", ANYWHERE, NULL},
	{"/lab.html", ANYWHERE, NULL},
	{"/lan.json", PRIVATE, answer_lan},
	{"/mesh.js", SHARED, NULL},
	{"/metrics", PRIVATE | ADMIN, answer_metrics},
	{"/qr.svg", PRIVATE, answer_qr},
	{"/readyz", 0, answer_ready},
	{"/signaling.js", SHARED, NULL},
	{"/status.json", PRIVATE | ADMIN, answer_status},
	{"/style.css", OPEN, NULL},
	{"/trust", OPEN, NULL},
	{"/trust.css", OPEN, NULL},
	{"/trust.html", OPEN, NULL},
	{"/trust.json", PRIVATE | OPEN, answer_trust},
	{"/trust/", OPEN, NULL},
};

static const struct endpoint *find(const char *path)
{
	static const struct endpoint file = {"", 0, NULL};

	for (size_t i = 0; i < sizeof(endpoints) / sizeof(*endpoints); i++) {
		const char *name = endpoints[i].path;
		size_t len = strlen(name);

		if (!strcmp(path, name) || (name[len - 1] == '/' && !strncmp(path, name, len))) {
			return &endpoints[i];
		}
	}
	return &file;
}

static bool is_for_bearers(
	const struct pages *pages, const struct endpoint *endpoint, const struct gate_door *door)
{
	return endpoint->flags & SECRET && bearer_is_asked(pages->gate, door->auth);
}

/* More than 'self', for connect-src. */
static void write_connect(
	const struct endpoint *endpoint, const struct head *head, char buf[CONNECT_TEXT])
{
	*buf = '\0';
	if (endpoint->flags & ANYWHERE) {
		snprintf(buf, CONNECT_TEXT, " ws: wss:");
	} else if (head->host && *head->host && strlen(head->host) < CONNECT_TEXT / 2 - 16 &&
		   !strpbrk(head->host, "[_")) {
		/* Before Safari 15.4 'self' does not include WebSockets. A policy cannot name IPv6
		 * addresses or underscores. */
		snprintf(buf, CONNECT_TEXT, " ws://%s wss://%s", head->host, head->host);
	}
}

/* A person, for whom a browser asks, gets a page with a way back instead of JSON; programs do not
 * name text/html. False: nothing was answered. */
static bool show_missing(const struct exchange *exchange, const struct refusal *refusal)
{
	const struct head *head = exchange->head;
	const struct site_request request = {
		.path = "/missing", .accept_encoding = head->accept_encoding};
	const struct shape shape = {0};
	struct reply reply;
	bool is_there;

	if (exchange->door->own || !coding_weight(head->accept, "text/html")) {
		return false;
	}
	site_find(exchange->pages->site, &request, &reply);
	is_there = reply.status == 200 && !reply.more;
	if (is_there) {
		meter_refused(refusal->code);
		reply.status = refusal->status;
		*reply.etag = '\0';
		answer_write(exchange->conn, head, &reply, &shape);
	}
	reply_finish(&reply);
	return is_there;
}

/* A GET where only WebSockets are spoken, or nothing at all. */
static void refuse_path(const struct exchange *exchange)
{
	static const struct refusal upgrade = {.status = 426,
		.code = "upgrade-required",
		.message = "This path is for WebSocket connections."};
	static const struct refusal missing = {
		.status = 404, .code = "not-found", .message = "There is nothing here."};
	const char *room;
	bool spoken =
		gate_route(exchange->pages->gate, exchange->door, exchange->head->path, &room);

	if (!show_missing(exchange, spoken ? &upgrade : &missing)) {
		answer_refuse(exchange->conn, exchange->head, spoken ? &upgrade : &missing);
	}
}

/* Header lines of the Fetch standard's CORS protocol, for pages that may connect. */
static void write_cors(const struct exchange *exchange, char *buf, size_t size)
{
	const struct head *head = exchange->head;
	bool preflight = head->method == HEAD_OPTIONS;
	int len = snprintf(buf, size, "vary: Origin%s\r\n" ANSWER_CROSS_ORIGIN,
		preflight ? ", Access-Control-Request-Headers" : "");

	if (head->origin && *head->origin &&
		gate_admits_origin(exchange->pages->gate, exchange->door, head)) {
		len += snprintf(buf + len, size - (size_t)len,
			"access-control-allow-origin: %s\r\n", head->origin);
	}
	if (preflight) {
		/* RFC 9110 wants no length on a 204, but some browsers wait for a body without. */
		len += snprintf(buf + len, size - (size_t)len,
			"access-control-allow-methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\n"
			"content-length: 0\r\n");
	}
	if (preflight && head->request_headers && *head->request_headers) {
		snprintf(buf + len, size - (size_t)len, "access-control-allow-headers: %s\r\n",
			head->request_headers);
	}
}

static void refuse_busy(const struct exchange *exchange)
{
	static const struct refusal busy = {
		.status = 503, .code = "busy", .message = "Too many large files are on their way."};

	meter_add(METER_FILES_REFUSED, 1);
	answer_refuse(exchange->conn, exchange->head, &busy);
}

static void write_dialect(const struct exchange *exchange, const struct dialect_answer *answer)
{
	struct reply reply = {.status = answer->status,
		.type = answer->type,
		.body = answer->body,
		.len = answer->len};
	struct shape shape = {0};
	char extra[EXTRA_TEXT];

	if (answer->cors) {
		write_cors(exchange, extra, sizeof(extra));
		shape.extra = extra;
	}
	answer_write(exchange->conn, exchange->head, &reply, &shape);
}

/* Who asks a dialect, as far as it has wanted to know. */
struct asker {
	const struct exchange *exchange;
	struct refusal refusal;
	struct grant *grant;
};

static bool may_join(
	void *cookie, const struct mount *mount, const char *room, const struct grant **ret_grant)
{
	struct asker *asker = cookie;
	const struct exchange *exchange = asker->exchange;

	asker->refusal = gate_check_joiner(
		exchange->pages->gate, exchange->door, exchange->head, mount, room, &asker->grant);
	*ret_grant = asker->grant;
	return !asker->refusal.status;
}

/* A dialect's own requests, as PeerJS has them. */
static bool serve_dialect(const struct exchange *exchange)
{
	struct asker asker = {.exchange = exchange};
	const struct head *head = exchange->head;
	const struct dialect_request request = {.path = head->path,
		.arguments = head->arguments,
		.preflight = head->method == HEAD_OPTIONS,
		.address = &exchange->conn->address,
		.may_join = may_join,
		.cookie = &asker};
	struct dialect_answer ret = {0};

	if (!dialect_table_http(
		    exchange->pages->gate->dialects, exchange->door->own, &request, &ret)) {
		return false;
	}
	if (asker.refusal.status) {
		answer_refuse(exchange->conn, head, &asker.refusal);
	} else {
		write_dialect(exchange, &ret);
	}
	grant_destroy(asker.grant);
	free(ret.owned);
	return true;
}

static void find_reply(
	const struct exchange *exchange, const struct endpoint *endpoint, struct reply *ret)
{
	const struct head *head = exchange->head;

	if (head->method == HEAD_OPTIONS) {
		ret->status = 204;
	} else if (exchange->door->own &&
		   !is_for_bearers(exchange->pages, endpoint, exchange->door)) {
		ret->status = 404; /* such a listener stands in for another server */
	} else if (endpoint->answer) {
		endpoint->answer(exchange, ret);
	} else {
		const struct site_request request = {.path = head->path,
			.if_none_match = head->if_none_match,
			.accept_encoding = head->accept_encoding};

		site_find(exchange->pages->site, &request, ret);
	}
}

static void serve_page(const struct exchange *exchange, const struct endpoint *endpoint)
{
	char connect[CONNECT_TEXT], extra[EXTRA_TEXT];
	struct shape shape = {.connect = connect};
	struct reply reply = {.status = 404};

	find_reply(exchange, endpoint, &reply);
	if (reply.more && exchange->head->method != HEAD_HEAD &&
		!download_may_begin(exchange->conn)) {
		refuse_busy(exchange);
	} else if (reply.status == 404) {
		refuse_path(exchange);
	} else {
		write_connect(endpoint, exchange->head, connect);
		if (endpoint->flags & SHARED) {
			shape.extra = "access-control-allow-origin: *\r\n" ANSWER_CROSS_ORIGIN;
		} else if (is_for_bearers(exchange->pages, endpoint, exchange->door)) {
			write_cors(exchange, extra, sizeof(extra));
			shape.extra = extra;
		}
		answer_write(exchange->conn, exchange->head, &reply, &shape);
	}
	reply_finish(&reply);
}

/* The same place by TLS: the Host header, which has been checked, and the target as it was sent. */
static void redirect(const struct exchange *exchange)
{
	const struct conn *conn = exchange->conn;
	const char *host = exchange->head->host;
	size_t len = strlen(host);
	struct reply reply;
	struct shape shape = {0};
	char *extra;

	reply_set(&reply, 308, "application/json",
		"{\"type\":\"error\",\"code\":\"tls-required\","
		"\"message\":\"TLS is spoken on this port: use https:// in place of http://.\"}\n");
	len -= len && host[len - 1] == ':';
	if (asprintf(&extra, "location: https://%.*s%s%s\r\n" ANSWER_SAME_ORIGIN, (int)len, host,
		    admit_host_has_port(host) ? "" : ":80",
		    conn->target ? conn->target : "/") >= 0) {
		shape.extra = extra;
		answer_write(exchange->conn, exchange->head, &reply, &shape);
		free(extra);
	}
}

bool pages_is_for_bearers(const struct pages *pages, const char *path, const struct gate_door *door)
{
	return is_for_bearers(pages, find(path), door);
}

bool pages_is_private(const char *path)
{
	return find(path)->flags & PRIVATE;
}

bool pages_is_for_admin(const struct pages *pages, const char *path, const struct gate_door *door)
{
	const struct endpoint *endpoint = find(path);

	return endpoint->flags & ADMIN &&
	       (endpoint->answer == answer_status ? has_status(pages, door) : door->metrics);
}

void pages_serve(struct pages *pages, const struct gate_door *door, struct conn *conn,
	const struct head *head)
{
	const struct exchange exchange = {pages, door, conn, head};
	const struct endpoint *endpoint = find(head->path);

	if (door->misplaced && (door->own || !(endpoint->flags & OPEN))) {
		redirect(&exchange);
	} else if (!serve_dialect(&exchange)) {
		serve_page(&exchange, endpoint);
	}
}

int pages_init(struct pages *pages, const struct options *options, struct problem *problem)
{
	pages->started = time(NULL);
	return site_create(&pages->site, options, problem);
}

void pages_finish(struct pages *pages)
{
	site_destroy(pages->site);
	qr_cache_finish(&pages->codes);
	largest_finish(&pages->largest);
}
