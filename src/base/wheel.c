/*
 * wheel: owns nothing but the links between its owner's timers. A bitmap of used slots lets an idle
 * daemon sleep until the next deadline instead of ticking.
 */
#include "nakodo/base/wheel.h"

#include <stddef.h>
#include <string.h>

static unsigned slot_of(uint64_t step)
{
	return step % WHEEL_SLOTS;
}

void wheel_init(struct wheel *wheel, uint64_t now)
{
	memset(wheel, 0, sizeof(*wheel));
	wheel->now = now / WHEEL_STEP;
}

static void unlink_timer(struct wheel_timer *timer)
{
	*timer->at = timer->next;
	if (timer->next) {
		timer->next->at = timer->at;
	}
	timer->at = NULL;
	timer->next = NULL;
}

static void link_timer(struct wheel_timer **head, struct wheel_timer *timer)
{
	timer->next = *head;
	timer->at = head;
	if (timer->next) {
		timer->next->at = &timer->next;
	}
	*head = timer;
}

static uint64_t step_of(uint64_t due)
{
	return (due + WHEEL_STEP - 1) / WHEEL_STEP;
}

void wheel_set(struct wheel *wheel, struct wheel_timer *timer, uint64_t due, wheel_fn *fn)
{
	uint64_t step = step_of(due);
	unsigned slot;

	if (timer->at) {
		unlink_timer(timer);
	}
	if (step <= wheel->now) {
		step = wheel->now + 1; /* the past is the next step */
	}
	slot = slot_of(step);
	timer->due = step * WHEEL_STEP;
	timer->fn = fn;
	link_timer(&wheel->slots[slot], timer);
	wheel->used[slot / 64] |= UINT64_C(1) << slot % 64;
}

void wheel_clear(struct wheel *wheel, struct wheel_timer *timer)
{
	(void)wheel; /* an emptied slot keeps its bit until its turn: one early wake-up at most */
	if (timer->at) {
		unlink_timer(timer);
	}
}

uint64_t wheel_next(const struct wheel *wheel)
{
	unsigned first = slot_of(wheel->now + 1);

	for (unsigned i = 0; i <= WHEEL_SLOTS / 64; i++) {
		unsigned word = (first / 64 + i) % (WHEEL_SLOTS / 64);
		uint64_t bits = wheel->used[word];

		if (i == 0) {
			bits &= ~UINT64_C(0) << first % 64;
		} else if (i == WHEEL_SLOTS / 64) {
			bits &= (UINT64_C(1) << first % 64) - 1;
		}
		if (bits) {
			unsigned slot = word * 64 + (unsigned)__builtin_ctzll(bits);
			unsigned ahead = (slot + WHEEL_SLOTS - first) % WHEEL_SLOTS;

			return (wheel->now + 1 + ahead) * WHEEL_STEP;
		}
	}
	return UINT64_MAX;
}

static void run_slot(struct wheel *wheel, unsigned slot, uint64_t until)
{
	struct wheel_timer *due = NULL, *later = wheel->slots[slot], *timer;

	/* Taken out first: a callback may clear any of them or set new ones into this very slot. */
	wheel->slots[slot] = NULL;
	wheel->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	while ((timer = later)) {
		later = timer->next;
		if (timer->due <= until * WHEEL_STEP) {
			link_timer(&due, timer);
		} else {
			link_timer(&wheel->slots[slot], timer);
			wheel->used[slot / 64] |= UINT64_C(1) << slot % 64;
		}
	}
	while ((timer = due)) {
		unlink_timer(timer);
		timer->fn(timer);
	}
}

void wheel_run(struct wheel *wheel, uint64_t now)
{
	uint64_t until = now / WHEEL_STEP;

	/* After a pause of more than a turn one look into each slot is enough. It must be the last
	 * turn: a callback's timer goes by wheel->now, and what it sets for now is met on the way.
	 */
	if (until > wheel->now + WHEEL_SLOTS) {
		wheel->now = until - WHEEL_SLOTS;
	}
	while (wheel->now < until) {
		unsigned slot = slot_of(++wheel->now);

		if (wheel->used[slot / 64] >> slot % 64 & 1) {
			run_slot(wheel, slot, until);
		}
	}
}
