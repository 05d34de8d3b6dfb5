/*
 * dial: from this node to the one that has a unit: connect, say the line (relay_line.h), and hear
 * whether it takes the connection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "nakodo/base/wheel.h"
#include "nakodo/net/cluster/relay_line.h"

struct deadlines;
struct node;
struct options;

/* Zero it first. */
struct dial {
	uv_poll_t poll;
	struct deadlines *deadlines;
	struct wheel_timer timer;
	bool under_way, said;
	int fd;
	const struct options *options;
	char line[RELAY_LINE];
	size_t len, sent;
	/* `fd` leads to the owner, which takes the connection, and is the taker's; -ECONNREFUSED:
	 * it says that the unit is not its; -EBUSY: it cannot take the connection; another -errno:
	 * it cannot be reached. Not called by
	 * dial_start(). The handle is closed some turns later: `closed` tells. */
	void (*done)(struct dial *dial, int fd);
	void (*closed)(struct dial *dial);
};

/* 0, or -errno: neither callback comes. */
int dial_start(
	struct dial *dial, uv_loop_t *loop, const struct node *node, const struct relay_line *line);
/* `done` is not called any more. */
void dial_cancel(struct dial *dial);
/* What both ends do with a connection between nodes. It ends slow-seconds and five seconds after
 * the other machine has said anything last, or taken anything. */
void dial_set_socket(int fd, const struct options *options);
