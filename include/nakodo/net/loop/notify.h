/*
 * notify: what we tell systemd (sd_notify(3)). Without systemd nothing happens.
 */
#pragma once

#include <stddef.h>
#include <uv.h>

void notify_ready(size_t listeners);
void notify_reloading(void);
void notify_reloaded(void);
void notify_stopping(void);
/* Feed the watchdog at half of its period, if the unit has one; `timer` is the caller's memory. */
void notify_watchdog_start(uv_loop_t *loop, uv_timer_t *timer);
