/*
 * redis_wire: one connection to a Redis server or a Sentinel: bytes there and back, by TCP, by TLS
 * or by a unix socket. It knows nothing of commands.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct redis_host;
struct redis_wire;

struct redis_wire_events {
	void (*open)(void *cookie); /* it can be written to */
	void (*bytes)(void *cookie, const char *bytes, size_t len);
	void (*ended)(void *cookie, const char *why); /* it is closed then; called at most once */
	void *cookie;
};

/* Connect to `host`, with TLS if there is a context, or to the unix socket `path` if `host` is
 * NULL. NULL: *ret_error is one of libuv's. */
struct redis_wire *redis_wire_open(uv_loop_t *loop, const struct redis_host *host, const char *path,
	SSL_CTX *context, const struct redis_wire_events *events, int *ret_error);
/* Called twice a second while it is not open: of a name with several addresses one that says
 * nothing for a second is passed over. True: the name is still looked up. */
bool redis_wire_look(struct redis_wire *wire);
/* Is it connected, but for TLS? */
bool redis_wire_shakes_hands(const struct redis_wire *wire);
/* Write later in this turn, all of a turn at once. Without memory it ends in the next one. */
void redis_wire_write(struct redis_wire *wire, const char *bytes, size_t len);
/* No event comes any more. Frees it, some turns later. */
void redis_wire_close(struct redis_wire *wire);
/* This end's address as a number, as other machines may reach it; "": of a unix socket. */
void redis_wire_name(const struct redis_wire *wire, char *buf, size_t size);
/* The loop has ended. Is a name still looked up, in a thread that exit(3) would wait for? */
bool redis_wire_hangs(void);
