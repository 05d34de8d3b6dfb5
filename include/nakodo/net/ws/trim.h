/*
 * trim: memory that was freed goes back to the system. What a crowd took lies between the memory of
 * those who stay, where the allocator by itself would keep it for ever.
 *
 * It is given back when much less is held (base/memory.h) than since it was last given back: for
 * peers that left, for their seats, which may end long after them, and for whatever else was kept.
 * And when a crowd has come over TLS, whose handshakes take 40 kB each for a moment. That takes
 * milliseconds, in proportion to the memory, so nobody can ask for it often.
 */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "nakodo/base/wheel.h"

#define TRIM_LEAST (1 << 20) /* bytes that have to be freed */
#define TRIM_PART 4 /* and one in so many of all that were held */
#define TRIM_CROWD 512 /* TLS handshakes */
#define TRIM_DELAY 1000 /* ms from then on, in which more may be freed */
#define TRIM_EVERY 20000 /* ms from one time to the next */

struct deadlines;

struct trim {
	struct deadlines *deadlines;
	struct wheel_timer timer; /* set while there is something to give back */
	uv_prepare_t prepare; /* behind timers too, since seats end by these */
	uint64_t most; /* bytes that were held at once since the last time */
	unsigned handshakes; /* since the last time, */
	uint64_t next; /* ms: and the next one is not before that */
};

void trim_start(struct trim *trim, struct deadlines *deadlines, uv_loop_t *loop);
/* Give the handle back to the loop. */
void trim_finish(struct trim *trim);
/* A peer has come over TLS. */
void trim_note_handshake(struct trim *trim);
