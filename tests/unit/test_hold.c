/* Goal: what is held is not written before it is released, and then in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "nakodo/hub/hold.h"
#include "nakodo/hub/hub.h"

static struct {
	struct hub *hub;
	struct peer peer;
} t;

static uint64_t now(void *cookie)
{
	(void)cookie;
	return 1;
}

static void on_leave(struct peer *peer)
{
	(void)peer;
}

static void say(const char *text)
{
	struct iovec part = PART_OF(text);

	hub_send_text(&t.peer, &part, 1);
}

static int set_up(void **state)
{
	struct hub_limits limits = {.room_members = 8, .outbox_bytes = 65536};

	(void)state;
	memset(&t, 0, sizeof(t));
	t.hub = hub_create(&limits);
	hub_set_host(t.hub, &(struct hub_host){.now = now});
	hub_open(t.hub, &t.peer, 1, on_leave);
	return !t.hub;
}

static int tear_down(void **state)
{
	(void)state;
	hub_drop(&t.peer);
	hub_destroy(t.hub);
	return 0;
}

static void what_was_queued_before_is_ready(void **state)
{
	(void)state;
	say("before");
	hold_begin(&t.peer);
	assert_int_equal(hold_ready(&t.peer), 1);
	say("held");
	assert_int_equal(hold_ready(&t.peer), 1);
}

static void what_is_held_is_released_the_oldest_first(void **state)
{
	(void)state;
	hold_begin(&t.peer);
	say("one");
	say("two");
	say("three");
	hold_release(&t.peer, 2);
	assert_int_equal(hold_ready(&t.peer), 2);
	hold_release(&t.peer, 9);
	assert_int_equal(hold_ready(&t.peer), 3);
}

static void who_is_released_is_written_to(void **state)
{
	(void)state;
	hold_begin(&t.peer);
	say("one");
	assert_ptr_equal(hub_next_dirty(t.hub, NULL, false), &t.peer);
	assert_false(hub_is_dirty(t.hub));
	hold_end(&t.peer);
	assert_true(hub_is_dirty(t.hub));
	assert_int_equal(hold_ready(&t.peer), 1);
}

static void who_leaves_is_sent_nothing_that_is_held(void **state)
{
	size_t len;

	(void)state;
	say("before");
	hold_begin(&t.peer);
	say("held");
	say("held");
	hold_drop(&t.peer);
	assert_int_equal(t.peer.outbox.count, 1);
	say("bye");
	assert_int_equal(hold_ready(&t.peer), 2);
	assert_memory_equal(frame_payload(outbox_at(&t.peer.outbox, 1), &len), "bye", 3);
}

static void what_is_thrown_away_is_not_waited_for(void **state)
{
	(void)state;
	hold_begin(&t.peer);
	say("one");
	say("two");
	hub_discard(&t.peer);
	assert_int_equal(hold_ready(&t.peer), 0);
	hold_end(&t.peer);
	say("three");
	assert_int_equal(hold_ready(&t.peer), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_queued_before_is_ready),
		TEST(what_is_held_is_released_the_oldest_first),
		TEST(who_is_released_is_written_to),
		TEST(who_leaves_is_sent_nothing_that_is_held),
		TEST(what_is_thrown_away_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
