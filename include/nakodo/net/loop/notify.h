/*
 * notify: what we tell systemd (sd_notify(3)). Without systemd nothing happens. If systemd does not
 * read, the latest state is told when it does; nobody waits for that.
 */
#pragma once

#include <stddef.h>
#include <uv.h>

struct notify {
	uv_timer_t watchdog, retry;
	char untold[96]; /* "": nothing */
};

/* Feed the watchdog at half of its period, if the unit has one. */
void notify_start(struct notify *notify, uv_loop_t *loop);
void notify_ready(struct notify *notify, size_t listeners);
void notify_reloading(struct notify *notify);
/* It is as it was before notify_reloading(); after a reload it is ready again. */
void notify_not_reloaded(struct notify *notify);
void notify_stopping(struct notify *notify);
/* Give the handles back to the loop. */
void notify_finish(struct notify *notify);
