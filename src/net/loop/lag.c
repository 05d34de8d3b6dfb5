/*
 * lag: libuv tells how long it has been idle, to the nanosecond; uv_now() is the ms in which a turn
 * began.
 */
#include "nakodo/net/loop/lag.h"

#include "nakodo/base/histogram.h"

void lag_start(struct lag *lag, uv_loop_t *loop)
{
	if (!lag->loop && !uv_loop_configure(loop, UV_METRICS_IDLE_TIME)) {
		*lag = (struct lag){.loop = loop};
	}
}

void lag_stop(struct lag *lag)
{
	lag->loop = NULL;
}

void lag_end_turn(struct lag *lag)
{
	uint64_t now, idle;

	if (!lag->loop) {
		return;
	}
	now = uv_hrtime();
	idle = uv_metrics_idle_time(lag->loop);
	if (lag->polled) {
		histogram_add(HISTOGRAM_TURN, now - lag->polled - (idle - lag->idle));
	}
	lag->polled = now;
	lag->idle = idle;
}

void lag_note_written(struct lag *lag, bool any, bool all)
{
	if (!lag->loop || !any) {
		return;
	}
	if (!lag->since) {
		lag->since = lag->polled + uv_metrics_idle_time(lag->loop) - lag->idle;
	}
	if (all) {
		histogram_add(HISTOGRAM_RELAY, uv_hrtime() - lag->since);
		lag->since = 0;
	}
}
