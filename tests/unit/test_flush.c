/* flush: what is queued goes out in its turn, and then the loop rests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "nakodo/hub/hub.h"
#include "nakodo/net/ws/flush.h"

#define MANY 200
#define LARGE (1 << 20)

static struct {
	uv_loop_t loop;
	struct hub *hub;
	struct flush flush;
	struct peer peer;
	bool late; /* something is queued after the reads of the next turn */
	bool later; /* or after its writes */
	bool left, more; /* a timer has left something to the turn's end; it is still there */
	int flushed;
	uint64_t order[16 * MANY]; /* ids of those who were written to */
	size_t waiting[MANY + 2]; /* bytes, by id */
} t;

static void queue_for(struct peer *peer)
{
	struct iovec part = {(void *)"text", 4};
	struct message message;

	message_init(&message, &part, 1, false, true);
	hub_send(peer, &message);
	message_finish(&message);
}

static void queue(void)
{
	queue_for(&t.peer);
}

static void on_turn(struct flush *flush)
{
	(void)flush;
	if (t.late) {
		t.late = false;
		queue();
	}
}

static size_t on_flush(struct peer *peer, size_t most)
{
	(void)most;
	outbox_clear(&peer->outbox);
	t.flushed++;
	return 0;
}

static void on_flushed(struct flush *flush)
{
	(void)flush;
	t.more = false;
	if (t.later) {
		t.later = false;
		queue();
	}
}

static bool has_more(const struct flush *flush)
{
	(void)flush;
	return t.more;
}

static uint64_t now(void *cookie)
{
	(void)cookie;
	return 1;
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
	hub_set_host(t.hub, &(struct hub_host){.now = now});
	hub_open(t.hub, &t.peer, 1, on_leave);
	t.flush = (struct flush){.hub = t.hub,
		.turned = on_turn,
		.settled = on_turn,
		.peer = on_flush,
		.flushed = on_flushed,
		.has_more = has_more};
	uv_loop_init(&t.loop);
	flush_start(&t.flush, &t.loop);
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
	(void)timer;
	queue();
}

/* Turns of the loop with a timer that is due, until it is done with. It is closed behind them: the
 * poll does not block before a handle is closed. */
static void run_timer(uv_timer_cb fn, bool (*is_done)(void))
{
	uv_timer_t timer;

	uv_timer_init(&t.loop, &timer);
	uv_timer_start(&timer, fn, 0, 0);
	/* Since libuv 1.45 the timer runs behind the poll of its turn; the next must not block. */
	do {
		uv_run(&t.loop, UV_RUN_ONCE);
	} while (!is_done());
	uv_close((uv_handle_t *)&timer, NULL);
	turn();
}

static bool has_flushed(void)
{
	return t.flushed;
}

static void what_a_timer_queues_goes_out_at_once(void **state)
{
	(void)state;
	run_timer(on_timer, has_flushed);
	assert_int_equal(t.flushed, 1);
	assert_false(keeps_turning());
}

static void on_other_timer(uv_timer_t *timer)
{
	(void)timer;
	t.more = t.left = true;
}

static bool has_left_nothing(void)
{
	return t.left && !t.more;
}

static void what_a_timer_leaves_to_the_end_of_the_turn_is_not_waited_for(void **state)
{
	(void)state;
	run_timer(on_other_timer, has_left_nothing);
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

static size_t on_large_flush(struct peer *peer, size_t most)
{
	size_t *waiting = &t.waiting[peer->id], bytes = *waiting < most ? *waiting : most;

	t.order[t.flushed] = peer->id;
	on_flush(peer, most);
	*waiting -= bytes;
	if (*waiting) {
		hub_mark_dirty(peer);
	}
	return bytes;
}

/* Peers 2, 3... have so much waiting each. */
static void begin_backlog(struct peer *many, size_t waiting)
{
	t.flush.peer = on_large_flush;
	for (int i = 0; i < MANY; i++) {
		t.waiting[2 + i] = waiting;
		hub_open(t.hub, &many[i], 2 + i, on_leave);
		queue_for(&many[i]);
	}
}

static void end_backlog(struct peer *many)
{
	while (t.flush.passes) {
		uv_run(&t.loop, UV_RUN_ONCE); /* it does not block */
	}
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(t.waiting[2 + i], 0);
		hub_drop(&many[i]);
	}
	turn();
	assert_false(keeps_turning());
}

static void much_is_written_in_several_passes_in_order(void **state)
{
	struct peer many[MANY] = {{0}};

	(void)state;
	begin_backlog(many, FLUSH_SHARE);
	turn();
	assert_in_range(t.flushed, MANY / 4, MANY - 1);
	end_backlog(many);
	assert_int_equal(t.flushed, MANY);
	assert_int_equal(t.order[0], 2);
	assert_int_equal(t.order[MANY / 4], 2 + MANY / 4);
}

static void who_is_told_little_waits_for_no_backlog_and_who_came_first_goes_on(void **state)
{
	struct peer many[MANY] = {{0}};
	int first;

	(void)state;
	begin_backlog(many, LARGE);
	turn();
	first = t.flushed;
	queue();
	turn();
	assert_int_equal(t.order[first], 2 + first);
	assert_int_equal(t.order[first + 1], 1);
	end_backlog(many);
}

static void nobody_gets_more_than_a_share_of_a_pass(void **state)
{
	struct peer many[MANY] = {{0}};

	(void)state;
	t.waiting[1] = LARGE;
	queue();
	begin_backlog(many, 1);
	turn();
	assert_int_equal(t.waiting[1], LARGE - FLUSH_SHARE);
	assert_int_equal(t.flushed, MANY + 1);
	end_backlog(many);
	assert_int_equal(t.waiting[1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_lone_message_goes_out_in_its_turn, begin, end),
		cmocka_unit_test_setup_teardown(what_a_timer_queues_goes_out_at_once, begin, end),
		cmocka_unit_test_setup_teardown(
			what_a_timer_leaves_to_the_end_of_the_turn_is_not_waited_for, begin, end),
		cmocka_unit_test_setup_teardown(
			what_is_queued_after_the_reads_of_a_turn_goes_out_in_it, begin, end),
		cmocka_unit_test_setup_teardown(
			what_is_queued_after_the_writes_of_a_turn_goes_out_in_the_next, begin, end),
		cmocka_unit_test_setup_teardown(
			much_is_written_in_several_passes_in_order, begin, end),
		cmocka_unit_test_setup_teardown(
			who_is_told_little_waits_for_no_backlog_and_who_came_first_goes_on, begin,
			end),
		cmocka_unit_test_setup_teardown(
			nobody_gets_more_than_a_share_of_a_pass, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
