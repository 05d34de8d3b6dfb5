/*
 * inlet: where other nodes bring connections of units that are this node's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "nakodo/base/wheel.h"
#include "nakodo/net/cluster/relay_line.h"

struct deadlines;
struct inlet_call;
struct options;

struct inlet {
	uv_loop_t *loop;
	struct deadlines *deadlines;
	const char *token; /* that has to be shown */
	const struct options *options;
	int fd; /* -1: none */
	uv_poll_t poll;
	struct wheel_timer pause; /* while there are no descriptors */
	struct inlet_call *calls; /* utlist DL */
	size_t count;
	/* A node has said a line with that token. One of the next two follows, at once or later. */
	void (*called)(void *cookie, struct inlet_call *call, const struct relay_line *line);
	/* It is not there any more: it is not to be answered. */
	void (*gone)(void *cookie, struct inlet_call *call);
	void *cookie;
	bool started;
};

/* What a call is for, the caller's: NULL at first. */
void **inlet_state(struct inlet_call *call);
/* Take the connection, which begins with the client's first byte: a descriptor, or -1: it has
 * ended. The call is no more. */
int inlet_take(struct inlet_call *call);
/* It is not taken: RELAY_REFUSED or RELAY_UNABLE. */
void inlet_answer(struct inlet_call *call, char answer);

/* Listen at this address (a number) and port (0: any that is free), or every address ("*"). The
 * port, or -errno. */
int inlet_start(struct inlet *inlet, const char *address, uint16_t port);
void inlet_finish(struct inlet *inlet);
