/* gstreamer: roles, who hears of them, versions, bounds, and what is passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gstreamer_peers.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"

static void every_peer_gets_an_id_of_its_own(void **state)
{
	struct one a = connected(), b = connected();

	(void)state;
	assert_string_not_equal(a.id, b.id);
}

static void listeners_hear_of_every_change(void **state)
{
	struct one listener = with_roles("\"listener\""), producer = connected(), late;

	(void)state;
	say(&producer, "{\"type\":\"setPeerStatus\",\"roles\":[\"producer\"],"
		       "\"meta\":{\"n\":1.10000000000000000001}}");
	hears(&listener,
		"{\"type\":\"peerStatusChanged\",\"roles\":[\"producer\"],"
		"\"meta\":{\"n\":1.10000000000000000001},\"peerId\":\"%s\"}",
		producer.id);
	HEARS_NOTHING(&producer);
	late = with_roles("\"producer\",\"listener\"");
	hears(&listener,
		"{\"type\":\"peerStatusChanged\",\"roles\":[\"producer\",\"listener\"],"
		"\"meta\":null,\"peerId\":\"%s\"}",
		late.id);
	hub_drop(producer.peer);
	for (int i = 0; i < 2; i++) {
		hears(i ? &late : &listener,
			"{\"type\":\"peerStatusChanged\",\"roles\":[],"
			"\"meta\":{\"n\":1.10000000000000000001},\"peerId\":\"%s\"}",
			producer.id);
	}
	/* one that listens no more */
	say(&listener, "{\"type\":\"setPeerStatus\",\"roles\":[]}");
	HEARS_NOTHING(&listener);
	hears(&late,
		"{\"type\":\"peerStatusChanged\",\"roles\":[],\"meta\":null,\"peerId\":\"%s\"}",
		listener.id);
	hub_drop(listener.peer); /* has been in no role: nothing new */
	HEARS_NOTHING(&late);
}

static void the_same_status_with_its_id_is_no_change(void **state)
{
	struct one a = with_roles("\"listener\"");

	(void)state;
	say(&a, "{\"type\":\"setPeerStatus\",\"roles\":[\"listener\"],\"peerId\":\"%s\"}", a.id);
	HEARS_NOTHING(&a);
	/* a browser does not say its id, and waits for the answer */
	say(&a, "{\"type\":\"setPeerStatus\",\"roles\":[\"listener\"],\"meta\":null}");
	assert_string_not_equal(peers_hear(a.peer), "nothing");
	say(&a,
		"{\"type\":\"setPeerStatus\",\"roles\":[\"listener\"],\"meta\":{},\"peerId\":\"%"
		"s\"}",
		a.id);
	hears(&a,
		"{\"type\":\"peerStatusChanged\",\"roles\":[\"listener\"],\"meta\":{},"
		"\"peerId\":\"%s\"}",
		a.id);
}

static void a_peer_is_not_both_producer_and_consumer(void **state)
{
	struct one a = connected();

	(void)state;
	say(&a, "{\"type\":\"setPeerStatus\",\"roles\":[\"producer\",\"consumer\"]}");
	hears(&a,
		"{\"type\":\"error\",\"details\":\"Cannot register peer %s as both producer and "
		"passive consumer\"}",
		a.id);
	say(&a, "{\"type\":\"list\"}");
	hears(&a, "{\"type\":\"list\",\"producers\":[]}");
}

static void lists_tell_who_is_there(void **state)
{
	struct one a = with_roles("\"producer\""), b = connected(), c = with_roles("\"consumer\"");

	(void)state;
	say(&b, "{\"type\":\"setPeerStatus\",\"roles\":[\"producer\"],\"meta\":{\"name\":\"b\"}}");
	for (int i = 0; i < 2; i++) {
		struct one *one = i ? &a : &c;

		say(one, "{\"type\":\"list\"}");
		hears(one,
			"{\"type\":\"list\",\"producers\":[{\"id\":\"%s\",\"meta\":null},"
			"{\"id\":\"%s\",\"meta\":{\"name\":\"b\"}}]}",
			a.id, b.id);
	}
	say(&a, "{\"type\":\"listConsumers\"}");
	hears(&a, "{\"type\":\"listConsumers\",\"consumers\":[{\"id\":\"%s\",\"meta\":null}]}",
		c.id);
	hub_drop(b.peer);
	say(&c, "{\"type\":\"setPeerStatus\",\"roles\":[\"producer\"]}");
	say(&a, "{\"type\":\"setPeerStatus\",\"roles\":[]}");
	say(&a, "{\"type\":\"list\"}");
	hears(&a, "{\"type\":\"list\",\"producers\":[{\"id\":\"%s\",\"meta\":null}]}", c.id);
	say(&a, "{\"type\":\"listConsumers\"}");
	hears(&a, "{\"type\":\"listConsumers\",\"consumers\":[]}");
}

static void a_version_is_chosen_first_or_not_at_all(void **state)
{
	struct one a = connected();

	(void)state;
	say(&a, "{\"type\":\"setProtocolVersion\",\"version\":\"v1_0\"}");
	HEARS_NOTHING(&a);
	say(&a, "{\"type\":\"setProtocolVersion\",\"version\":\"v1_1\"}");
	hears(&a,
		"{\"type\":\"error\",\"details\":\"Protocol version selection for peer '%s' must "
		"be "
		"first message\"}",
		a.id);
}

static void what_is_no_message_is_passed_over(void **state)
{
	static const char *const messages[] = {
		"",
		"nonsense",
		"null",
		"[]",
		"{}",
		"{\"type\":1}",
		"{\"type\":\"newPeer\"}",
		"{\"type\":\"welcome\",\"peerId\":\"x\"}",
		"{\"type\":\"List\"}",
		"{\"type\":\"list\",\"type\":\"list\"}",
		"{\"type\":\"setPeerStatus\"}",
		"{\"type\":\"setPeerStatus\",\"roles\":\"listener\"}",
		"{\"type\":\"setPeerStatus\",\"roles\":[\"listener\",\"king\"]}",
		"{\"type\":\"setPeerStatus\",\"roles\":[\"listener\",1]}",
		"{\"type\":\"setPeerStatus\",\"roles\":[[\"listener\"]]}",
		"{\"type\":\"setPeerStatus\",\"roles\":[\"listener\"],\"peerId\":7}",
		"{\"type\":\"setPeerStatus\",\"roles\":[\"listener\"],\"role\\u0073\":[]}",
		"{\"type\":\"setProtocolVersion\",\"version\":\"v9\"}",
		"{\"type\":\"setProtocolVersion\"}",
	};
	struct one a = connected();

	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		peers_say(a.peer, messages[i]);
		HEARS_NOTHING(&a);
	}
	peers_send(a.peer, "{\"type\":\"list\"}", 15, true);
	HEARS_NOTHING(&a);
	say(&a, "{\"type\":\"l\\u0069st\"}");
	hears(&a, "{\"type\":\"list\",\"producers\":[]}");
}

static void say_meta(struct one *one, size_t len)
{
	char text[8192];
	int size = snprintf(text, sizeof(text),
		"{\"type\":\"setPeerStatus\",\"roles\":[\"producer\"],\"meta\":\"%0*d\"}",
		(int)len - 2, 0);

	peers_send(one->peer, text, (size_t)size, false);
}

static void a_meta_and_the_lists_are_bounded(void **state)
{
	struct one a = connected(), listed[PEERS_MAX];
	int count = 0;

	(void)state;
	say_meta(&a, 4097);
	hears(&a,
		"{\"type\":\"error\",\"details\":\"The meta of peer %s is longer than 4096 "
		"bytes\"}",
		a.id);
	say_meta(&a, 4096);
	HEARS_NOTHING(&a);
	tear_down(state);

	/* Half of what may wait for a peer: two entries of 4160 bytes. */
	peers_init(&all, (struct hub_limits){.room_members = 2, .outbox_bytes = 16700}, mounts);
	for (; count < 4; count++) {
		listed[count] = connected();
		say_meta(&listed[count], 4096);
		if (count < 2) {
			HEARS_NOTHING(&listed[count]);
		} else {
			hears(&listed[count],
				"{\"type\":\"error\",\"details\":\"There are too many producers or "
				"consumers\"}");
		}
	}
	say_meta(&listed[0], 4095); /* its own entry makes room for itself */
	HEARS_NOTHING(&listed[0]);
	hub_drop(listed[1].peer);
	say_meta(&listed[2], 4096);
	HEARS_NOTHING(&listed[2]);
}

/* A list for two entries of 4160 bytes. */
static void begin_anew_with_short_lists(void **state)
{
	tear_down(state);
	peers_init(&all, (struct hub_limits){.room_members = 2, .outbox_bytes = 16700}, mounts);
}

static struct one listed_from(const char *address, size_t meta_len)
{
	struct one one = connected_from(address, "/gst");

	say_meta(&one, meta_len);
	return one;
}

#define FULL "{\"type\":\"error\",\"details\":\"There are too many producers or consumers\"}"
#define UNLISTED                                                                                   \
	"{\"type\":\"error\",\"details\":\"Peer %s is no producer any more: there are too many, "  \
	"and most are of its address\"}"

static void a_full_list_makes_room_for_a_newcomer_from_another_address(void **state)
{
	uint64_t yielded = meter_values[METER_ENTRIES_YIELDED];
	uint64_t refused = meter_values[METER_ENTRIES_REFUSED];
	struct one small, hog[2], newcomer, viewer;
	char session[UUID_LEN + 1];

	begin_anew_with_short_lists(state);
	small = listed_from("192.0.2.1", 2);
	hog[0] = listed_from("192.0.2.1", 3900);
	hog[1] = listed_from("192.0.2.1", 4096);
	HEARS_NOTHING(&hog[1]);
	viewer = with_roles("\"listener\"");
	start(&viewer, &hog[1], session);
	newcomer = listed_from("192.0.2.2", 2);
	assert_non_null(strstr(peers_hear(viewer.peer), newcomer.id)); /* there was room */
	newcomer = listed_from("192.0.2.2", 100);
	HEARS_NOTHING(&newcomer);
	/* the largest entry gave way, and is told */
	hears(&hog[1], UNLISTED, hog[1].id);
	hears(&viewer, "{\"type\":\"endSession\",\"sessionId\":\"%s\"}", session);
	assert_non_null(strstr(peers_hear(viewer.peer), "\"roles\":[],"));
	assert_non_null(strstr(peers_hear(viewer.peer), newcomer.id));
	HEARS_NOTHING(&hog[0]);
	HEARS_NOTHING(&small);
	assert_int_equal(meter_values[METER_ENTRIES_YIELDED], yielded + 1);
	/* and cannot come back over the others */
	say_meta(&hog[1], 4096);
	hears(&hog[1], FULL);
	HEARS_NOTHING(&newcomer);
	assert_int_equal(meter_values[METER_ENTRIES_REFUSED], refused + 1);
}

static void nobody_gives_way_when_that_would_not_be_enough(void **state)
{
	struct one listed[3], newcomer;
	static const char *const addresses[] = {"192.0.2.1", "192.0.2.2", "192.0.2.2"};

	begin_anew_with_short_lists(state);
	for (int i = 0; i < 3; i++) {
		listed[i] = listed_from(addresses[i], i ? 2020 : 4096);
	}
	newcomer = listed_from("192.0.2.3", 4080); /* 16 and 24 bytes more than it would have */
	hears(&newcomer, FULL);
	for (int i = 0; i < 3; i++) {
		HEARS_NOTHING(&listed[i]);
	}
}

static void an_entry_grows_at_the_cost_of_those_who_have_more(void **state)
{
	struct one hog, small;

	begin_anew_with_short_lists(state);
	hog = listed_from("192.0.2.1", 4096);
	small = listed_from("192.0.2.2", 2);
	listed_from("192.0.2.1", 3900);
	say_meta(&small, 1000);
	HEARS_NOTHING(&small);
	hears(&hog, UNLISTED, hog.id);
	say_meta(&small, 4096);
	HEARS_NOTHING(&small);
}

static void a_meta_that_not_every_reader_takes_is_refused(void **state)
{
	static const char *const metas[] = {
		"\"\\ud800\"", "1e999999", "{\"a\":[\"\\u0000\"]}", "18446744073709551616"};
	uint64_t before = meter_values[METER_MESSAGES_WRONG];
	struct one a = connected();

	(void)state;
	for (size_t i = 0; i < COUNT(metas); i++) {
		say(&a, "{\"type\":\"setPeerStatus\",\"roles\":[\"producer\"],\"meta\":%s}",
			metas[i]);
		hears(&a,
			"{\"type\":\"error\",\"details\":\"The meta of peer %s has a string or a "
			"number that not every reader takes\"}",
			a.id);
	}
	assert_int_equal(meter_values[METER_MESSAGES_WRONG] - before, COUNT(metas));
	say(&a, "{\"type\":\"list\"}");
	hears(&a, "{\"type\":\"list\",\"producers\":[]}");
}

static void changes_are_bounded_in_time(void **state)
{
	struct one a = connected();

	(void)state;
	for (int i = 0; i < 20; i++) {
		say(&a, "{\"type\":\"setPeerStatus\",\"roles\":[\"listener\"]}");
		assert_memory_equal(peers_hear(a.peer), "text {\"type\":\"peerStatusChanged\"", 31);
	}
	say(&a, "{\"type\":\"setPeerStatus\",\"roles\":[\"listener\"]}");
	hears(&a, "{\"type\":\"error\",\"details\":\"Peer %s changes its status too often\"}",
		a.id);
	peers_wait(&all, 10000);
	say(&a, "{\"type\":\"setPeerStatus\",\"roles\":[\"listener\"]}");
	assert_memory_equal(peers_hear(a.peer), "text {\"type\":\"peerStatusChanged\"", 31);
}

static void it_has_no_parameters_and_takes_any_path_of_its_own(void **state)
{
	struct problem problem;
	const struct mount *own;
	const char *room;

	(void)state;
	assert_null(dialect_table_own(all.mounts, "here", "gstreamer?x=1", &problem));
	assert_string_equal(problem.text, "gstreamer has no parameter `x`");
	own = dialect_table_own(all.mounts, "here", "gstreamer", &problem);
	assert_ptr_equal(dialect_table_route_own(own, "/", &room), own);
	assert_ptr_equal(dialect_table_route_own(own, "/any/path", &room), own);
}

static void a_meta_weighs_on_its_peer(void **state)
{
	struct one one = connected();
	const struct dialect *dialect = peers_of(one.peer)->mount->dialect;

	(void)state;
	assert_int_equal(dialect->kept(one.peer), 0);
	say(&one, "{\"type\":\"setPeerStatus\",\"roles\":[\"producer\"],\"meta\":{\"n\":1}}");
	assert_int_equal(dialect->kept(one.peer), strlen("{\"n\":1}"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_peer_gets_an_id_of_its_own),
		TEST(listeners_hear_of_every_change),
		TEST(the_same_status_with_its_id_is_no_change),
		TEST(a_peer_is_not_both_producer_and_consumer),
		TEST(lists_tell_who_is_there),
		TEST(a_version_is_chosen_first_or_not_at_all),
		TEST(what_is_no_message_is_passed_over),
		TEST(a_meta_and_the_lists_are_bounded),
		TEST(a_meta_weighs_on_its_peer),
		TEST(a_full_list_makes_room_for_a_newcomer_from_another_address),
		TEST(nobody_gives_way_when_that_would_not_be_enough),
		TEST(an_entry_grows_at_the_cost_of_those_who_have_more),
		TEST(a_meta_that_not_every_reader_takes_is_refused),
		TEST(changes_are_bounded_in_time),
		TEST(it_has_no_parameters_and_takes_any_path_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
