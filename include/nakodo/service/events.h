/*
 * events: what happens in rooms, told to event-webhook: each event once or, when no answer came,
 * again, in order. docs/webhooks.md is the page for users.
 *
 * Events wait in one queue. As many as fit go into a request together, and there is one request at
 * a time, so that nothing overtakes anything; a request that fails is made again, the same one,
 * after a pause that grows. Whoever makes events never waits for that: past a bound, or when memory
 * is short, the address of which most are kept gives up its oldest (service/share.h), and they are
 * counted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/wheel.h"

struct address;
struct events;
struct share;
struct shortage;
struct webhook;
struct webhook_headers;

#define EVENTS_TIMEOUT 10000 /* ms for one request */

/* Who carries requests, and the time. */
struct events_host {
	/* Begin a request; the body stays until it has ended, which events_delivered() or
	 * events_failed() tells, and never before this returns. -errno: it cannot be. */
	int (*post)(void *cookie, const char *url, const struct webhook_headers *headers,
		const char *body, size_t len);
	/* Break it off; nothing more is told of it. */
	void (*cancel)(void *cookie);
	void (*set_timer)(void *cookie, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn);
	void (*clear_timer)(void *cookie, struct wheel_timer *timer);
	void *cookie;
};

/* One event. Strings may hold any bytes; NULL: it has none. */
struct event {
	const char *type;
	const struct address
		*address; /* whose doing it is, which is not told; NULL: the daemon's */
	const char *mount, *dialect; /* `mount` NULL: a listener of its own */
	const char *room, *peer, *user, *reason;
	unsigned code; /* of the close frame; 0: none */
};

/* At most `most` bytes are kept. NULL: no memory. */
struct events *events_create(size_t most);
/* From now on so many. */
void events_set_most(struct events *events, size_t most);
/* The process is one of several that tell events, of that number from 1; 0: of none. Before the
 * first event. */
void events_set_worker(struct events *events, unsigned worker);
void events_destroy(struct events *events); /* NULL: nothing happens */
/* Begin. What was told before waits until now. */
void events_start(struct events *events, const struct events_host *host);
/* From now on tell that one, which is the caller's, also what waits, but a request under way goes
 * on; NULL: nobody, nothing is kept and a request is broken off. The one before must still be
 * there. A URL that was not told before hears first that the daemon has `started`, or after
 * events_start() that it is `subscribed`. */
void events_aim(struct events *events, const struct webhook *webhook);

/* Does anybody listen? */
bool events_are_wanted(const struct events *events);
void events_add(struct events *events, const struct event *event);

/* Memory is short: count in `held` what each address has; then, of those that have to give some
 * back, give up their oldest. */
void events_weigh(const struct events *events, struct share *held);
void events_shed(struct events *events, struct shortage *shortage);

/* The request has ended: well, or with that status of HTTP (0: there was no answer). */
void events_delivered(struct events *events);
void events_failed(struct events *events, int status);
/* Say `stopped`, once. True: there is something to be told, and hope that it soon will be. */
bool events_stop(struct events *events);
/* Nothing is asked of the host any more. */
void events_finish(struct events *events);

#ifdef NAKODO_AUDIT
/* How many bytes are kept, counted anew. */
size_t events_audit(const struct events *events);
#endif
