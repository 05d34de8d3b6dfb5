/*
 * redis: owns the order of calls and replies, and what a connection begins with. All that goes
 * wrong ends the connection, and with it the calls under way.
 */
#include "nakodo/net/redis/redis.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

#include "nakodo/base/histogram.h"
#include "nakodo/base/ids.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/redis/redis_wire.h"

#define TICK 500 /* ms */
#define PATIENCE 3000 /* ms in which it has to say something, if it is asked, */
#define ANSWER_MOST 10000 /* ms for all of it */
#define CONNECT_MOST 30000 /* ms for its name to be found, and it to be connected to */
#define PAUSE_FIRST 50 /* ms, */
#define PAUSE_MOST 1000 /* ms, doubled up to this */
#define CALLS_MOST 100000 /* under way */
#define REPLY_MOST (64 << 20) /* bytes of one string in it */

struct redis_call {
	struct redis_call *prev, *next;
	redis_fn *fn;
	void *cookie;
	uint64_t since, /* ms, as the loop has it */
		sent; /* ns */
};

static void on_retry(uv_timer_t *timer);
static void on_tick(uv_timer_t *timer);

static void fail_calls(struct redis *redis)
{
	while (redis->calls) {
		struct redis_call *call = redis->calls;

		DL_DELETE(redis->calls, call);
		redis->call_count--;
		call->fn(call->cookie, NULL);
		free(call);
	}
}

/* Not all nodes at once: up to half as long again. */
static uint64_t spread(unsigned pause)
{
	unsigned short random;

	ids_random((unsigned char *)&random, sizeof(random));
	return pause + random % (pause / 2 + 1);
}

void redis_drop(struct redis *redis, const char *why)
{
	if (redis->wire) {
		redis_wire_close(redis->wire);
	}
	redis->wire = NULL;
	redis->is_up = false;
	redis->pause = redis->pause * 2 < PAUSE_MOST ? redis->pause * 2 : PAUSE_MOST;
	fail_calls(redis);
	if (!redis->closing) { /* by one of these */
		redis->down(redis->cookie, why);
		uv_timer_start(&redis->timer, on_retry, spread(redis->pause), 0);
	}
}

static void on_ended(void *cookie, const char *why)
{
	struct redis *redis = cookie;

	redis->wire = NULL; /* it has closed itself */
	redis_drop(redis, why);
}

static bool send_words(struct redis *redis, redis_fn *fn, void *cookie, int count,
	const char **words, const size_t *lengths)
{
	struct redis_call *call = malloc(sizeof(*call));
	char *bytes = NULL;
	int len = call ? redisFormatCommandArgv(&bytes, count, words, lengths) : -1;

	if (len < 0) {
		free(call);
		return false;
	}
	redis_wire_write(redis->wire, bytes, (size_t)len);
	redisFreeCommand(bytes);
	*call = (struct redis_call){
		.fn = fn, .cookie = cookie, .since = uv_now(redis->loop), .sent = uv_hrtime()};
	DL_APPEND(redis->calls, call);
	redis->call_count++;
	return true;
}

void redis_praise(struct redis *redis)
{
	redis->pause = PAUSE_FIRST;
}

bool redis_send(struct redis *redis, redis_fn *fn, void *cookie, int count, const char **words,
	const size_t *lengths)
{
	return redis->is_up && redis->call_count < CALLS_MOST &&
	       send_words(redis, fn, cookie, count, words, lengths);
}

static bool say(
	struct redis *redis, redis_fn *fn, const char *first, const char *second, const char *third)
{
	const char *words[] = {first, second, third};

	return send_words(redis, fn, redis, third ? 3 : second ? 2 : 1, words, NULL);
}

/* Has it been answered well? Else the connection is dropped. */
static bool is_well(
	struct redis *redis, const struct redisReply *reply, int type, const char *refused)
{
	char why[256];

	if (!reply) {
		return false; /* it is down already */
	}
	if (reply->type == type) {
		return true;
	}
	snprintf(why, sizeof(why), "%s: %.150s", refused,
		reply->type == REDIS_REPLY_ERROR ? reply->str : "it answers something else");
	redis_drop(redis, why);
	return false;
}

static void on_selected(void *cookie, const struct redisReply *reply)
{
	is_well(cookie, reply, REDIS_REPLY_STATUS, "it refuses the database");
}

/* A server without that command repeats the password in its answer. */
static void on_login(void *cookie, const struct redisReply *reply)
{
	struct redis *redis = cookie;
	char why[64];

	if (reply && reply->type != REDIS_REPLY_STATUS) {
		snprintf(why, sizeof(why), "it refuses the login: %.*s",
			reply->type == REDIS_REPLY_ERROR ? (int)strcspn(reply->str, " ") : 0,
			reply->type == REDIS_REPLY_ERROR ? reply->str : "");
		redis_drop(redis, why);
	}
}

/* A replica cannot be written to, and Sentinels may name one for a moment. */
static void on_role(void *cookie, const struct redisReply *reply)
{
	struct redis *redis = cookie;

	if (!is_well(redis, reply, REDIS_REPLY_ARRAY, "its role cannot be asked")) {
		return;
	}
	if (!reply->elements || reply->element[0]->type != REDIS_REPLY_STRING ||
		strcmp(reply->element[0]->str, "master") != 0) {
		redis_drop(redis, "it is a replica, which cannot be written to");
		return;
	}
	redis->is_up = true;
	redis->up(redis->cookie);
}

static void on_info(void *cookie, const struct redisReply *reply)
{
	struct redis *redis = cookie;
	static const char name[] = "redis_version:";
	const char *at;
	int major = 0, minor = 0;
	char why[128];

	if (!is_well(redis, reply, REDIS_REPLY_STRING, "its version cannot be asked")) {
		return;
	}
	at = strstr(reply->str, name);
	if (at) {
		snprintf(redis->version, sizeof(redis->version), "%.*s",
			(int)strcspn(at + sizeof(name) - 1, "\r\n"), at + sizeof(name) - 1);
		sscanf(redis->version, "%d.%d", &major, &minor);
	}
	if (major < 6 || (major == 6 && minor < 2)) {
		snprintf(why, sizeof(why), "its version is %s, and 6.2 is needed", redis->version);
		redis_drop(redis, why);
	}
}

static bool log_in(struct redis *redis)
{
	const struct redis_url *url = &redis->url;

	return *url->user       ? say(redis, on_login, "AUTH", url->user, url->password)
	       : *url->password ? say(redis, on_login, "AUTH", url->password, NULL)
				: true;
}

static bool greet(struct redis *redis)
{
	char db[16];

	snprintf(db, sizeof(db), "%u", redis->url.db);
	return log_in(redis) && (!redis->url.db || say(redis, on_selected, "SELECT", db, NULL)) &&
	       say(redis, on_info, "INFO", "server", NULL) &&
	       say(redis, on_role, "ROLE", NULL, NULL);
}

static void open_wire(struct redis *redis);

/* The address of the master, which is connected to next. */
static void on_master(void *cookie, const struct redisReply *reply)
{
	struct redis *redis = cookie;
	struct redis_host *master = &redis->master;

	if (reply && reply->type == REDIS_REPLY_NIL) {
		redis_drop(redis, "the Sentinel does not know a master of that name");
		return;
	}
	if (!is_well(redis, reply, REDIS_REPLY_ARRAY, "the Sentinel does not say who is master")) {
		return;
	}
	if (reply->elements != 2 || reply->element[0]->type != REDIS_REPLY_STRING ||
		reply->element[1]->type != REDIS_REPLY_STRING ||
		reply->element[0]->len >= sizeof(master->name)) {
		redis_drop(redis, "the Sentinel does not say who is master");
		return;
	}
	memcpy(master->name, reply->element[0]->str, reply->element[0]->len + 1);
	master->port = (uint16_t)strtoul(reply->element[1]->str, NULL, 10);
	if (!master->port) {
		redis_drop(redis, "the Sentinel names a master without a port");
		return;
	}
	redis_wire_close(redis->wire);
	redis->wire = NULL;
	uv_timer_start(&redis->timer, on_retry, 0, 0);
}

static void on_open(void *cookie)
{
	struct redis *redis = cookie;
	bool well = redis->asks ? say(redis, on_master, "SENTINEL", "get-master-addr-by-name",
					  redis->url.master)
				: greet(redis);

	if (!well) {
		redis_drop(redis, "out of memory");
	}
}

static void take_reply(struct redis *redis, redisReply *reply)
{
	struct redis_call *call = redis->calls;

	if (!call) {
		redis_drop(redis, "it answers what it was not asked");
	} else {
		DL_DELETE(redis->calls, call);
		redis->call_count--;
		histogram_add(HISTOGRAM_CLUSTER_REDIS, uv_hrtime() - call->sent);
		call->fn(call->cookie, reply);
		free(call);
	}
	freeReplyObject(reply);
}

static void on_bytes(void *cookie, const char *bytes, size_t len)
{
	struct redis *redis = cookie;
	const struct redis_wire *wire = redis->wire;
	void *reply = NULL;

	redis->heard = uv_now(redis->loop);
	if (!redis->calls) {
		redis_drop(redis, "it says what it was not asked");
		return;
	}
	if (redisReaderFeed(redis->reader, bytes, len) != REDIS_OK) {
		redis_drop(redis, redis->reader->errstr);
		return;
	}
	if (redis->reader->len - redis->reader->pos > REPLY_MOST) {
		redis_drop(redis, "its answer is too long");
		return;
	}
	while (wire && redis->wire == wire) { /* a reply may end the connection */
		if (redisReaderGetReply(redis->reader, &reply) != REDIS_OK) {
			redis_drop(redis, redis->reader->errstr);
			return;
		}
		if (!reply) {
			return;
		}
		take_reply(redis, reply);
	}
}

static void open_wire(struct redis *redis)
{
	const struct redis_wire_events events = {on_open, on_bytes, on_ended, redis};
	const struct redis_url *url = &redis->url;
	const struct redis_host *host = redis->master.port ? &redis->master
					: url->host_count
						? &url->hosts[redis->host++ % url->host_count]
						: NULL;
	int error = UV_ENOMEM;

	redis->asks = *url->master && !redis->master.port;
	redisReaderFree(redis->reader);
	redis->reader = redisReaderCreate();
	redis->since = redis->looked = uv_now(redis->loop);
	redis->wire = redis->reader ? redis_wire_open(redis->loop, host, url->path, redis->context,
					      &events, &error)
				    : NULL;
	redis->master.port = 0; /* the next time Sentinels are asked again */
	if (!redis->wire) {
		redis_drop(redis, uv_strerror(error));
	} else {
		uv_timer_start(&redis->timer, on_tick, TICK, TICK);
	}
}

static void on_retry(uv_timer_t *timer)
{
	open_wire(timer->data);
}

/* A server that hangs is told by nobody. */
static void on_tick(uv_timer_t *timer)
{
	struct redis *redis = timer->data;
	uint64_t now = uv_now(redis->loop);
	uint64_t since = redis->calls ? redis->calls->since : redis->is_up ? now : redis->since;

	if (now - redis->looked > 4 * TICK) {
		redis->heard = now; /* we have not listened ourselves */
	}
	redis->looked = now;
	if (!redis->is_up && redis->wire && redis_wire_look(redis->wire)) {
		redis->heard = now;
	}
	if (now - since > (redis->calls ? ANSWER_MOST : CONNECT_MOST) ||
		now - (since > redis->heard ? since : redis->heard) > PATIENCE) {
		redis_drop(redis, redis->calls ? "it does not answer"
				  : redis_wire_shakes_hands(redis->wire)
					  ? "TLS: it does not answer; perhaps it speaks none there"
					  : "it cannot be reached");
	}
}

static int make_context(struct redis *redis, struct problem *problem)
{
	const char *ca = redis->url.ca;

	redis->context = SSL_CTX_new(TLS_client_method());
	if (!redis->context) {
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	if (*ca ? !SSL_CTX_load_verify_locations(redis->context, ca, NULL)
		: !SSL_CTX_set_default_verify_paths(redis->context)) {
		return problem_set(
			problem, -EINVAL, "cluster: the certificates of `%s` cannot be read", ca);
	}
	return 0;
}

int redis_init(struct redis *redis, const struct redis_url *url, struct problem *problem)
{
	redis->url = *url;
	redis->pause = PAUSE_FIRST;
	return url->tls ? make_context(redis, problem) : 0;
}

void redis_start(struct redis *redis, uv_loop_t *loop)
{
	redis->loop = loop;
	uv_timer_init(loop, &redis->timer);
	redis->timer.data = redis;
	open_wire(redis);
}

void redis_name(const struct redis *redis, char *buf, size_t size)
{
	*buf = '\0';
	if (redis->wire) {
		redis_wire_name(redis->wire, buf, size);
	}
}

void redis_finish(struct redis *redis)
{
	redis->closing = true;
	redis->is_up = false;
	if (redis->wire) {
		redis_wire_close(redis->wire);
		redis->wire = NULL;
	}
	fail_calls(redis);
	uv_close((uv_handle_t *)&redis->timer, NULL);
}

void redis_destroy(struct redis *redis)
{
	redisReaderFree(redis->reader);
	SSL_CTX_free(redis->context);
}
