/* flush: what is queued goes out in its turn, and then the loop rests. */
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
	bool late; /* something is queued after the reads of the next turn */
	bool later; /* or after its writes */
	int flushed;
} t;

static void queue(void)
{
	struct iovec part = {(void *)"text", 4};
	struct message message;

	message_init(&message, &part, 1, false, true);
	hub_send(&t.peer, &message);
	message_finish(&message);
}

static void on_turn(struct flush *flush)
{
	(void)flush;
	if (t.late) {
		t.late = false;
		queue();
	}
}

static void on_flush(struct peer *peer)
{
	outbox_clear(&peer->outbox);
	t.flushed++;
}

static void on_flushed(struct flush *flush)
{
	(void)flush;
	if (t.later) {
		t.later = false;
		queue();
	}
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
	t.flushed = 0;
	hub_open(t.hub, &t.peer, 1, on_leave);
	t.flush = (struct flush){0};
	uv_loop_init(&t.loop);
	flush_init(&t.flush, &t.loop, t.hub, on_turn, on_flush, on_flushed);
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

static void on_timer(uv_timer_t *timer)
{
	queue();
	uv_close((uv_handle_t *)timer, NULL);
}

static void what_a_timer_queues_goes_out_at_once(void **state)
{
	uv_timer_t timer;

	(void)state;
	uv_timer_init(&t.loop, &timer);
	uv_timer_start(&timer, on_timer, 0, 0);
	/* Since libuv 1.45 the timer runs behind the poll of its turn; the next must not block. */
	while (!t.flushed) {
		uv_run(&t.loop, UV_RUN_ONCE);
	}
	assert_int_equal(t.flushed, 1);
	turn();
	assert_false(keeps_turning());
}

static void what_is_queued_after_the_reads_of_a_turn_goes_out_in_it(void **state)
{
	(void)state;
	t.late = true;
	turn();
	assert_int_equal(t.flushed, 1);
}

static void what_is_queued_after_the_writes_of_a_turn_goes_out_in_the_next(void **state)
{
	(void)state;
	t.later = true;
	turn();
	assert_int_equal(t.flushed, 0);
	uv_run(&t.loop, UV_RUN_ONCE);
	assert_int_equal(t.flushed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_lone_message_goes_out_in_its_turn, begin, end),
		cmocka_unit_test_setup_teardown(what_a_timer_queues_goes_out_at_once, begin, end),
		cmocka_unit_test_setup_teardown(
			what_is_queued_after_the_reads_of_a_turn_goes_out_in_it, begin, end),
		cmocka_unit_test_setup_teardown(
			what_is_queued_after_the_writes_of_a_turn_goes_out_in_the_next, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
