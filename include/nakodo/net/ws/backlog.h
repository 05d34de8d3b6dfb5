/*
 * backlog: messages that were read and are not due yet, in order; in MEMORY_RECEIVED. What is wrong
 * with the last one waits there as well, so that those before it are heard.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct held {
	struct held *prev, *next;
	size_t len;
	bool binary;
	unsigned short fault; /* the code that the peer is to be closed with. 0: it is a message */
	char data[]; /* or the reason, ended by a NUL */
};

/* A list of them (utlist DL); NULL: it is empty. False: no memory. */
bool backlog_add(struct held **backlog, const char *data, size_t len, bool binary);
bool backlog_add_fault(struct held **backlog, unsigned short code, const char *reason);
/* The first one, now the caller's, for held_free(). */
struct held *backlog_take(struct held **backlog);
void backlog_drop(struct held **backlog, struct held *held);
void backlog_clear(struct held **backlog);
size_t backlog_bytes(const struct held *backlog);
void held_free(struct held *held);
