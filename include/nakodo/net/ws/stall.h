/*
 * stall: which readers take nothing. A peer for which something waits in libwebsockets or in the
 * kernel is watched, and closed with 4508 when its machine has acknowledged nothing for
 * slow-seconds. What it sends meanwhile, pongs say, is no sign that it reads.
 */
#pragma once

#include "nakodo/base/wheel.h"

struct conn;
struct deadlines;
struct options;
struct stalled;

struct stalls {
	const struct options *options;
	struct deadlines *deadlines;
	struct wheel_timer tick; /* set while somebody is watched */
	struct stalled *watched; /* utlist DL */
};

/* Something waits for its socket: watch the peer until nothing does. */
void stall_watch(struct stalls *stalls, struct conn *conn);
/* Watch it if something waits in the kernel. */
void stall_look(struct stalls *stalls, struct conn *conn);
/* The peer leaves. */
void stall_end(struct stalls *stalls, struct conn *conn);
