/*
 * lifecycle: signals and what they start: stopping gently (SIGTERM, SIGINT; a second one: at once),
 * reloading (SIGHUP), and logging the meters (SIGUSR1).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "nakodo/net/loop/notify.h"

struct server;

struct lifecycle {
	uv_signal_t terminate, interrupt, hangup, meters;
	uv_timer_t drain; /* closes peers; once all is closed, ends what still waits */
	struct notify notify;
	uint64_t began; /* draining, the loop's ms */
	uint64_t empty; /* all were gone, but for who is told by HTTP, the loop's ms; 0: not yet */
	size_t to_close, closed; /* peers whose session is not kept, when draining began; of them,
				    told to go */
	bool told_drained; /* a worker has said that only those are left whose session is kept */
	bool waits_for_others; /* so that they are sent away last of all processes */
	uint64_t kept_until; /* when the others have had their time, the loop's ms; 0: not yet */
	size_t relays; /* to other nodes, when it began */
	uint64_t tunnels_until; /* the same of those whose TLS a worker speaks */
};

/* Listen to the signals and feed systemd's watchdog. 0 or -errno. */
int lifecycle_start(struct server *server);
/* Stop gently: nobody new comes in, and all are sent away over drain-seconds. Only once. */
void lifecycle_drain(struct server *server);
/* In a worker: nobody is left anywhere but those whose session is kept, who are sent away now. */
void lifecycle_drain_kept(struct server *server);
/* Close all that keeps the loop running, at once, listeners and the context of libwebsockets
 * included; the loop then ends by itself. Also when lifecycle_start() has failed. */
void lifecycle_finish(struct server *server);
/* The loop has ended. */
void lifecycle_end(struct server *server);
