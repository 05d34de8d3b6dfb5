/*
 * flush: when what was queued goes out. Once per turn of the loop, after all reading: everything
 * that waits for one peer leaves in one write. What would take long is written in several passes,
 * between which the loop turns: each writes a bounded number of bytes, and no peer gets more than
 * FLUSH_SHARE of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "nakodo/net/loop/lag.h"

#define FLUSH_SHARE 131072 /* bytes */

struct flush;
struct hub;
struct peer;

typedef void flush_turn_fn(struct flush *flush);
/* Writes what waits for one peer, and returns how many bytes. With `most` written it goes on with
 * no further frame, but marks the peer dirty again. */
typedef size_t flush_peer_fn(struct peer *peer, size_t most);
typedef bool flush_ask_fn(const struct flush *flush);

struct flush {
	struct hub *hub;
	flush_turn_fn *turned; /* after the reads of each turn */
	flush_turn_fn *settled; /* before its writes, when all is queued */
	flush_peer_fn *peer;
	flush_turn_fn *flushed; /* after the writes of each pass */
	flush_ask_fn *has_more; /* Is there something for `flushed` that must not wait? */
	struct lag lag; /* measures if it was started */
	unsigned passes; /* in a row that have left something; 0: all is written */
	uv_check_t check;
	uv_prepare_t prepare;
	uv_idle_t idle;
};

/* After what else is in `flush` has been set. */
void flush_start(struct flush *flush, uv_loop_t *loop);
void flush_finish(struct flush *flush);
