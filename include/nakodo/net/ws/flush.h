/*
 * flush: when what was queued goes out. Once per turn of the loop, after all reading: everything
 * that waits for one peer leaves in one write.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

struct flush;
struct hub;
struct peer;

typedef void flush_turn_fn(struct flush *flush);
typedef void flush_peer_fn(struct peer *peer);
typedef bool flush_ask_fn(const struct flush *flush);

struct flush {
	struct hub *hub;
	flush_turn_fn *turned; /* after the reads of each turn */
	flush_peer_fn *peer; /* writes what waits for one peer */
	flush_turn_fn *flushed; /* after the writes of each turn */
	flush_ask_fn *has_more; /* Is there something for `flushed` that must not wait? */
	uv_check_t check;
	uv_prepare_t prepare;
	uv_idle_t idle;
};

/* After what else is in `flush` has been set. */
void flush_start(struct flush *flush, uv_loop_t *loop);
void flush_finish(struct flush *flush);
