/*
 * server: the event loop and everything that hangs on it; the root of the layer net.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "nakodo/dialect/dialect.h"
#include "nakodo/net/lifecycle.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/ws/flush.h"

struct options;
struct problem;

struct server {
	const struct options *options;
	size_t max_peers, max_conns; /* as far as file descriptors allow */
	uv_loop_t loop;
	struct lws_context *context;
	struct lws_vhost *plain, *secure; /* `secure` NULL: no certificate */
	struct lws_protocols *plain_protocols, *secure_protocols;
	struct deadlines deadlines;
	struct wheel_timer trim; /* set when much may have been freed; ws.c's */
	struct wheel_timer renewal; /* renewal.c's */
	unsigned handshakes; /* of TLS, since the last trim */
	struct flush flush;
	struct hub *hub;
	char *ice_servers; /* JSON; what `env` points to */
	struct dialect_env env;
	struct dialect_table *dialects;
	struct census *census;
	struct site *site; /* what plain HTTP is answered with */
	struct tls *tls; /* NULL: no certificate, so no TLS listener */
	struct listener *listeners;
	struct frame *ping; /* the same for every peer */
	struct conn *conns;
	struct conn *pausing; /* to be left unread after this turn; pace.c's */
	struct waiting *waiting; /* accepted, not a conn yet; accept.c's */
	size_t conn_count, peer_count;
	size_t awaited; /* places kept for those who lost their connection (dialect_env) */
	size_t unsent; /* bytes of HTTP answers that slow clients have not taken yet */
	uint64_t last_id;
	bool draining; /* told to stop: nobody new comes in */
	bool finished; /* the loop only runs until all handles are closed */
	struct lifecycle lifecycle;
};

/* Check all that can be checked without opening a socket. 0, or -errno with a sentence. */
int server_check(const struct options *options, struct problem *problem);
/* Serve until told to stop by a signal. 0, or -errno with a sentence if it could not start:
 * -EINVAL when the options are to blame, as for server_check(). */
int server_run(const struct options *options, struct problem *problem);
