/* press: who has to wait for whom, for how long, and which reader was too slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "nakodo/hub/hold.h"
#include "nakodo/hub/hub.h"
#include "nakodo/hub/press.h"
#include "peers.h"

#define MOST (256 * 1024)
#define HALF (MOST / 2)
#define MESSAGE 60000

static struct peers all;
static struct presses *presses;
static struct room *room;
static struct peer *sender, *other, *reader, *second;
static struct peer *relieved[PEERS_MAX];
static size_t relieved_count;

static void on_relieved(struct peer *peer)
{
	assert_true(relieved_count < PEERS_MAX);
	relieved[relieved_count++] = peer;
}

static int set_up(void **state)
{
	struct hub_limits limits = {.room_members = 10, .outbox_bytes = MOST};
	struct hub_space *space;

	(void)state;
	peers_init(&all, limits, (const char *const[]){NULL});
	space = hub_space_create(all.hub);
	presses = hub_presses(all.hub);
	presses->relieved = on_relieved;
	relieved_count = 0;
	sender = peers_add(&all);
	other = peers_add(&all);
	reader = peers_add(&all);
	second = peers_add(&all);
	for (size_t i = 0; i < all.count; i++) {
		assert_int_equal(hub_join(space, "r", &all.all[i].peer, NULL, NULL), 0);
	}
	room = hub_room(space, "r");
	peers_wait(&all, 1000);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

static uint64_t send_as(const void *party, struct peer *from, struct peer *to, size_t len)
{
	char *payload = calloc(1, len);
	struct iovec part = {payload, len};
	struct message message;

	press_hear(presses);
	message_init(&message, &part, 1, true, true);
	hub_send(to, &message);
	message_finish(&message);
	free(payload);
	return press_wait(presses, from, party, all.now);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t send(struct peer *from, struct peer *to, size_t len)
{
	return send_as(NULL, from, to, len);
}

/* It takes this many bytes, whole frames, and what it has not taken stays. */
static void read_some(struct peer *peer, size_t bytes)
{
	struct frame *frame;

	while ((frame = outbox_first(&peer->outbox)) && frame->len <= bytes) {
		bytes -= frame->len;
		frame_unref(outbox_pop(&peer->outbox));
	}
	press_relieve(presses, peer);
}

static void below_half_nobody_waits(void **state)
{
	(void)state;
	assert_int_equal(send(sender, reader, MESSAGE), 0);
	assert_int_equal(send(sender, reader, MESSAGE), 0);
	assert_null(sender->press);
	assert_null(reader->press);
}

static void over_half_the_sender_waits_as_long_as_a_fair_reader_needs(void **state)
{
	uint64_t fair = MESSAGE * 1000 / PRESS_RATE;

	(void)state;
	send(sender, reader, MESSAGE);
	send(sender, reader, MESSAGE);
	assert_in_range(send(sender, reader, MESSAGE), fair, fair + 1);
	assert_ptr_equal(sender->press->behind, reader);
	peers_wait(&all, fair + 1);
	assert_int_equal(press_still_waits(sender, all.now), 0);
	assert_null(sender->press);
	assert_int_equal(relieved_count, 0); /* it was asked, so it need not be told */
}

static void it_is_relieved_once_the_receiver_has_read(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		send(sender, reader, MESSAGE);
	}
	assert_true(send(other, reader, MESSAGE) > 0);
	read_some(reader, MESSAGE + 100);
	assert_int_equal(relieved_count, 0); /* four still wait, which is over half */
	read_some(reader, 2 * (MESSAGE + 100));
	assert_int_equal(relieved_count, 2);
	assert_ptr_equal(relieved[0], sender);
	assert_ptr_equal(relieved[1], other);
	assert_int_equal(press_still_waits(sender, all.now), 0);
}

static void who_sent_to_somebody_else_does_not_wait(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		send(sender, reader, MESSAGE);
	}
	assert_int_equal(send(other, second, 100), 0);
	press_hear(presses);
	assert_int_equal(press_wait(presses, other, NULL, all.now), 0);
}

static void of_several_it_waits_for_the_one_who_presses_longest(void **state)
{
	char payload[MESSAGE] = "";
	struct iovec part = {payload, sizeof(payload)};
	struct message message;

	(void)state;
	for (int i = 0; i < 4; i++) {
		send(other, second, MESSAGE);
	}
	press_hear(presses);
	for (int i = 0; i < 3; i++) {
		message_init(&message, &part, 1, true, true);
		hub_publish(room, &message, sender);
		message_finish(&message);
	}
	assert_true(press_wait(presses, sender, NULL, all.now) > 0);
	assert_ptr_equal(sender->press->behind, second);
}

static void nobody_waits_for_one_that_is_gone(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		send(sender, reader, MESSAGE);
		send(other, second, MESSAGE);
	}
	hub_drop(reader);
	assert_int_equal(relieved_count, 1);
	assert_ptr_equal(relieved[0], sender);
	hub_drop(other);
	assert_null(second->press->waiting);
}

/* Everybody in the room sends at once; then each as soon as it may. */
static void a_reader_of_a_fair_rate_is_never_closed(void **state)
{
	uint64_t waits[2] = {0, 0}, begin = all.now, read = 0;
	struct peer *from[2] = {sender, other};
	size_t sent = 0;

	(void)state;
	for (int i = 0; i < 10; i++) {
		send(sender, reader, MESSAGE);
	}
	for (; all.now < begin + 20000; peers_wait(&all, 10)) {
		uint64_t due = (all.now - begin) * 1000; /* 1 MB/s */

		relieved_count = 0;

		while (read + MESSAGE + 4 <= due && outbox_first(&reader->outbox)) {
			read_some(reader, MESSAGE + 4);
			read += MESSAGE + 4;
		}
		for (int i = 0; i < 2; i++) {
			waits[i] = press_still_waits(from[i], all.now);
			if (!waits[i]) {
				send(from[i], reader, MESSAGE);
				sent++;
			}
		}
		hub_settle(all.hub);
		assert_int_equal(reader->state, PEER_OPEN);
	}
	assert_true(sent * MESSAGE > 15000000); /* and it is not starved */
}

/* Twenty of one party send as much as they may, one of another a little now and then. */
static void who_sends_little_hardly_waits_whatever_others_send(void **state)
{
	static const char crowd, alone;
	struct peer *many[20];
	uint64_t begin = all.now, longest = 0, wait;

	(void)state;
	for (size_t i = 0; i < 20; i++) {
		many[i] = peers_add(&all);
	}
	for (; all.now < begin + 5000; peers_wait(&all, 10)) {
		relieved_count = 0;
		read_some(reader, 10 * 1000); /* 1 MB/s */
		for (size_t i = 0; i < 20; i++) {
			if (!press_still_waits(many[i], all.now)) {
				wait = send_as(&crowd, many[i], reader, 4900);
				longest = wait > longest ? wait : longest;
			}
		}
		assert_in_range(send_as(&alone, other, reader, 100), 0, 1);
		assert_in_range(send_as(&alone, other, second, 100), 0, 0);
	}
	assert_in_range(
		send_as(&alone, other, reader, MESSAGE), 1, 2 * MESSAGE * 1000 / PRESS_RATE);
	assert_int_equal(reader->state, PEER_OPEN);
}

/* However often: what is too little to wait for is added up. */
static void little_at_a_time_is_no_more_than_the_rate(void **state)
{
	uint64_t begin = all.now, sent = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		send(other, reader, MESSAGE);
	}
	while (all.now < begin + 1000) {
		uint64_t wait = send(sender, reader, 45);

		sent += 45;
		peers_wait(&all, wait);
	}
	assert_in_range(sent, 0, PRESS_RATE + MESSAGE);
}

/* ns of processor time in which so many senders, all waiting for one reader, look whether they
 * still have to. The least of some: the machine has other work. */
static uint64_t time_of_looking(size_t count)
{
	uint64_t least = UINT64_MAX;
	struct peer *many = calloc(count, sizeof(*many));

	assert_non_null(many);
	for (int i = 0; i < 3; i++) {
		send(sender, reader, MESSAGE);
	}
	for (size_t i = 0; i < count; i++) {
		many[i].state = PEER_OPEN;
		assert_true(send_as(&many[i / 16], &many[i], reader, 8000));
	}
	for (int round = 0; round < 20; round++) {
		uint64_t begin = now_ns(), took;

		all.now++;
		for (size_t i = 0; i < count; i++) {
			assert_true(press_still_waits(&many[i], all.now));
		}
		took = now_ns() - begin;
		least = took < least ? took : least;
	}
	for (size_t i = 0; i < count; i++) {
		press_end(presses, &many[i]);
	}
	free(many);
	return least;
}

static void to_look_whether_it_still_waits_takes_no_longer_among_many(void **state)
{
	static const size_t few = 50, many = 1600;
	uint64_t of_few = time_of_looking(few), of_many = time_of_looking(many);

	(void)state;
	assert_in_range(of_many / many, 0, 8 * of_few / few);
}

static void one_that_reads_nothing_is_closed_and_slows_nobody_below_the_rate(void **state)
{
	static const size_t sizes[] = {100, 5000, 20000, 60000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct peer *dead = peers_add(&all);
		uint64_t begin = all.now, sent = 0;

		while (dead->state == PEER_OPEN) {
			uint64_t wait = send(sender, dead, sizes[i]);

			sent += sizes[i];
			assert_in_range(wait, 0, sizes[i] * 1000 / PRESS_RATE + 1);
			peers_wait(&all, wait);
			if (press_find_slow(presses, sender, all.now) == dead) {
				hub_close_slow(dead);
			}
			hub_settle(all.hub);
		}
		assert_in_range(all.now - begin, PRESS_GRACE, PRESS_GRACE + 200);
		assert_in_range(sent, PRESS_RATE, PRESS_RATE + HALF + 2 * MESSAGE);
	}
}

static void the_time_of_a_backlog_is_no_readers_slowness(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		send(sender, reader, MESSAGE);
	}
	peers_wait(&all, PRESS_GRACE / 2);
	press_note_backlog(presses, all.now);
	peers_wait(&all, 60000);
	assert_true(press_has_room(presses, reader, MESSAGE, all.now));
	press_end_backlog(presses, all.now);
	peers_wait(&all, PRESS_GRACE / 2);
	assert_true(press_has_room(presses, reader, MESSAGE, all.now));
	peers_wait(&all, 1);
	assert_false(press_has_room(presses, reader, MESSAGE, all.now));
}

static void the_time_for_which_all_is_held_is_no_readers_slowness(void **state)
{
	(void)state;
	hold_begin(reader);
	for (int i = 0; i < 6; i++) {
		send(sender, reader, MESSAGE);
	}
	peers_wait(&all, 60000);
	assert_true(press_has_room(presses, reader, MESSAGE, all.now));
	hold_end(reader);
	peers_wait(&all, PRESS_GRACE);
	assert_true(press_has_room(presses, reader, MESSAGE, all.now));
	peers_wait(&all, 1);
	assert_false(press_has_room(presses, reader, MESSAGE, all.now));
}

static void who_leaves_unread_what_is_not_held_is_slow(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		send(sender, reader, MESSAGE);
	}
	hold_begin(reader);
	for (int i = 0; i < 4; i++) {
		send(sender, reader, MESSAGE);
		peers_wait(&all, PRESS_GRACE / 4);
		hold_release(reader, 1);
	}
	peers_wait(&all, 1);
	assert_false(press_has_room(presses, reader, MESSAGE, all.now));
}

static void one_that_waits_for_itself_may_leave(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		send(sender, sender, MESSAGE);
	}
	assert_ptr_equal(sender->press->behind, sender);
	read_some(sender, 3 * (MESSAGE + 4));
	assert_int_equal(relieved_count, 1);
	assert_null(sender->press);
	for (int i = 0; i < 4; i++) {
		send(other, other, MESSAGE);
	}
	hub_drop(other);
	assert_null(other->press);
}

static void what_a_connection_begins_with_keeps_nobody_waiting(void **state)
{
	char payload[MESSAGE] = "";
	struct iovec part = {payload, sizeof(payload)};
	struct frame *frame = frame_create(FRAME_BINARY, &part, 1);

	(void)state;
	for (int i = 0; i < 10; i++) {
		hub_send_first(reader, frame);
	}
	frame_unref(frame);
	assert_int_equal(send(sender, reader, MESSAGE), 0);
	assert_int_equal(send(sender, reader, MESSAGE), 0);
	assert_in_range(send(sender, reader, MESSAGE), 1, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(below_half_nobody_waits),
		TEST(over_half_the_sender_waits_as_long_as_a_fair_reader_needs),
		TEST(it_is_relieved_once_the_receiver_has_read),
		TEST(who_sent_to_somebody_else_does_not_wait),
		TEST(of_several_it_waits_for_the_one_who_presses_longest),
		TEST(nobody_waits_for_one_that_is_gone),
		TEST(a_reader_of_a_fair_rate_is_never_closed),
		TEST(who_sends_little_hardly_waits_whatever_others_send),
		TEST(little_at_a_time_is_no_more_than_the_rate),
		TEST(to_look_whether_it_still_waits_takes_no_longer_among_many),
		TEST(one_that_reads_nothing_is_closed_and_slows_nobody_below_the_rate),
		TEST(the_time_of_a_backlog_is_no_readers_slowness),
		TEST(the_time_for_which_all_is_held_is_no_readers_slowness),
		TEST(who_leaves_unread_what_is_not_held_is_slow),
		TEST(one_that_waits_for_itself_may_leave),
		TEST(what_a_connection_begins_with_keeps_nobody_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
