/* hub, the way out: peers that are closed, dropped or too slow, and who is to be written to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/hub/hub.h"
#include "peers.h"

static struct peers all;
static struct hub_space *space;
static struct peer *a, *b, *c;
static struct room *room; /* of all three */

static int set_up(void **state)
{
	struct hub_limits limits = {.room_members = 10, .outbox_bytes = 100};

	(void)state;
	peers_init(&all, limits, (const char *const[]){NULL});
	space = hub_space_create(all.hub);
	a = peers_add(&all);
	b = peers_add(&all);
	c = peers_add(&all);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(hub_join(space, "r", &all.all[i].peer, NULL, NULL), 0);
	}
	room = hub_room(space, "r");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

static void send(struct peer *peer, size_t len)
{
	char payload[1000] = "";
	struct iovec part = {payload, len};
	struct message message;

	memset(payload, 'x', len);
	message_init(&message, &part, 1, false, true);
	hub_send(peer, &message);
	message_finish(&message);
}

/* Long enough for what waits to have been read, many times over. */
static void let_them_read(void)
{
	peers_wait(&all, 2000);
}

static void closing_leaves_every_room_at_once(void **state)
{
	(void)state;
	hub_join(space, "other", a, "id", NULL);
	hub_close(a, 4400, "why");
	assert_int_equal(a->state, PEER_CLOSING);
	assert_null(a->seats);
	assert_int_equal(room->count, 2);
	assert_ptr_equal(room->members->peer, b);
	assert_null(hub_room(space, "other"));
}

static void the_leaver_is_asked_once_and_still_has_its_seats(void **state)
{
	(void)state;
	hub_join(space, "other", a, "id", NULL);
	hub_close(a, 4400, "why");
	assert_int_equal(peers_of(a)->left, 1);
	assert_int_equal(peers_of(a)->left_seats, 2);
	hub_close(a, 4401, "again");
	hub_drop(a);
	hub_drop(a);
	hub_close(a, 4402, "and again");
	assert_int_equal(peers_of(a)->left, 1);
}

static void the_close_frame_comes_behind_what_waits(void **state)
{
	(void)state;
	peers_publish(room, "before", NULL);
	hub_close(a, 4400, "why");
	hub_close(a, 4401, "again");
	assert_string_equal(peers_hear(a), "text before");
	assert_string_equal(peers_hear(a), "close 4400 why");
	assert_string_equal(peers_hear(a), "nothing");
}

static void after_its_close_a_peer_gets_nothing(void **state)
{
	struct frame *ping = frame_create(FRAME_PING, NULL, 0);

	(void)state;
	hub_close(a, 1000, "");
	peers_publish(room, "after", NULL);
	send(a, 5);
	hub_push_control(a, ping);
	assert_string_equal(peers_hear(a), "close 1000 ");
	assert_string_equal(peers_hear(a), "nothing");
	assert_string_equal(peers_hear(b), "text after");
	hub_drop(b);
	send(b, 5);
	hub_push_control(b, ping);
	assert_string_equal(peers_hear(b), "nothing");
	frame_unref(ping);
}

static void a_dropped_peer_leaves_without_a_word(void **state)
{
	(void)state;
	peers_publish(room, "lost", NULL);
	hub_drop(b);
	assert_int_equal(b->state, PEER_GONE);
	assert_int_equal(b->outbox.count, 0);
	assert_int_equal(peers_of(b)->left, 1);
	assert_int_equal(peers_of(b)->left_seats, 1);
	assert_null(b->seats);
	assert_int_equal(room->count, 2);
	/* and nobody writes to it */
	assert_ptr_equal(hub_next_dirty(all.hub, NULL, false), a);
	assert_ptr_equal(hub_next_dirty(all.hub, NULL, false), c);
	assert_null(hub_next_dirty(all.hub, NULL, false));
}

static void say_goodbye(struct peer *peer)
{
	peers_of(peer)->left++;
	peers_publish(peer->seats->room, "goodbye", NULL);
	hub_close(peer, 4499, "from inside");
	hub_drop(peers_of(peer) == &all.all[0] ? c : a);
}

static void a_leaver_may_use_any_verb(void **state)
{
	(void)state;
	a->on_leave = say_goodbye;
	hub_close(a, 4400, "why");
	assert_int_equal(peers_of(a)->left, 1);
	assert_string_equal(peers_hear(a), "close 4400 why");
	assert_string_equal(peers_hear(b), "text goodbye");
	assert_int_equal(c->state, PEER_GONE);
	assert_int_equal(room->count, 1);
}

static void a_peer_with_too_much_waiting_is_closed_when_the_turn_ends(void **state)
{
	(void)state;
	send(a, 90);
	let_them_read();
	send(a, 90);
	assert_int_equal(a->state, PEER_OPEN);
	assert_int_equal(room->count, 3); /* it keeps its seat until then */
	assert_true(hub_is_dirty(all.hub));
	hub_settle(all.hub);
	assert_int_equal(a->state, PEER_CLOSING);
	assert_int_equal(room->count, 2);
	assert_string_equal(peers_hear(a), "close 4508 too slow");
	assert_string_equal(peers_hear(a), "nothing");
	assert_int_equal(peers_of(a)->left, 1);
}

static void others_get_everything_while_one_is_too_slow(void **state)
{
	char text[8];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%d", i);
		peers_publish(room, text, NULL);
		let_them_read();
		assert_int_equal(atol(peers_hear(a) + 5), i);
		assert_int_equal(atol(peers_hear(c) + 5), i);
	}
	hub_settle(all.hub);
	assert_string_equal(peers_hear(b), "close 4508 too slow");
	assert_int_equal(a->state, PEER_OPEN);
	assert_int_equal(c->state, PEER_OPEN);
	peers_publish(room, "on", NULL);
	assert_string_equal(peers_hear(a), "text on");
	assert_string_equal(peers_hear(b), "nothing");
}

static void what_fits_exactly_is_not_too_much(void **state)
{
	(void)state;
	send(a, 48);
	send(b, 49);
	let_them_read();
	send(a, 48);
	assert_int_equal(a->outbox.bytes, 100);
	send(b, 48);
	hub_settle(all.hub);
	assert_int_equal(a->state, PEER_OPEN);
	assert_int_equal(b->state, PEER_CLOSING);
}

static void tiny_messages_count_for_the_memory_they_take(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		send(a, 0);
	}
	hub_settle(all.hub);
	assert_int_equal(a->state, PEER_OPEN);
	assert_int_equal(a->outbox.bytes, 12);
	let_them_read();
	send(a, 0);
	hub_settle(all.hub);
	assert_int_equal(a->state, PEER_CLOSING);
}

static void one_large_message_passes_when_nothing_waits(void **state)
{
	(void)state;
	send(a, 1000);
	hub_settle(all.hub);
	assert_int_equal(a->state, PEER_OPEN);
	assert_int_equal(a->outbox.bytes, 1004);
	let_them_read();
	send(a, 0);
	hub_settle(all.hub);
	assert_int_equal(a->state, PEER_CLOSING);
}

static void control_frames_do_not_count_as_too_much(void **state)
{
	struct frame *ping = frame_create(FRAME_PING, NULL, 0);

	(void)state;
	send(a, 98);
	hub_push_control(a, ping);
	hub_settle(all.hub);
	assert_int_equal(a->state, PEER_OPEN);
	assert_int_equal(a->outbox.bytes, 102);
	/* but one that has overflowed gets none any more */
	let_them_read();
	send(a, 0);
	hub_push_control(a, ping);
	assert_int_equal(a->outbox.count, 0);
	frame_unref(ping);
}

static void an_overflowed_peer_may_leave_before_the_turn_ends(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		send(a, 90);
		send(b, 90);
		send(c, 90);
		let_them_read();
	}
	hub_close(b, 4400, "why");
	hub_drop(c);
	hub_settle(all.hub);
	assert_string_equal(peers_hear(a), "close 4508 too slow");
	assert_string_equal(peers_hear(b), "close 4400 why");
	assert_string_equal(peers_hear(b), "nothing");
	assert_string_equal(peers_hear(c), "nothing");
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(all.all[i].left, 1);
	}
}

static void tell_the_room(struct peer *peer)
{
	peers_of(peer)->left++;
	peers_publish(peer->seats->room, "one of us has left", NULL);
}

static void a_farewell_that_is_too_much_closes_its_receiver_in_the_same_turn(void **state)
{
	(void)state;
	a->on_leave = b->on_leave = tell_the_room;
	send(a, 90);
	send(b, 90);
	let_them_read();
	send(a, 90);
	hub_settle(all.hub);
	assert_string_equal(peers_hear(a), "close 4508 too slow");
	assert_string_equal(peers_hear(b), "close 4508 too slow");
	assert_string_equal(peers_hear(c), "text one of us has left");
	assert_string_equal(peers_hear(c), "text one of us has left");
	assert_string_equal(peers_hear(c), "nothing");
	assert_int_equal(room->count, 1);
}

static void a_peer_is_dirty_once_until_it_is_taken(void **state)
{
	(void)state;
	assert_false(hub_is_dirty(all.hub));
	send(b, 1);
	send(a, 1);
	send(b, 1);
	assert_true(hub_is_dirty(all.hub));
	assert_ptr_equal(hub_next_dirty(all.hub, NULL, false), b);
	assert_ptr_equal(hub_next_dirty(all.hub, NULL, false), a);
	assert_null(hub_next_dirty(all.hub, NULL, false));
	assert_false(hub_is_dirty(all.hub));
	send(b, 1); /* what was not written yet does not keep it from being listed again */
	assert_ptr_equal(hub_next_dirty(all.hub, NULL, false), b);
}

static void queued_frames_are_counted_until_nobody_is_left_to_be_written_to(void **state)
{
	(void)state;
	peers_publish(room, "x", NULL);
	send(a, 1);
	assert_int_equal(hub_queued(all.hub).frames, 4);
	hub_next_dirty(all.hub, NULL, false);
	assert_int_equal(hub_queued(all.hub).frames, 4);
	while (hub_next_dirty(all.hub, NULL, false)) {
	}
	assert_int_equal(hub_queued(all.hub).frames, 0);
}

static void dropping_takes_a_peer_off_the_dirty_list_wherever_it_stands(void **state)
{
	(void)state;
	for (size_t gone = 0; gone < 3; gone++) {
		struct peers_one *others[3];
		size_t count = 0;

		tear_down(state);
		set_up(state);
		peers_publish(room, "x", NULL);
		hub_drop(&all.all[gone].peer);
		for (size_t i = 0; i < 3; i++) {
			if (i != gone) {
				others[count++] = &all.all[i];
			}
		}
		assert_ptr_equal(hub_next_dirty(all.hub, NULL, false), &others[0]->peer);
		assert_ptr_equal(hub_next_dirty(all.hub, NULL, false), &others[1]->peer);
		assert_null(hub_next_dirty(all.hub, NULL, false));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			closing_leaves_every_room_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_leaver_is_asked_once_and_still_has_its_seats, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_close_frame_comes_behind_what_waits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			after_its_close_a_peer_gets_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_dropped_peer_leaves_without_a_word, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_leaver_may_use_any_verb, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_peer_with_too_much_waiting_is_closed_when_the_turn_ends, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			others_get_everything_while_one_is_too_slow, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_fits_exactly_is_not_too_much, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			tiny_messages_count_for_the_memory_they_take, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_large_message_passes_when_nothing_waits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			control_frames_do_not_count_as_too_much, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_overflowed_peer_may_leave_before_the_turn_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_farewell_that_is_too_much_closes_its_receiver_in_the_same_turn, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_peer_is_dirty_once_until_it_is_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			queued_frames_are_counted_until_nobody_is_left_to_be_written_to, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			dropping_takes_a_peer_off_the_dirty_list_wherever_it_stands, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
