/*
 * server: the event loop and everything that hangs on it; the root of the layer net. Only the files
 * of this folder know it whole: each room below has a root of its own.
 */
#pragma once

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "nakodo/dialect/dialect.h"
#include "nakodo/net/cluster/cluster.h"
#include "nakodo/net/cluster/journal.h"
#include "nakodo/net/ctl/ctl.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/hooks.h"
#include "nakodo/net/http/pages.h"
#include "nakodo/net/lifecycle.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/restart.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/tls/renewal.h"
#include "nakodo/net/workers/worker.h"
#include "nakodo/net/workers/workers.h"
#include "nakodo/net/ws/ws.h"

struct ice;
struct options;
struct problem;

/* What this process does of the work. */
enum role {
	ROLE_ALONE, /* all of it */
	ROLE_FIRST, /* it accepts, for its workers */
	ROLE_WORKER,
};

struct server {
	enum role role;
	struct options *options; /* everybody's; a reload replaces what is in it (reload.h) */
	int home; /* the directory that the options' relative paths begin at; the daemon leaves it
		   */
	uv_loop_t loop;
	struct lws_context *context;
	struct lws_protocols plain_protocols[2], secure_protocols[2];
	char subprotocol[64]; /* the name in both, for the upgrade at hand; "": none */
	struct deadlines deadlines;
	struct hub *hub;
	struct ice *ice; /* what `env` points to */
	struct dialect_env env;
	struct hooks hooks;
	struct dialect_table *dialects;
	struct tls *tls; /* NULL: no certificate, so no TLS listener */
	struct renewal renewal;
	struct gate gate;
	size_t most_wanted; /* max-peers at the start, */
	size_t descriptors; /* and how many of them there are for connections (descriptors.h) */
	struct sockets sockets;
	struct pages pages;
	struct ws ws;
	struct restart restart;
	struct lifecycle lifecycle;
	struct ctl ctl;
	struct workers workers; /* of the first process */
	struct cluster cluster; /* the same */
	struct journal journal; /* of a worker in a cluster */
	struct worker worker;
	bool finished; /* the loop only runs until all handles are closed */
#ifdef NAKODO_AUDIT
	struct wheel_timer audit;
#endif
};

/* Check all that can be checked without opening a socket. 0, or -errno with a sentence. */
int server_check(struct options *options, struct problem *problem);
/* Serve until told to stop by a signal. 0, or -errno with a sentence if it could not start:
 * -EINVAL when the options are to blame, as for server_check(). The options change while it runs
 * (reload.h). */
int server_run(struct options *options, struct problem *problem);
/* The same for one of several workers, which was started so. */
int server_work(struct options *options, const struct worker_start *start, struct problem *problem);
