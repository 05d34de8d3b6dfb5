/* trim: when memory that was freed goes back to the system. */
#include "nakodo/net/ws/trim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/net/loop/deadlines.h"

#define MIB ((size_t)1 << 20)

static struct {
	uv_loop_t loop;
	struct deadlines deadlines;
	struct trim trim;
	uint64_t before;
} t;

static int set_up(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	uv_loop_init(&t.loop);
	deadlines_init(&t.deadlines, &t.loop);
	trim_start(&t.trim, &t.deadlines, &t.loop);
	t.before = meter_values[METER_HEAP_TRIMS];
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	trim_finish(&t.trim);
	deadlines_finish(&t.deadlines);
	uv_run(&t.loop, UV_RUN_DEFAULT);
	return uv_loop_close(&t.loop);
}

static void turn(void)
{
	uv_run(&t.loop, UV_RUN_NOWAIT);
}

/* Hold so much, and then free a part of it. */
static void hold_and_free(size_t held, size_t freed)
{
	memory_take(MEMORY_ROOMS, held);
	turn();
	memory_give(MEMORY_ROOMS, freed);
	turn();
}

/* How often it was trimmed when nothing is to be done any more. */
static uint64_t trims(void)
{
	uint64_t begun = uv_now(&t.loop);

	while (t.trim.timer.at) {
		uv_run(&t.loop, UV_RUN_ONCE);
		assert_true(uv_now(&t.loop) < begun + 60000);
	}
	return meter_values[METER_HEAP_TRIMS] - t.before;
}

static void what_was_held_and_freed_goes_back_once(void **state)
{
	(void)state;
	hold_and_free(8 * MIB, 8 * MIB);
	assert_int_equal(trims(), 1);
	turn();
	assert_int_equal(trims(), 1);
}

static void what_is_freed_bit_by_bit_goes_back_too(void **state)
{
	(void)state;
	memory_take(MEMORY_ROOMS, 8 * MIB);
	for (int i = 0; i < 64; i++) {
		turn();
		memory_give(MEMORY_ROOMS, MIB / 8);
	}
	turn();
	assert_int_equal(trims(), 1);
}

static void little_is_left_to_the_allocator(void **state)
{
	(void)state;
	hold_and_free(TRIM_LEAST - 1, TRIM_LEAST - 1);
	assert_int_equal(trims(), 0);
}

static void so_is_a_small_part_of_what_is_held(void **state)
{
	(void)state;
	hold_and_free(64 * MIB, 8 * MIB);
	assert_int_equal(trims(), 0);
	memory_give(MEMORY_ROOMS, 56 * MIB);
	turn();
	assert_int_equal(trims(), 1);
}

static void a_crowd_of_handshakes_leaves_something_to_give_back(void **state)
{
	(void)state;
	for (int i = 1; i < TRIM_CROWD; i++) {
		trim_note_handshake(&t.trim);
	}
	turn();
	assert_int_equal(trims(), 0);
	trim_note_handshake(&t.trim);
	turn();
	assert_int_equal(trims(), 1);
	turn();
	assert_int_equal(trims(), 1);
}

static void on_later(uv_timer_t *timer)
{
	uv_close((uv_handle_t *)timer, NULL);
}

static void who_asks_for_it_again_and_again_has_to_wait(void **state)
{
	uv_timer_t later;

	(void)state;
	hold_and_free(8 * MIB, 8 * MIB);
	assert_int_equal(trims(), 1);
	hold_and_free(8 * MIB, 8 * MIB);
	uv_timer_init(&t.loop, &later);
	uv_timer_start(&later, on_later, TRIM_DELAY + TRIM_DELAY / 2, 0);
	while (!uv_is_closing((uv_handle_t *)&later)) {
		uv_run(&t.loop, UV_RUN_ONCE);
	}
	turn(); /* closes it */
	assert_non_null(t.trim.timer.at);
	assert_int_equal(meter_values[METER_HEAP_TRIMS] - t.before, 1);
	deadlines_clear(&t.deadlines, &t.trim.timer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_was_held_and_freed_goes_back_once),
		TEST(what_is_freed_bit_by_bit_goes_back_too),
		TEST(little_is_left_to_the_allocator),
		TEST(so_is_a_small_part_of_what_is_held),
		TEST(a_crowd_of_handshakes_leaves_something_to_give_back),
		TEST(who_asks_for_it_again_and_again_has_to_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
