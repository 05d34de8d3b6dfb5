/*
 * outbox: a queue of shared frames, oldest first: what waits to be written to one peer, or what a
 * session keeps for its client.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct frame;

#define OUTBOX_INLINE 2 /* frames that wait without an allocation */

/* Zeroed memory is an empty outbox. */
struct outbox {
	union {
		struct frame *few[OUTBOX_INLINE];
		struct frame **ring; /* on the heap */
	};
	unsigned room; /* slots of `ring`, a power of two; 0: `few` is the ring */
	unsigned head, count;
	unsigned exempt; /* so many of the oldest are not bounded by send-queue */
	size_t bytes; /* in the waiting frames, headers included */
	size_t exempt_bytes;
};

/* Takes a reference of its own. False: no memory, nothing changed. */
bool outbox_push(struct outbox *outbox, struct frame *frame);
/* The same for what a connection is sent first: send-queue does not bound the frame, as long as
 * only such frames wait before it. */
bool outbox_push_exempt(struct outbox *outbox, struct frame *frame);
struct frame *outbox_first(const struct outbox *outbox); /* NULL: empty */
/* The i-th frame, from 0 for the first; i < outbox->count. */
struct frame *outbox_at(const struct outbox *outbox, unsigned i);
/* Take the first out; its reference passes to the caller. */
struct frame *outbox_pop(struct outbox *outbox);
/* Take that frame out, the last one if it waits more than once; its reference passes to the caller.
 * None of the exempt ones. False: it does not wait. */
bool outbox_remove(struct outbox *outbox, const struct frame *frame);
/* Bytes that it holds, if the frames are nobody else's: theirs and those of a ring on the heap. */
size_t outbox_weight(const struct outbox *outbox);
/* Take the last ones out, so many at most. */
void outbox_drop_last(struct outbox *outbox, unsigned count);
void outbox_clear(struct outbox *outbox);
