/*
 * deadlines: the timer wheel on the event loop. It wakes the loop when something is due and at no
 * other time.
 *
 * A process that was stopped, or held up for more than half a second, has not listened meanwhile:
 * what came is read first, for a quarter of a second, before any deadline is met.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "nakodo/base/wheel.h"

struct hub;

struct deadlines {
	struct wheel wheel;
	uv_timer_t timer;
	uint64_t armed; /* when the timer fires, in the loop's ms; UINT64_MAX: not started */
	bool listened; /* it was late, and what came meanwhile has been read first */
};

void deadlines_init(struct deadlines *deadlines, uv_loop_t *loop);
/* The loop's time, ms: when this turn began. */
uint64_t deadlines_now(const struct deadlines *deadlines);
/* Call fn `delay` ms from now, instead of what this timer was set to before. */
void deadlines_set(
	struct deadlines *deadlines, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn);
void deadlines_clear(struct deadlines *deadlines, struct wheel_timer *timer);
/* The hub has its time and its timers from here. */
void deadlines_serve(struct deadlines *deadlines, struct hub *hub);
/* Give the handle back to the loop; no deadline is met any more. */
void deadlines_finish(struct deadlines *deadlines);
