/*
 * lag: how long the turns of the loop take, and what is relayed in them; the histograms of
 * base/histogram.h. It looks at the clock some times in a turn, however much happens in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* Zeroed, it measures nothing. */
struct lag {
	uv_loop_t *loop; /* NULL: nothing is measured */
	uint64_t polled; /* ns: when the last poll began; 0: there was none */
	uint64_t idle; /* ns that the loop had spent in polls by then */
	uint64_t since; /* ns: when that was read which is not all written yet; 0: all is */
};

/* Measure from now on, unless that is done already. */
void lag_start(struct lag *lag, uv_loop_t *loop);
void lag_stop(struct lag *lag);
/* The loop is about to poll: a turn is over. */
void lag_end_turn(struct lag *lag);
/* After the writes of a turn. Has something been written, and is there nothing more to write? */
void lag_note_written(struct lag *lag, bool any, bool all);
