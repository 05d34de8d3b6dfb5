/* deadlines: owns the one libuv timer behind the wheel. */
#include "nakodo/net/loop/deadlines.h"

#include "nakodo/hub/hub.h"

#define LATE 500 /* ms by which the timer is late only if the process did not run */
#define LISTEN 250 /* ms */

static void on_timer(uv_timer_t *timer);

static void arm(struct deadlines *deadlines)
{
	uint64_t now = uv_now(deadlines->timer.loop);
	uint64_t next = wheel_next(&deadlines->wheel);

	if (next < deadlines->armed) {
		deadlines->armed = next;
		uv_timer_start(&deadlines->timer, on_timer, next > now ? next - now : 0, 0);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct deadlines *deadlines = timer->data;
	uint64_t now = uv_now(timer->loop);

	/* Once, or who keeps the loop busy would keep every deadline away. */
	deadlines->listened =
		!deadlines->listened && now > deadlines->armed && now - deadlines->armed > LATE;
	if (deadlines->listened) {
		deadlines->armed = now + LISTEN;
		uv_timer_start(timer, on_timer, LISTEN, 0);
		return;
	}
	/* Armed only when all have run: what they set meanwhile is looked at once, here. */
	deadlines->armed = 0;
	wheel_run(&deadlines->wheel, now);
	deadlines->armed = UINT64_MAX;
	arm(deadlines);
}

void deadlines_init(struct deadlines *deadlines, uv_loop_t *loop)
{
	wheel_init(&deadlines->wheel, uv_now(loop));
	uv_timer_init(loop, &deadlines->timer);
	deadlines->timer.data = deadlines;
	deadlines->armed = UINT64_MAX;
}

uint64_t deadlines_now(const struct deadlines *deadlines)
{
	return uv_now(deadlines->timer.loop);
}

void deadlines_set(
	struct deadlines *deadlines, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn)
{
	wheel_set(&deadlines->wheel, timer, uv_now(deadlines->timer.loop) + delay, fn);
	arm(deadlines);
}

void deadlines_clear(struct deadlines *deadlines, struct wheel_timer *timer)
{
	wheel_clear(&deadlines->wheel, timer);
}

void deadlines_finish(struct deadlines *deadlines)
{
	uv_close((uv_handle_t *)&deadlines->timer, NULL);
}

static uint64_t host_now(void *cookie)
{
	return deadlines_now(cookie);
}

static void host_set_timer(void *cookie, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn)
{
	deadlines_set(cookie, timer, delay, fn);
}

static void host_clear_timer(void *cookie, struct wheel_timer *timer)
{
	deadlines_clear(cookie, timer);
}

void deadlines_serve(struct deadlines *deadlines, struct hub *hub)
{
	struct hub_host host = {host_now, host_set_timer, host_clear_timer, deadlines};

	hub_set_host(hub, &host);
}
