/* wheel: timers fire in time, once, and not when they were cleared; compared with a naive list. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/wheel.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define TURN (WHEEL_STEP * WHEEL_SLOTS) /* ms */

struct probe {
	struct wheel_timer timer; /* first: a timer is turned back by a cast */
	uint64_t wanted; /* when it was to fire */
	int fired;
};

static struct wheel wheel;
static uint64_t clock_now; /* what wheel_run() was told */

static int init(void **state)
{
	(void)state;
	clock_now = 1000003; /* no multiple of anything */
	wheel_init(&wheel, clock_now);
	return 0;
}

static void run(uint64_t now)
{
	clock_now = now;
	wheel_run(&wheel, now);
}

static void on_probe(struct wheel_timer *timer)
{
	((struct probe *)timer)->fired++;
}

static void set(struct probe *probe, uint64_t due)
{
	probe->wanted = due;
	wheel_set(&wheel, &probe->timer, due, on_probe);
}

static void a_timer_fires_once_never_early_and_a_step_late_at_most(void **state)
{
	(void)state;
	for (uint64_t delay = 1; delay < 20 * WHEEL_STEP; delay++) {
		uint64_t begin = clock_now, now = begin;
		struct probe probe = {.fired = 0};

		set(&probe, begin + delay);
		for (; now < begin + delay; now++) {
			run(now);
			assert_int_equal(probe.fired, 0);
		}
		for (; now <= begin + delay + WHEEL_STEP; now++) {
			run(now);
		}
		assert_int_equal(probe.fired, 1);
		assert_null(probe.timer.at);
		run(now + 2 * TURN);
		assert_int_equal(probe.fired, 1);
	}
}

static void what_is_due_already_fires_at_the_next_step(void **state)
{
	struct probe now = {.fired = 0}, past = {.fired = 0};

	(void)state;
	set(&now, clock_now);
	set(&past, 0);
	run(clock_now + WHEEL_STEP);
	assert_int_equal(now.fired, 1);
	assert_int_equal(past.fired, 1);
}

static void a_deadline_beyond_one_turn_waits_for_its_own(void **state)
{
	static const uint64_t delays[] = {
		TURN - 1, TURN, TURN + 1, TURN + WHEEL_STEP, 2 * TURN + 5, 10 * TURN, 3600000};

	(void)state;
	for (size_t i = 0; i < COUNT(delays); i++) {
		uint64_t begin = clock_now, due = begin + delays[i];
		struct probe probe = {.fired = 0};

		set(&probe, due);
		while (clock_now + 1000 < due) {
			run(clock_now + 1000);
			assert_int_equal(probe.fired, 0);
		}
		run(due - 1);
		assert_int_equal(probe.fired, 0);
		run(due + WHEEL_STEP);
		assert_int_equal(probe.fired, 1);
	}
}

static void all_of_a_crowded_slot_fire(void **state)
{
	struct probe probes[100] = {{.fired = 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(probes); i++) {
		set(&probes[i], clock_now + 500 + i % 2 * TURN);
	}
	run(clock_now + 500 + WHEEL_STEP);
	for (size_t i = 0; i < COUNT(probes); i++) {
		assert_int_equal(probes[i].fired, i % 2 == 0);
	}
	run(clock_now + TURN);
	for (size_t i = 0; i < COUNT(probes); i++) {
		assert_int_equal(probes[i].fired, 1);
	}
}

static void a_timer_that_is_set_again_is_moved(void **state)
{
	struct probe later = {.fired = 0}, sooner = {.fired = 0};
	uint64_t begin = clock_now;

	(void)state;
	set(&later, begin + 100);
	set(&later, begin + 1000);
	set(&sooner, begin + 1000);
	set(&sooner, begin + 100);
	run(begin + 999);
	assert_int_equal(later.fired, 0);
	assert_int_equal(sooner.fired, 1);
	run(begin + 2000);
	assert_int_equal(later.fired, 1);
	assert_int_equal(sooner.fired, 1);
}

static void a_cleared_timer_does_not_fire(void **state)
{
	struct probe first = {.fired = 0}, middle = {.fired = 0}, last = {.fired = 0};

	(void)state;
	wheel_clear(&wheel, &first.timer); /* not set: nothing to do */
	set(&first, clock_now + 100);
	set(&middle, clock_now + 100);
	set(&last, clock_now + 100);
	wheel_clear(&wheel, &middle.timer);
	wheel_clear(&wheel, &middle.timer);
	assert_null(middle.timer.at);
	run(clock_now + 200);
	assert_int_equal(first.fired, 1);
	assert_int_equal(middle.fired, 0);
	assert_int_equal(last.fired, 1);
}

static void on_again(struct wheel_timer *timer)
{
	struct probe *probe = (struct probe *)timer;

	if (++probe->fired < 5) {
		wheel_set(&wheel, timer, clock_now + 100, on_again);
	}
}

static void a_callback_may_set_its_own_timer(void **state)
{
	struct probe probe = {.fired = 0};
	uint64_t begin = clock_now;

	(void)state;
	wheel_set(&wheel, &probe.timer, begin + 100, on_again);
	for (int round = 1; round <= 5; round++) {
		while (probe.fired < round) {
			run(clock_now + 1);
			assert_true(clock_now <= begin + (uint64_t)round * (100 + WHEEL_STEP));
		}
		assert_true(clock_now >= begin + (uint64_t)round * 100);
	}
	run(clock_now + 1000);
	assert_int_equal(probe.fired, 5);
}

static struct probe pair[2];

static void on_clear_other(struct wheel_timer *timer)
{
	struct probe *probe = (struct probe *)timer;

	probe->fired++;
	wheel_clear(&wheel, &pair[probe == pair].timer);
}

static void a_callback_may_clear_one_that_is_due_with_it(void **state)
{
	(void)state;
	memset(pair, 0, sizeof(pair));
	wheel_set(&wheel, &pair[0].timer, clock_now + 50, on_clear_other);
	wheel_set(&wheel, &pair[1].timer, clock_now + 50, on_clear_other);
	run(clock_now + 100);
	assert_int_equal(pair[0].fired + pair[1].fired, 1);
}

static void on_soon(struct wheel_timer *timer)
{
	struct probe *probe = (struct probe *)timer;

	if (++probe->fired == 1) {
		wheel_set(&wheel, timer, clock_now, on_soon);
	}
}

/* As after the process was stopped for minutes: what a callback sets for now is due soon, not when
 * the wheel comes round again. */
static void a_callback_may_set_a_timer_after_a_long_pause(void **state)
{
	(void)state;
	for (uint64_t pause = TURN / 2; pause < 3 * TURN; pause += TURN / 8 + 5) {
		struct probe probe = {.fired = 0};

		wheel_set(&wheel, &probe.timer, clock_now + pause / 2, on_soon);
		run((clock_now + pause) / WHEEL_STEP * WHEEL_STEP);
		run(clock_now + WHEEL_STEP);
		assert_int_equal(probe.fired, 2);
	}
}

static void wheel_next_is_the_step_of_the_first_deadline(void **state)
{
	(void)state;
	assert_int_equal(wheel_next(&wheel), UINT64_MAX);
	for (uint64_t delay = 1; delay < TURN - WHEEL_STEP; delay += delay / 3 + 1) {
		struct probe first = {.fired = 0}, other = {.fired = 0};
		uint64_t due = clock_now + delay, next;

		set(&other, due + WHEEL_STEP);
		set(&first, due);
		next = wheel_next(&wheel);
		assert_in_range(next, due, due + WHEEL_STEP - 1);
		run(next - 1);
		assert_int_equal(first.fired, 0);
		assert_int_equal(wheel_next(&wheel), next);
		run(next);
		assert_int_equal(first.fired, 1);
		assert_int_equal(other.fired, 0);
		run(due + 2 * WHEEL_STEP);
		assert_int_equal(wheel_next(&wheel), UINT64_MAX);
	}
}

static struct probe crowd[200];
static uint64_t seed;

static uint64_t random_below(uint64_t bound)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (seed >> 33) % bound;
}

static void on_crowd(struct wheel_timer *timer)
{
	struct probe *probe = (struct probe *)timer;

	assert_true(probe->wanted); /* the naive list says that it is set */
	assert_true(clock_now >= probe->wanted);
	probe->wanted = 0;
	probe->fired++;
}

/* What the wheel still holds must not be overdue, and it must know when to be run for it. */
static void compare_with_list(void)
{
	uint64_t next = wheel_next(&wheel), first = UINT64_MAX;

	for (size_t i = 0; i < COUNT(crowd); i++) {
		assert_int_equal(crowd[i].wanted != 0, crowd[i].timer.at != NULL);
		if (crowd[i].wanted && crowd[i].wanted < first) {
			first = crowd[i].wanted;
		}
	}
	if (first != UINT64_MAX) {
		assert_true(first > clock_now || clock_now - first < WHEEL_STEP);
		assert_true(next < first + WHEEL_STEP || next - clock_now <= WHEEL_STEP);
	}
}

static void it_agrees_with_a_naive_list(void **state)
{
	static const uint64_t spans[] = {WHEEL_STEP, 1000, TURN, 4 * TURN};
	int fired = 0;

	(void)state;
	seed = 20240229;
	memset(crowd, 0, sizeof(crowd));
	for (int step = 0; step < 100000; step++) {
		struct probe *probe = &crowd[random_below(COUNT(crowd))];
		uint64_t span = spans[random_below(COUNT(spans))];

		switch (random_below(8)) {
		case 0:
			wheel_clear(&wheel, &probe->timer);
			probe->wanted = 0;
			break;
		case 1:
			run(clock_now + random_below(span / 4 + 1));
			compare_with_list();
			break;
		default:
			probe->wanted = clock_now + random_below(span);
			wheel_set(&wheel, &probe->timer, probe->wanted, on_crowd);
		}
	}
	for (size_t i = 0; i < COUNT(crowd); i++) {
		fired += crowd[i].fired;
	}
	assert_true(fired > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			a_timer_fires_once_never_early_and_a_step_late_at_most, init),
		cmocka_unit_test_setup(what_is_due_already_fires_at_the_next_step, init),
		cmocka_unit_test_setup(a_deadline_beyond_one_turn_waits_for_its_own, init),
		cmocka_unit_test_setup(all_of_a_crowded_slot_fire, init),
		cmocka_unit_test_setup(a_timer_that_is_set_again_is_moved, init),
		cmocka_unit_test_setup(a_cleared_timer_does_not_fire, init),
		cmocka_unit_test_setup(a_callback_may_set_its_own_timer, init),
		cmocka_unit_test_setup(a_callback_may_clear_one_that_is_due_with_it, init),
		cmocka_unit_test_setup(a_callback_may_set_a_timer_after_a_long_pause, init),
		cmocka_unit_test_setup(wheel_next_is_the_step_of_the_first_deadline, init),
		cmocka_unit_test_setup(it_agrees_with_a_naive_list, init),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
