/* rooms: owns what is said in nakodo.v1 (docs/protocols/nakodo.v1.md). */
#include "nakodo/probe/rooms.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nakodo/base/base64url.h"
#include "nakodo/probe/probing.h"
#include "nakodo/probe/way.h"
#include "nakodo/probe/websocket.h"

#define ROUNDS 5
#define PATH 700
#define SKEW_MAX 10.0 /* seconds: tokens forgive 30, TURN servers none */

static double wall_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool is(const cJSON *message, const char *type)
{
	const char *found = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(message, "type"));

	return found && !strcmp(found, type);
}

/* The next message of that type; other types are passed over, but `error` and `token`, which are
 * refusals, come as they are. */
static int await(struct websocket *websocket, const char *type, cJSON **ret, int64_t deadline)
{
	for (;;) {
		char *text;
		int error = websocket_receive(websocket, &text, deadline);
		cJSON *message;

		if (error) {
			return error;
		}
		message = cJSON_Parse(text);
		free(text);
		if (!cJSON_IsObject(message)) {
			cJSON_Delete(message);
			return -EPROTO;
		}
		if (is(message, type) || is(message, "error") || is(message, "token")) {
			*ret = message;
			return 0;
		}
		cJSON_Delete(message);
	}
}

static void report_http(struct probing *probing, const struct websocket *websocket)
{
	const char *advice = "Is this nakodo, or a proxy that passes WebSocket on to it?";

	if (websocket->status == 401) {
		advice =
			"It asks for a token: --token TOKEN (nakodo token --key … --room 'probe-*' "
			"prints one).";
	} else if (websocket->status == 403) {
		advice =
			"The token must let into rooms whose names begin with probe-: nakodo token "
			"--key … --room 'probe-*'. Without one: is this name in `server-name`?";
	} else if (websocket->status == 404) {
		advice =
			"The path must be that where nakodo.v1 is mounted, /v1 unless `mount` says "
			"otherwise; a proxy must pass Upgrade and Connection on.";
	} else if (websocket->status == 426) {
		advice = "Use wss:// if it speaks of TLS; else a proxy must pass Upgrade and "
			 "Connection on.";
	} else if (websocket->status == 429 || websocket->status == 503) {
		advice = "Wait and try again; if it stays so, look at the limits in the daemon's "
			 "log.";
	} else if (websocket->status >= 500) {
		advice = "A proxy does not reach the daemon: does it run, and at the address that "
			 "the proxy has?";
	}
	report_bad(&probing->report, "websocket", advice, "no WebSocket at %s: the answer is %d %s",
		probing->target.path, websocket->status, websocket->said);
}

static void report_failure(
	struct probing *probing, const struct websocket *websocket, const char *step, int error)
{
	if (error == -EPROTO && websocket->status && websocket->status != 101) {
		report_http(probing, websocket);
	} else if (websocket->close_code) {
		report_bad(&probing->report, step, "The daemon's log says why.",
			"it was closed with %d %s", websocket->close_code, websocket->said);
	} else {
		report_bad(&probing->report, step,
			"Is this nakodo, and is ws:// or wss:// right? A proxy must let WebSockets "
			"pass.",
			"%s", stream_reason(error));
	}
}

static int join(const struct probing *probing, struct websocket *ret, const struct stream *stream,
	const char *room, cJSON **ret_welcome)
{
	const struct target *target = &probing->target;
	bool is_ipv6 = strchr(target->host, ':');
	int64_t deadline = stream_now() + probing->patience;
	char authority[sizeof(target->host) + 10];
	char path[PATH];
	int error;

	snprintf(authority, sizeof(authority), "%s%s%s:%s", is_ipv6 ? "[" : "", target->host,
		is_ipv6 ? "]" : "", target->port);
	snprintf(path, sizeof(path), "%s/%s", target->path, room);
	error = websocket_open(ret, stream, authority, path, probing->token, deadline);
	return error ? error : await(ret, "welcome", ret_welcome, deadline);
}

/* False: it was refused, and reported. */
static bool is_welcome(struct probing *probing, const cJSON *message)
{
	const char *said = cJSON_GetStringValue(cJSON_GetObjectItem(message, "message"));

	if (is(message, "welcome")) {
		return true;
	}
	report_bad(&probing->report, "websocket",
		is(message, "token") ? "Give one: --token TOKEN (nakodo token --key … --room "
				       "'probe-*' prints one)."
				     : "The daemon's log says more.",
		"%s",
		is(message, "token") ? "the server asks for a token"
		: said               ? said
				     : "error");
	return false;
}

/* Say something that latecomers are shown with the server's time. `*ret_at`: ours, between the
 * saying and the answer to a ping behind it. */
static int say_hello(struct websocket *first, double *ret_at, int64_t deadline)
{
	double begin = wall_clock();
	cJSON *pong = NULL;
	int error = websocket_send(first, "{\"type\":\"chat\",\"text\":\"probe\"}", deadline);

	error = error ? error : websocket_send(first, "{\"type\":\"ping\",\"t\":1}", deadline);
	error = error ? error : await(first, "pong", &pong, deadline);
	cJSON_Delete(pong);
	*ret_at = (begin + wall_clock()) / 2;
	return error;
}

static int compare(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a;
	int64_t other = *(const int64_t *)b;

	return (one > other) - (one < other);
}

static int bounce(struct websocket *from, struct websocket *to, int64_t deadline)
{
	static const char message[] = "{\"type\":\"probe\"}";
	cJSON *got = NULL;
	int error = websocket_send(from, message, deadline);

	error = error ? error : await(to, "probe", &got, deadline);
	error = error ? error : is(got, "probe") ? 0 : -EPROTO;
	cJSON_Delete(got);
	return error;
}

static void try_relay(struct probing *probing, struct websocket *first, struct websocket *second)
{
	int64_t deadline = stream_now() + probing->patience;
	int64_t times[ROUNDS];
	int error = 0;

	for (unsigned i = 0; i < ROUNDS && !error; i++) {
		int64_t begin = stream_now();

		error = bounce(first, second, deadline);
		error = error ? error : bounce(second, first, deadline);
		times[i] = stream_now() - begin;
	}
	if (error) {
		report_failure(probing, second->close_code ? second : first, "relay", error);
		return;
	}
	qsort(times, ROUNDS, sizeof(*times), compare);
	report_good(&probing->report, "relay",
		"%d messages from one client to another and back, in %.1f ms each (%.1f to %.1f)",
		ROUNDS, (double)times[ROUNDS / 2] / 1000, (double)times[0] / 1000,
		(double)times[ROUNDS - 1] / 1000);
}

/* And wait for the server's close: a socket that is closed with something unread takes back what it
 * said last. */
static void leave(const struct probing *probing, struct websocket *websocket)
{
	int64_t deadline = stream_now() + probing->patience;
	int error = websocket_send(websocket, "{\"type\":\"bye\"}", deadline);

	while (!error) {
		char *text;

		error = websocket_receive(websocket, &text, deadline);
		free(text);
	}
}

/* By the chat that the second was shown or, where no history is kept, by a proxy's Date. */
static void report_clock(
	struct probing *probing, const cJSON *welcome, const char *date, double said_at)
{
	const cJSON *history = cJSON_GetObjectItem(welcome, "history");
	const cJSON *at = cJSON_GetObjectItem(cJSON_GetArrayItem(history, 0), "at");
	struct tm tm = {0};
	double skew;

	if (cJSON_IsNumber(at)) {
		skew = at->valuedouble / 1000 - said_at;
	} else if (strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm)) {
		skew = (double)timegm(&tm) - said_at;
	} else {
		report_skip(&probing->report, "clock",
			"not known: no history is kept, and there is no Date");
		return;
	}
	if (fabs(skew) > SKEW_MAX) {
		report_bad(&probing->report, "clock",
			"Let both machines set their clocks by NTP: TURN credentials and tokens "
			"are "
			"good for a time.",
			"the server's is %.0f s %s", fabs(skew), skew > 0 ? "ahead" : "behind");
	} else {
		report_good(&probing->report, "clock", "differs by %.1f s", fabs(skew));
	}
}

static void meet(struct probing *probing, struct websocket *first, const char *room)
{
	struct websocket second = {.stream = {.fd = -1}};
	int64_t deadline = stream_now() + probing->patience;
	struct stream stream;
	cJSON *welcome = NULL;
	double said_at;
	int error = say_hello(first, &said_at, deadline);

	if (error) {
		report_failure(probing, first, "relay", error);
		return;
	}
	error = way_repeat(probing, &stream);
	error = error ? error : join(probing, &second, &stream, room, &welcome);
	if (error) {
		report_failure(probing, &second, "relay", error);
	} else if (is_welcome(probing, welcome)) {
		try_relay(probing, first, &second);
		report_clock(probing, welcome, second.date, said_at);
		leave(probing, &second);
	}
	cJSON_Delete(welcome);
	websocket_close(&second);
}

void rooms_try(struct probing *probing, const struct stream *stream, cJSON **ret_ice)
{
	struct websocket first;
	int64_t begin = stream_now();
	cJSON *welcome = NULL;
	unsigned char random[16];
	char room[8 + BASE64URL_TEXT(sizeof(random))] = "probe-";
	int error;

	*ret_ice = NULL;
	RAND_bytes(random, sizeof(random));
	base64url_encode(random, sizeof(random), room + strlen(room));
	error = join(probing, &first, stream, room, &welcome);
	if (error) {
		report_failure(probing, &first, "websocket", error);
	} else if (is_welcome(probing, welcome)) {
		report_good(&probing->report, "websocket", "nakodo.v1 at %s, joined in %.1f ms",
			probing->target.path, (double)(stream_now() - begin) / 1000);
		*ret_ice = cJSON_DetachItemFromObject(welcome, "iceServers");
		meet(probing, &first, room);
		leave(probing, &first);
	}
	cJSON_Delete(welcome);
	websocket_close(&first);
}
