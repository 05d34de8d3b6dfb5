/* nakodo.v1: whose session is given up when memory is short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/memory.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/service/shortage.h"
#include "v1.h"

static const char *const mounts[] = {"/v1=nakodo.v1", NULL};
static struct peers all;

static int set_up(void **state)
{
	(void)state;
	peers_init(&all, PEERS_ALL, mounts);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

/* It came and lost its connection. */
static struct v1_one away(const char *address, const char *room, bool confirmed)
{
	struct v1_one one = v1_join_from(&all, address, room);

	if (confirmed) {
		v1_confirm(one);
	}
	v1_drop(one, 0);
	return one;
}

/* So many bytes are too much. */
static void shed_bytes(size_t bytes)
{
	struct shortage shortage = {0};

	dialect_table_weigh(all.mounts, &shortage);
	shortage_begin(&shortage, memory_used() - bytes);
	dialect_table_shed(all.mounts, &shortage);
	shortage_finish(&shortage);
}

/* The least that helps is given up. */
static void shed(void)
{
	uint64_t before = meter_values[METER_SHED_SESSIONS];

	shed_bytes(1);
	assert_int_equal(meter_values[METER_SHED_SESSIONS], before + 1);
}

/* It chats so many bytes. */
static void chat(struct v1_one one, size_t len)
{
	char text[4096];

	assert_true(len < sizeof(text) - 64);
	snprintf(text, sizeof(text), "{\"type\":\"chat\",\"text\":\"%0*d\"}", (int)len, 0);
	peers_send(one.peer, text, strlen(text), false);
}

/* How many chat messages are kept for the room? */
static size_t kept(const char *room)
{
	struct v1_one reader = {.peer = NULL};
	char url[64];
	size_t count = 0;

	snprintf(url, sizeof(url), "/v1/%s", room);
	reader.peer = peers_connect(&all, url);
	for (const char *at = v1_hear(reader); (at = strstr(at, "\"text\":")); at++) {
		count++;
	}
	v1_drop(reader, 1000);
	return count;
}

/* How many were forgotten? */
static size_t forgets(size_t bytes)
{
	uint64_t lines = meter_values[METER_SHED_LINES];
	uint64_t sessions = meter_values[METER_SHED_SESSIONS];

	shed_bytes(bytes);
	assert_int_equal(meter_values[METER_SHED_SESSIONS], sessions);
	return meter_values[METER_SHED_LINES] - lines;
}

static bool is_there(struct v1_one one, const char *room)
{
	const struct room *found = hub_room(peers_of(one.peer)->mount->space, room);

	return found && hub_find(found, one.id);
}

static void the_oldest_goes_first(void **state)
{
	struct v1_one first, second;

	(void)state;
	first = away("192.0.2.1", "a", true);
	second = away("192.0.2.1", "b", true);
	shed();
	assert_false(is_there(first, "a"));
	assert_true(is_there(second, "b"));
	shed();
	assert_false(is_there(second, "b"));
}

static void who_cannot_come_back_goes_before_the_oldest(void **state)
{
	struct v1_one oldest, unconfirmed;

	(void)state;
	oldest = away("192.0.2.1", "a", true);
	unconfirmed = away("192.0.2.1", "b", false);
	shed();
	assert_true(is_there(oldest, "a"));
	assert_false(is_there(unconfirmed, "b"));
}

static void one_of_the_address_that_has_most_goes_though_others_are_older(void **state)
{
	struct v1_one oldest, first, second;

	(void)state;
	oldest = away("192.0.2.2", "a", true);
	first = away("192.0.2.1", "b", true);
	second = away("192.0.2.1", "c", true);
	shed();
	assert_true(is_there(oldest, "a"));
	assert_false(is_there(first, "b"));
	assert_true(is_there(second, "c"));
}

static void who_is_connected_is_no_session_without_a_connection(void **state)
{
	struct shortage shortage = {0};

	(void)state;
	v1_confirm(v1_join_from(&all, "192.0.2.1", "a"));
	dialect_table_weigh(all.mounts, &shortage);
	assert_int_equal(shortage.held.used, 0);
	shortage_finish(&shortage);
}

static void who_is_forsaken_has_left_and_hears_why(void **state)
{
	struct v1_one one = v1_join_from(&all, "192.0.2.1", "a");
	struct v1_one other = v1_join_from(&all, "192.0.2.2", "a");
	const struct dialect *dialect = peers_of(one.peer)->mount->dialect;

	(void)state;
	v1_hears_joined(one, other);
	assert_true(dialect->kept(one.peer) > 0);
	dialect->forsake(one.peer);
	v1_hears(other, "{\"type\":\"peer-left\",\"id\":\"%s\",\"reason\":\"gone\"}", one.id);
	hub_close(one.peer, 4508, "memory is short");
	assert_string_equal(peers_hear(one.peer), "close 4508 memory is short");
	assert_int_equal(dialect->kept(one.peer), 0);
	v1_is_not_recovered(v1_present(&all, "a", one.session, "0"));
}

static void chat_goes_before_any_session(void **state)
{
	struct v1_one one, two;

	(void)state;
	two = away("192.0.2.1", "b", true);
	one = v1_join_from(&all, "192.0.2.1", "a");
	v1_confirm(one);
	chat(one, 1000);
	chat(one, 1000);
	v1_drop(one, 0);
	assert_int_equal(forgets(1), 1);
	assert_int_equal(kept("a"), 1);
	assert_int_equal(forgets(1), 1);
	assert_int_equal(kept("a"), 0);
	assert_true(is_there(one, "a"));
	assert_true(is_there(two, "b"));
}

static void chat_where_nobody_is_goes_before_what_is_older(void **state)
{
	struct v1_one here = v1_join_from(&all, "192.0.2.1", "a");
	struct v1_one gone = v1_join_from(&all, "192.0.2.1", "b");

	(void)state;
	chat(here, 1000);
	v1_confirm(gone);
	chat(gone, 1000);
	v1_drop(gone, 0);
	assert_int_equal(forgets(1), 1);
	assert_int_equal(kept("a"), 1);
	assert_int_equal(kept("b"), 0);
	assert_int_equal(forgets(1), 1);
	assert_int_equal(kept("a"), 0);
}

static void of_several_rooms_that_was_silent_longest_loses_first(void **state)
{
	struct v1_one first = v1_join_from(&all, "192.0.2.1", "a");
	struct v1_one second = v1_join_from(&all, "192.0.2.1", "b");

	(void)state;
	chat(first, 1000);
	chat(second, 1000);
	chat(first, 1000);
	assert_int_equal(forgets(1), 1);
	assert_int_equal(kept("a"), 2);
	assert_int_equal(kept("b"), 0);
}

static void chat_weighs_on_who_wrote_it(void **state)
{
	struct v1_one heavy = v1_join_from(&all, "192.0.2.1", "a");
	struct v1_one light = v1_join_from(&all, "192.0.2.2", "a");

	(void)state;
	chat(light, 1000); /* the older one */
	for (int i = 0; i < 9; i++) {
		chat(heavy, 1000);
	}
	assert_int_equal(forgets(7000), 7);
	assert_int_equal(kept("a"), 3);
	assert_int_equal(forgets(3 * sizeof(struct address)), 1);
	assert_int_equal(kept("a"), 2); /* one of each */
}

/* Bytes of chat and of sessions. */
static size_t weighed(void)
{
	struct shortage shortage = {0};
	size_t bytes;

	dialect_table_weigh(all.mounts, &shortage);
	bytes = shortage.held.used;
	shortage_finish(&shortage);
	return bytes;
}

static void chat_that_a_room_has_forgotten_weighs_nothing(void **state)
{
	struct v1_one one = v1_join_from(&all, "192.0.2.1", "a");
	size_t full;

	(void)state;
	assert_int_equal(weighed(), 0);
	for (int i = 0; i < 60; i++) {
		chat(one, 1000); /* 50 are kept */
	}
	full = weighed();
	assert_in_range(full, 50 * 1000, 50 * 1200);
	chat(one, 1000);
	assert_int_equal(weighed(), full);
	v1_drop(one, 1000);
	assert_int_equal(weighed(), 0);
}

static void what_a_peer_says_of_itself_weighs_on_it(void **state)
{
	struct v1_one one = v1_join_from(&all, "192.0.2.1", "a");
	const struct dialect *dialect = peers_of(one.peer)->mount->dialect;
	size_t before = dialect->kept(one.peer);
	char text[1200];

	(void)state;
	snprintf(text, sizeof(text), "{\"type\":\"update\",\"meta\":{\"a\":\"%0*d\"}}", 1000, 0);
	peers_send(one.peer, text, strlen(text), false);
	assert_true(dialect->kept(one.peer) >= before + 1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_oldest_goes_first),
		TEST(who_cannot_come_back_goes_before_the_oldest),
		TEST(one_of_the_address_that_has_most_goes_though_others_are_older),
		TEST(who_is_connected_is_no_session_without_a_connection),
		TEST(who_is_forsaken_has_left_and_hears_why),
		TEST(chat_goes_before_any_session),
		TEST(chat_where_nobody_is_goes_before_what_is_older),
		TEST(of_several_rooms_that_was_silent_longest_loses_first),
		TEST(chat_weighs_on_who_wrote_it),
		TEST(chat_that_a_room_has_forgotten_weighs_nothing),
		TEST(what_a_peer_says_of_itself_weighs_on_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
