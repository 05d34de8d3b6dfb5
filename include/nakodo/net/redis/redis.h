/*
 * redis: commands to a Redis server, or Valkey, and its replies, in order, over one connection that
 * is made again when it ends. Both formats are hiredis' (its codec only: its connections of Debian
 * 12 have no TLS, look up names synchronously and do not notice a server that hangs).
 *
 * The connection is up when the server has been found (by a Sentinel, if there are any), has taken
 * the password, and is one that can be written to.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "nakodo/base/redis_url.h"

struct redis_call;
struct redis_wire;
struct redisReader;
struct redisReply;
struct problem;

/* NULL: it was not answered, and it is not known whether it was carried out. */
typedef void redis_fn(void *cookie, const struct redisReply *reply);

struct redis {
	uv_loop_t *loop;
	struct redis_url url;
	SSL_CTX *context; /* NULL: no TLS */
	struct redis_wire *wire; /* NULL: none */
	struct redisReader *reader;
	struct redis_call *calls; /* under way, in order (utlist DL) */
	size_t call_count;
	uint64_t heard,
		looked; /* ms: when it has said something last; when that was looked at last */
	bool is_up;
	bool closing;
	bool asks; /* the connection is to a Sentinel */
	size_t host; /* which one is asked next */
	struct redis_host master; /* that a Sentinel has named; port 0: none */
	uint64_t since; /* ms: when the connection was begun */
	unsigned pause; /* ms until it is made again */
	uv_timer_t timer;
	char version[32]; /* of the server */
	void (*up)(void *cookie);
	void (*down)(void *cookie, const char *why); /* after each attempt that fails, too */
	void *cookie;
};

/* The callbacks are the caller's to set. 0, or -errno with a sentence. */
int redis_init(struct redis *redis, const struct redis_url *url, struct problem *problem);
/* Connect, and again whenever the connection has ended. */
void redis_start(struct redis *redis, uv_loop_t *loop);
/* A command of `count` words. `fn` is called once, but not in here. False: it is not up, or too
 * much waits already, and `fn` is not called. */
bool redis_send(struct redis *redis, redis_fn *fn, void *cookie, int count, const char **words,
	const size_t *lengths);
/* It does what it is asked: when it ends, it is made again at once. Until this is said the pauses
 * grow. */
void redis_praise(struct redis *redis);
/* The connection is of no use: make it again after a pause. `why` is told by `down`. */
void redis_drop(struct redis *redis, const char *why);
/* This end's address, as a number; "": none. */
void redis_name(const struct redis *redis, char *buf, size_t size);
/* No callback is called any more, but those of calls under way, now. */
void redis_finish(struct redis *redis);
/* The loop has ended. */
void redis_destroy(struct redis *redis);
