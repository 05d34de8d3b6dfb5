/* outbox: a ring that lives inside its peer while short, so that a delivery allocates nothing, and
 * gives its memory back when empty, so that an idle peer holds none. */
#include "nakodo/hub/outbox.h"

#include <stdlib.h>

#include "nakodo/base/memory.h"
#include "nakodo/hub/frame.h"

#define LEAST_ROOM 8 /* slots */

static unsigned slots(const struct outbox *outbox)
{
	return outbox->room ? outbox->room : OUTBOX_INLINE;
}

/* The slot of the i-th frame, or of the one that comes next. */
static struct frame **slot(struct outbox *outbox, unsigned i)
{
	struct frame **ring = outbox->room ? outbox->ring : outbox->few;

	return &ring[(outbox->head + i) & (slots(outbox) - 1)];
}

size_t outbox_weight(const struct outbox *outbox)
{
	return outbox->bytes + outbox->room * sizeof(*outbox->ring);
}

static void free_ring(struct outbox *outbox)
{
	if (outbox->room) {
		memory_give(MEMORY_FRAMES, outbox->room * sizeof(*outbox->ring));
		free(outbox->ring);
		outbox->room = 0;
	}
}

static bool grow(struct outbox *outbox)
{
	unsigned larger = outbox->room ? outbox->room * 2 : LEAST_ROOM;
	struct frame **ring = malloc(larger * sizeof(*ring));

	if (!ring) {
		return false;
	}
	for (unsigned i = 0; i < outbox->count; i++) {
		ring[i] = *slot(outbox, i);
	}
	free_ring(outbox);
	memory_take(MEMORY_FRAMES, larger * sizeof(*ring));
	outbox->ring = ring;
	outbox->room = larger;
	outbox->head = 0;
	return true;
}

bool outbox_push(struct outbox *outbox, struct frame *frame)
{
	if (outbox->count == slots(outbox) && !grow(outbox)) {
		return false;
	}
	*slot(outbox, outbox->count) = frame_ref(frame);
	outbox->count++;
	outbox->bytes += frame->len;
	return true;
}

bool outbox_push_exempt(struct outbox *outbox, struct frame *frame)
{
	if (!outbox_push(outbox, frame)) {
		return false;
	}
	if (outbox->exempt == outbox->count - 1) {
		outbox->exempt++;
		outbox->exempt_bytes += frame->len;
	}
	return true;
}

struct frame *outbox_first(const struct outbox *outbox)
{
	if (!outbox->count) {
		return NULL;
	}
	return outbox->room ? outbox->ring[outbox->head] : outbox->few[outbox->head];
}

struct frame *outbox_at(const struct outbox *outbox, unsigned i)
{
	return *slot((struct outbox *)outbox, i);
}

static void release_if_empty(struct outbox *outbox)
{
	if (!outbox->count) {
		free_ring(outbox);
		outbox->head = 0;
	}
}

struct frame *outbox_pop(struct outbox *outbox)
{
	struct frame *frame = outbox_first(outbox);

	if (!frame) {
		return NULL;
	}
	outbox->head = (outbox->head + 1) & (slots(outbox) - 1);
	outbox->count--;
	outbox->bytes -= frame->len;
	if (outbox->exempt) {
		outbox->exempt--;
		outbox->exempt_bytes -= frame->len;
	}
	release_if_empty(outbox);
	return frame;
}

bool outbox_remove(struct outbox *outbox, const struct frame *frame)
{
	unsigned i = outbox->count;

	while (i > outbox->exempt && *slot(outbox, i - 1) != frame) {
		i--;
	}
	if (i == outbox->exempt) {
		return false;
	}
	for (; i < outbox->count; i++) {
		*slot(outbox, i - 1) = *slot(outbox, i);
	}
	outbox->count--;
	outbox->bytes -= frame->len;
	release_if_empty(outbox);
	return true;
}

void outbox_drop_last(struct outbox *outbox, unsigned count)
{
	for (; count && outbox->count; count--) {
		struct frame *frame = *slot(outbox, outbox->count - 1);

		if (outbox->exempt == outbox->count) {
			outbox->exempt--;
			outbox->exempt_bytes -= frame->len;
		}
		outbox->count--;
		outbox->bytes -= frame->len;
		frame_unref(frame);
	}
	release_if_empty(outbox);
}

void outbox_clear(struct outbox *outbox)
{
	while (outbox->count) {
		frame_unref(outbox_pop(outbox));
	}
}
