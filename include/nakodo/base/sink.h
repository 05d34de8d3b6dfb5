/*
 * sink: whole lines for a descriptor that perhaps nobody reads; writing never waits.
 *
 * A pipe or a socket that is full, a terminal that was stopped, a full disk: the line is refused,
 * and the caller says later how many were left out. What the system took only in part is finished
 * before anything else is written, so no line ever begins inside of another.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes of a line, its '\n' included: what a pipe keeps together. */
#define SINK_LINE_MAX PIPE_BUF

enum sink_way {
	SINK_WRITE, /* write(2) does not wait: a file, or a description of our own */
	SINK_SEND, /* a socket */
	SINK_POLL, /* write(2) would wait: only when poll(2) says that there is room */
};

struct sink {
	int fd; /* -1: closed */
	bool own; /* `fd` is to be closed */
	enum sink_way way;
	size_t rest_len;
	char rest[SINK_LINE_MAX]; /* of the last line, what has not been written yet */
};

/* Write to what was inherited as `fd`, which stays open and as it is. */
void sink_init(struct sink *sink, int fd);
/* Append to that file, which is made if it is missing (mode 0640). 0 or -errno: -ENXIO for a FIFO
 * without a reader. */
int sink_open(struct sink *sink, const char *path);
/* False: a line that was written in part stays so. */
bool sink_finish(struct sink *sink);

/* Write the line of at most SINK_LINE_MAX bytes, which ends in '\n'. 0, or -errno if it was left
 * out: -EAGAIN when nobody reads, -ENOSPC when the disk is full. */
int sink_write(struct sink *sink, const char *line, size_t len);
