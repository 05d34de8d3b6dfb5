/* notify: see the header. */
#include "nakodo/net/loop/notify.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>
#include <time.h>

void notify_ready(size_t listeners)
{
	sd_notifyf(0, "READY=1\nSTATUS=Listening on %zu sockets", listeners);
}

void notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		(uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void notify_reloaded(void)
{
	sd_notify(0, "READY=1");
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=Closing connections");
}

static void on_timer(uv_timer_t *timer)
{
	(void)timer;
	sd_notify(0, "WATCHDOG=1");
}

void notify_watchdog_start(uv_loop_t *loop, uv_timer_t *timer)
{
	uint64_t period = 0;

	uv_timer_init(loop, timer);
	if (sd_watchdog_enabled(0, &period) > 0) {
		uv_timer_start(timer, on_timer, 0, period / 2000);
	}
}
