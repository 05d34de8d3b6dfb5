/*
 * notify: what we tell systemd (sd_notify(3)). Without systemd nothing happens. If systemd does not
 * read, the latest state is told when it does; nobody waits for that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/* FDNAME= of what is kept in systemd's store of descriptors for the next process. */
#define NOTIFY_STORED "nakodo-sessions"

struct notify {
	uv_timer_t watchdog, retry;
	bool forget; /* what is stored, which systemd has not been told yet */
	char untold[96]; /* "": nothing */
};

/* Is there a systemd that is told? */
bool notify_is_heard(void);
/* The period of the unit's watchdog, ms; 0: it has none. */
uint64_t notify_watchdog(void);
/* Feed the watchdog at half of its period, if the unit has one. */
void notify_start(struct notify *notify, uv_loop_t *loop);
void notify_ready(struct notify *notify, size_t listeners);
void notify_reloading(struct notify *notify);
/* It is as it was before notify_reloading(); after a reload it is ready again. */
void notify_not_reloaded(struct notify *notify);
/* It takes so many ms at most until we are gone. */
void notify_stopping(struct notify *notify, uint64_t ms);
/* What is stored for us shall not be kept any more. */
void notify_forget_stored(struct notify *notify);
/* Have the descriptor kept for the next process, which finds it by NOTIFY_STORED. Waits until
 * systemd has taken it or refused it, which is not told, but at most some seconds: then -ETIMEDOUT.
 */
int notify_store(int fd);
/* The same, and nothing else is kept any more. */
int notify_replace_stored(int fd);
/* Give the handles back to the loop. */
void notify_finish(struct notify *notify);
