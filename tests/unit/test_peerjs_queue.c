/* peerjs_queue: what waits for an id that nobody holds, in what order, for how long and how much.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/service/shortage.h"
#include "peers.h"

#define OPEN "text {\"type\":\"OPEN\"}"

static struct peers all;

static int set_up(void **state)
{
	(void)state;
	peers_init(&all, PEERS_ALL,
		(const char *const[]){"/peerjs=peerjs", "/fast=peerjs?expire-timeout=1000", NULL});
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

static struct peer *enter_from(const char *address, const char *path, const char *id)
{
	char url[256];
	struct peer *peer;

	snprintf(url, sizeof(url), "%s?key=peerjs&id=%s&token=t", path, id);
	peer = peers_connect_from(&all, address, url);
	assert_string_equal(peers_hear(peer), OPEN);
	return peer;
}

static struct peer *enter(const char *path, const char *id)
{
	return enter_from(NULL, path, id);
}

/* Send a message whose payload is the number, behind so many spaces. */
static void say(struct peer *peer, const char *type, const char *dst, int number, size_t padding)
{
	char *text;
	int len = asprintf(&text, "{\"type\":\"%s\",\"dst\":\"%s\",\"payload\":{%*s\"n\":%d}}",
		type, dst, (int)padding, "", number);

	assert_true(len > 0);
	peers_send(peer, text, (size_t)len, false);
	free(text);
}

static void expect(
	struct peer *peer, const char *type, const char *src, const char *dst, int number)
{
	char text[256];

	snprintf(text, sizeof(text),
		"text {\"type\":\"%s\",\"src\":\"%s\",\"dst\":\"%s\",\"payload\":{\"n\":%d}}", type,
		src, dst, number);
	assert_string_equal(peers_hear(peer), text);
}

static void expect_expire(struct peer *peer, const char *absent, const char *self)
{
	char text[256];

	snprintf(text, sizeof(text), "text {\"type\":\"EXPIRE\",\"src\":\"%s\",\"dst\":\"%s\"}",
		absent, self);
	assert_string_equal(peers_hear(peer), text);
}

static void what_waited_comes_in_order_behind_open(void **state)
{
	struct peer *a = enter("/peerjs", "a"), *b = enter("/peerjs", "b"), *late;

	(void)state;
	say(a, "OFFER", "late", 1, 0);
	say(b, "OFFER", "late", 2, 0);
	say(a, "CANDIDATE", "late", 3, 0);
	say(a, "LEAVE", "late", 4, 0); /* is not kept */
	say(a, "EXPIRE", "late", 5, 0);
	say(b, "ANSWER", "late", 6, 0);
	say(a, "OFFER", "other", 7, 0);
	hub_drop(b); /* what it said stands */
	peers_wait(&all, 4900);
	late = enter("/peerjs", "late");
	say(a, "CANDIDATE", "late", 8, 0);
	expect(late, "OFFER", "a", "late", 1);
	expect(late, "OFFER", "b", "late", 2);
	expect(late, "CANDIDATE", "a", "late", 3);
	expect(late, "ANSWER", "b", "late", 6);
	expect(late, "CANDIDATE", "a", "late", 8);
	assert_string_equal(peers_hear(late), "nothing");
	peers_wait(&all, 200);
	expect_expire(a, "other", "a");
	assert_string_equal(peers_hear(a), "nothing");
	hub_drop(late);
	assert_string_equal(peers_hear(enter("/peerjs", "late")), "nothing");
}

static void each_sender_hears_once_that_a_queue_is_over(void **state)
{
	struct peer *a = enter("/peerjs", "a"), *b = enter("/peerjs", "b");

	(void)state;
	say(a, "OFFER", "x", 1, 0);
	say(b, "OFFER", "x", 2, 0);
	say(a, "CANDIDATE", "x", 3, 0);
	say(a, "OFFER", "y", 4, 0);
	peers_wait(&all, 3000);
	say(a, "CANDIDATE", "x", 5, 0); /* does not make the queue live longer */
	say(b, "CANDIDATE", "z", 6, 0);
	peers_wait(&all, 1980);
	assert_string_equal(peers_hear(a), "nothing");
	peers_wait(&all, 40);
	expect_expire(a, "x", "a");
	expect_expire(a, "y", "a");
	expect_expire(b, "x", "b");
	say(a, "CANDIDATE", "x", 7, 0); /* a new queue */
	peers_wait(&all, 2980);
	assert_string_equal(peers_hear(a), "nothing");
	expect_expire(b, "z", "b");
	peers_wait(&all, 2060);
	expect_expire(a, "x", "a");
	peers_wait(&all, 20000);
	assert_string_equal(peers_hear(a), "nothing");
	assert_string_equal(peers_hear(b), "nothing");
}

static void the_time_is_the_mounts(void **state)
{
	struct peer *a = enter("/fast/peerjs", "a");

	(void)state;
	say(a, "OFFER", "x", 1, 0);
	peers_wait(&all, 980);
	assert_string_equal(peers_hear(a), "nothing");
	peers_wait(&all, 40);
	expect_expire(a, "x", "a");
}

static void a_sender_that_has_left_is_not_told(void **state)
{
	struct peer *a = enter("/peerjs", "a"), *again;

	(void)state;
	say(a, "OFFER", "x", 1, 0);
	hub_drop(a);
	peers_wait(&all, 3000);
	say(enter("/peerjs", "b"), "OFFER", "x", 2, 0);
	again = enter("/peerjs", "a");
	peers_wait(&all, 2020);
	expect_expire(again, "x", "a"); /* the id hears it, whatever connection it has now */
}

static void one_id_has_256_messages_waiting(void **state)
{
	struct peer *a = enter("/peerjs", "a"), *x;

	(void)state;
	for (int i = 0; i < 256; i++) {
		say(a, "CANDIDATE", "x", i, 0);
	}
	say(a, "CANDIDATE", "x", 256, 0);
	assert_string_equal(peers_hear(a), "nothing");
	say(a, "OFFER", "x", 257, 0); /* there is no use in waiting for it */
	expect_expire(a, "x", "a");
	x = enter("/peerjs", "x");
	for (int i = 0; i < 256; i++) {
		expect(x, "CANDIDATE", "a", "x", i);
	}
	assert_string_equal(peers_hear(x), "nothing");
}

static void one_id_has_half_a_send_queue_waiting(void **state)
{
	struct peer *a = enter("/peerjs", "a"), *x;
	int kept = 0;

	(void)state;
	while (say(a, "OFFER", "x", 0, 10000), !a->outbox.count) {
		kept++;
	}
	assert_int_equal(kept, 12);
	expect_expire(a, "x", "a");
	x = enter("/peerjs", "x");
	assert_int_equal(x->outbox.count, 12);
	assert_in_range(x->outbox.bytes, 120000, 128 * 1024);
	assert_int_equal(x->state, PEER_OPEN);
}

static struct peer *enter_sender(int number)
{
	char id[16];

	snprintf(id, sizeof(id), "s%d", number);
	return enter("/peerjs", id);
}

static void one_sender_has_256_messages_waiting(void **state)
{
	struct peer *a = enter("/peerjs", "a"), *b = enter("/peerjs", "b");
	char id[16];

	(void)state;
	for (int i = 0; i < 256; i++) {
		snprintf(id, sizeof(id), "x%d", i / 2);
		say(a, "OFFER", id, i, 0);
	}
	assert_string_equal(peers_hear(a), "nothing");
	say(a, "OFFER", "y", 0, 0);
	expect_expire(a, "y", "a");
	say(b, "OFFER", "y", 0, 0);
	assert_string_equal(peers_hear(b), "nothing");
	enter("/peerjs", "x4");
	say(a, "OFFER", "y", 0, 0); /* in the place of what x4 got */
	assert_string_equal(peers_hear(a), "nothing");
}

/* How many messages of 65 000 bytes to ids of its own a sender can leave. */
static size_t fill(struct peer *sender, int number)
{
	size_t kept = 0;
	char id[16];

	for (;; kept++) {
		snprintf(id, sizeof(id), "x%d-%zu", number, kept / 2);
		say(sender, "OFFER", id, 0, 65000 - 100);
		if (sender->outbox.count) {
			peers_hear(sender);
			return kept;
		}
		assert_true(kept < 17);
	}
}

static void one_sender_has_one_mib_waiting(void **state)
{
	(void)state;
	assert_int_equal(fill(enter("/peerjs", "a"), 0), (1 << 20) / 65000);
	assert_int_equal(fill(enter("/peerjs", "b"), 1), (1 << 20) / 65000);
}

static void a_message_waits_for_as_many_ids_as_the_bytes_suffice(void **state)
{
	char id[16];

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct peer *sender = enter_sender(i);

		for (int k = 0; k < 256; k++) {
			snprintf(id, sizeof(id), "x%d", i * 256 + k);
			say(sender, "OFFER", id, 0, 0);
		}
		assert_string_equal(peers_hear(sender), "nothing");
	}
	expect(enter("/peerjs", "x4"), "OFFER", "s0", "x4", 0);
	expect(enter("/peerjs", "x5000"), "OFFER", "s19", "x5000", 0);
}

static void what_is_full_for_an_id_makes_room_for_another_address(void **state)
{
	uint64_t yielded = meter_values[METER_LETTERS_YIELDED];
	uint64_t refused = meter_values[METER_LETTERS_REFUSED];
	struct peer *hog[2], *newcomer, *x;

	(void)state;
	for (int i = 0; i < 2; i++) {
		hog[i] = enter_from("192.0.2.1", "/peerjs", i ? "h1" : "h0");
	}
	for (int i = 0; i < 256; i++) {
		say(hog[i % 2], "OFFER", "x", i, 0);
	}
	say(hog[0], "OFFER", "x", 256, 0); /* nobody makes room for himself */
	expect_expire(hog[0], "x", "h0");
	newcomer = enter_from("192.0.2.2", "/peerjs", "n");
	say(newcomer, "OFFER", "x", 1, 0);
	say(newcomer, "CANDIDATE", "x", 2, 0);
	assert_string_equal(peers_hear(newcomer), "nothing");
	expect_expire(hog[0], "x", "h0"); /* all of one sender goes, and it is told once */
	assert_string_equal(peers_hear(hog[0]), "nothing");
	assert_string_equal(peers_hear(hog[1]), "nothing");
	x = enter("/peerjs", "x");
	assert_int_equal(x->outbox.count, 128 + 2);
	for (int i = 0; i < 128; i++) {
		expect(x, "OFFER", "h1", "x", 2 * i + 1);
	}
	expect(x, "OFFER", "n", "x", 1);
	expect(x, "CANDIDATE", "n", "x", 2);
	assert_int_equal(meter_values[METER_LETTERS_YIELDED], yielded + 128);
	assert_int_equal(meter_values[METER_LETTERS_REFUSED], refused + 1);
}

static void in_bytes_too(void **state)
{
	struct peer *hog = enter_from("192.0.2.1", "/peerjs", "h"), *newcomer;

	(void)state;
	for (int i = 0; i < 12; i++) {
		say(hog, "OFFER", "x", i, 10000);
	}
	assert_string_equal(peers_hear(hog), "nothing");
	newcomer = enter_from("192.0.2.2", "/peerjs", "n");
	say(newcomer, "OFFER", "x", 1, 20000);
	assert_string_equal(peers_hear(newcomer), "nothing");
	expect_expire(hog, "x", "h");
	assert_int_equal(enter("/peerjs", "x")->outbox.count, 1);
}

static void what_is_full_altogether_makes_room_for_another_address(void **state)
{
	struct peer *hog[20], *newcomer, *x;
	size_t told = 0;
	char id[16];
	int count = 0;

	(void)state;
	do {
		snprintf(id, sizeof(id), "h%d", count);
		hog[count] = enter_from("192.0.2.1", "/peerjs", id);
	} while (fill(hog[count], count) == (1 << 20) / 65000 && ++count < 20);
	assert_in_range(count, 15, 17);
	newcomer = enter_from("192.0.2.2", "/peerjs", "n");
	say(newcomer, "OFFER", "x", 1, 60000);
	assert_string_equal(peers_hear(newcomer), "nothing");
	for (int i = 0; i <= count; i++) {
		told += hog[i]->outbox.count;
	}
	assert_int_equal(told, 1);
	fill(hog[count], 100); /* in what became free, and no more */
	x = enter("/peerjs", "x");
	assert_int_equal(x->outbox.count, 1);
	for (int i = 0; i <= count; i++) {
		peers_hear(hog[i]);
		assert_string_equal(peers_hear(hog[i]), "nothing");
	}
}

static void nothing_gives_way_in_vain(void **state)
{
	struct peer *one = enter_from("192.0.2.1", "/peerjs", "a");
	struct peer *other = enter_from("192.0.2.2", "/peerjs", "b"), *newcomer;

	(void)state;
	for (int i = 0; i < 6; i++) {
		say(one, "OFFER", "x", i, 10000);
		say(other, "OFFER", "x", i, 10000);
	}
	newcomer = enter_from("192.0.2.3", "/peerjs", "n");
	say(newcomer, "OFFER", "x", 1, 59000); /* they have 2000 bytes more than it would have */
	expect_expire(newcomer, "x", "n");
	assert_string_equal(peers_hear(one), "nothing");
	assert_string_equal(peers_hear(other), "nothing");
	assert_int_equal(enter("/peerjs", "x")->outbox.count, 12);
}

static void no_more_than_16_mib_wait_altogether(void **state)
{
	size_t kept = 0;
	int i = 0;

	(void)state;
	for (size_t full = (1 << 20) / 65000, left = full; left == full && i < 20; i++) {
		left = fill(enter_sender(i), i);
		kept += left;
	}
	assert_in_range(kept * 65000, (16 << 20) - 2 * 65000, 16 << 20);
	peers_wait(&all, 5020);
	assert_int_equal(fill(enter_sender(i), i), (1 << 20) / 65000);
}

static void for_an_id_too_long_nothing_waits(void **state)
{
	struct peer *a = enter("/peerjs", "a");
	char id[130];

	(void)state;
	memset(id, 'x', sizeof(id));
	id[129] = '\0';
	say(a, "CANDIDATE", id, 1, 0);
	say(a, "LEAVE", id, 1, 0);
	assert_string_equal(peers_hear(a), "nothing");
	say(a, "OFFER", id, 1, 0);
	expect_expire(a, id, "a");
	id[128] = '\0';
	say(a, "OFFER", id, 1, 0);
	assert_string_equal(peers_hear(a), "nothing");
	expect(enter("/peerjs", id), "OFFER", "a", id, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* So many bytes are too much: how many messages are forgotten? */
static size_t forgets(size_t bytes)
{
	struct shortage shortage = {0};
	uint64_t before = meter_values[METER_SHED_LETTERS];

	dialect_table_weigh(all.mounts, &shortage);
	shortage_begin(&shortage, memory_used() - bytes);
	dialect_table_shed(all.mounts, &shortage);
	shortage_finish(&shortage);
	return meter_values[METER_SHED_LETTERS] - before;
}

static void what_an_address_has_waiting_is_forgotten_when_memory_is_short(void **state)
{
	struct peer *a = enter_from("192.0.2.1", "/peerjs", "a");
	struct peer *b = enter_from("192.0.2.2", "/peerjs", "b");

	(void)state;
	say(b, "OFFER", "x", 1, 0); /* the oldest */
	say(a, "OFFER", "x", 2, 4000);
	say(a, "CANDIDATE", "x", 3, 0);
	say(a, "OFFER", "y", 4, 4000);
	assert_int_equal(forgets(1), 2); /* with an offer goes what belongs to it */
	expect_expire(a, "x", "a");
	assert_int_equal(forgets(3000), 1);
	expect_expire(a, "y", "a");
	assert_string_equal(peers_hear(a), "nothing");
	assert_string_equal(peers_hear(b), "nothing");
	expect(enter("/peerjs", "x"), "OFFER", "b", "x", 1);
	assert_string_equal(peers_hear(enter("/peerjs", "y")), "nothing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_waited_comes_in_order_behind_open),
		TEST(each_sender_hears_once_that_a_queue_is_over),
		TEST(the_time_is_the_mounts),
		TEST(a_sender_that_has_left_is_not_told),
		TEST(one_id_has_256_messages_waiting),
		TEST(one_id_has_half_a_send_queue_waiting),
		TEST(one_sender_has_256_messages_waiting),
		TEST(one_sender_has_one_mib_waiting),
		TEST(a_message_waits_for_as_many_ids_as_the_bytes_suffice),
		TEST(what_is_full_for_an_id_makes_room_for_another_address),
		TEST(in_bytes_too),
		TEST(what_is_full_altogether_makes_room_for_another_address),
		TEST(nothing_gives_way_in_vain),
		TEST(no_more_than_16_mib_wait_altogether),
		TEST(for_an_id_too_long_nothing_waits),
		TEST(what_an_address_has_waiting_is_forgotten_when_memory_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
