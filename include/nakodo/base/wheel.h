/*
 * wheel: many deadlines, each set and cleared in constant time.
 *
 * A hashed timer wheel (Varghese and Lauck 1987, scheme 6). Deadlines are kept to WHEEL_STEP
 * milliseconds and never fire early. The wheel has no clock: its owner passes the time in and asks
 * with wheel_next() when to call wheel_run() again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_STEP 16 /* ms per slot */
#define WHEEL_SLOTS 4096 /* one turn is 65.5 s; later deadlines stay for further turns */

struct wheel_timer;
typedef void wheel_fn(struct wheel_timer *timer);

/* Embedded in what has the deadline; zeroed memory is a timer that is not set. */
struct wheel_timer {
	struct wheel_timer *next, **at; /* `at` NULL: not set */
	uint64_t due; /* ms */
	wheel_fn *fn;
};

struct wheel {
	uint64_t now; /* in slots: everything due before it has run */
	struct wheel_timer *slots[WHEEL_SLOTS];
	uint64_t used[WHEEL_SLOTS / 64]; /* which slots hold timers */
};

void wheel_init(struct wheel *wheel, uint64_t now);
/* Call fn once at `due` or up to WHEEL_STEP after it. A timer that is set already is moved. */
void wheel_set(struct wheel *wheel, struct wheel_timer *timer, uint64_t due, wheel_fn *fn);
void wheel_clear(struct wheel *wheel, struct wheel_timer *timer);
/* When to run the wheel next, in ms: not later than the first deadline. UINT64_MAX: empty. */
uint64_t wheel_next(const struct wheel *wheel);
/* Call what is due. A callback may set and clear any timer, its own too. */
void wheel_run(struct wheel *wheel, uint64_t now);
