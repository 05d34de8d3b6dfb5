/* flush: what is queued goes out once per turn, a burst's at its end, and then the loop rests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "nakodo/hub/hub.h"
#include "nakodo/net/ws/flush.h"

static struct {
	uv_loop_t loop;
	struct hub *hub;
	struct flush flush;
	struct peer peer;
	int turns, flushed;
} t;

static void on_turn(struct flush *flush)
{
	(void)flush;
	t.turns++;
}

static void on_flush(struct peer *peer)
{
	outbox_clear(&peer->outbox);
	t.flushed++;
}

static void on_leave(struct peer *peer)
{
	(void)peer;
}

static int begin(void **state)
{
	struct hub_limits limits = {.room_members = 8, .outbox_bytes = 65536};

	(void)state;
	t.hub = hub_create(&limits);
	t.peer = (struct peer){0};
	t.turns = t.flushed = 0;
	hub_open(t.hub, &t.peer, 1, on_leave);
	t.flush = (struct flush){0};
	uv_loop_init(&t.loop);
	flush_init(&t.flush, &t.loop, t.hub, on_turn, on_flush);
	return 0;
}

static int end(void **state)
{
	(void)state;
	hub_drop(&t.peer);
	flush_finish(&t.flush);
	uv_run(&t.loop, UV_RUN_DEFAULT);
	hub_destroy(t.hub);
	return uv_loop_close(&t.loop);
}

static void queue(void)
{
	struct iovec part = {(void *)"text", 4};
	struct message message;

	message_init(&message, &part, 1, false, true);
	hub_send(&t.peer, &message);
	message_finish(&message);
}

static bool keeps_turning(void)
{
	return uv_is_active((uv_handle_t *)&t.flush.idle);
}

static void turn(void)
{
	uv_run(&t.loop, UV_RUN_NOWAIT);
}

static void a_lone_message_goes_out_in_its_turn(void **state)
{
	(void)state;
	queue();
	turn();
	assert_int_equal(t.flushed, 1);
	assert_false(keeps_turning());
}

static void a_burst_is_waited_for_but_not_for_ever(void **state)
{
	(void)state;
	queue();
	flush_expect_more(&t.flush);
	turn();
	assert_int_equal(t.flushed, 0);
	assert_true(keeps_turning());
	while (!t.flushed && t.turns < 100) {
		flush_expect_more(&t.flush);
		turn();
	}
	assert_int_equal(t.turns, 8);
	assert_false(keeps_turning());
}

static void the_loop_rests_when_who_was_waited_for_has_left(void **state)
{
	(void)state;
	queue();
	flush_expect_more(&t.flush);
	turn();
	assert_true(keeps_turning());
	hub_drop(&t.peer);
	turn();
	assert_int_equal(t.flushed, 0);
	assert_false(keeps_turning());
}

static void a_full_read_that_brings_no_message_puts_nothing_off(void **state)
{
	(void)state;
	flush_expect_more(&t.flush);
	turn();
	queue();
	turn();
	assert_int_equal(t.flushed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_lone_message_goes_out_in_its_turn, begin, end),
		cmocka_unit_test_setup_teardown(a_burst_is_waited_for_but_not_for_ever, begin, end),
		cmocka_unit_test_setup_teardown(
			the_loop_rests_when_who_was_waited_for_has_left, begin, end),
		cmocka_unit_test_setup_teardown(
			a_full_read_that_brings_no_message_puts_nothing_off, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
