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

typedef void flush_peer_fn(struct peer *peer);
typedef void flush_turn_fn(struct flush *flush);

struct flush {
	struct hub *hub;
	flush_turn_fn *turned, *flushed;
	flush_peer_fn *peer;
	bool again; /* by `flushed`: the next poll is not to wait */
	uv_check_t check;
	uv_prepare_t prepare;
	uv_idle_t idle;
};

/* `turned` is called after the reads of each turn, and `flushed` after its writes; `peer` writes
 * what waits for one peer; it is called in the flush phase only. */
void flush_init(struct flush *flush, uv_loop_t *loop, struct hub *hub, flush_turn_fn *turned,
	flush_peer_fn *peer, flush_turn_fn *flushed);
void flush_finish(struct flush *flush);
