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
#include "nakodo/dialect/dialect.h"

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
	assert_null(dialect_table_own(all.mounts, "gstreamer?x=1", &problem));
	assert_string_equal(problem.text, "gstreamer has no parameter `x`");
	own = dialect_table_own(all.mounts, "gstreamer", &problem);
	assert_ptr_equal(dialect_route_own(own, "/", &room), own);
	assert_ptr_equal(dialect_route_own(own, "/any/path", &room), own);
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
		TEST(a_meta_that_not_every_reader_takes_is_refused),
		TEST(changes_are_bounded_in_time),
		TEST(it_has_no_parameters_and_takes_any_path_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
