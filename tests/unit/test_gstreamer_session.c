/* gstreamer_session: who may have one, what passes in it, and when it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gstreamer_peers.h"

static void what_is_said_in_a_session_reaches_the_other_side(void **state)
{
	static const char *const both[] = {
		"{\"sdp\":{\"type\":\"answer\",\"sdp\":\"\"},\"sessionId\":\"%s\",\"type\":"
		"\"peer\"}",
		"{\"type\":\"peer\",\"sessionId\":\"%s\",\"ice\":{\"candidate\":\"c\","
		"\"sdpMLineIndex\":0,\"sdpMid\":\"0\",\"usernameFragment\":null}}",
		"{ \"ice\" :{\"candidate\":\"\",\"sdpMLineIndex\":12},\n\"sessionId\":\"%s\","
		"\"t\\u0079pe\":\"peer\",\"more\":[1.0]}",
	};
	struct one a = with_roles("\"producer\""), b = connected();
	char session[UUID_LEN + 1], text[256];

	(void)state;
	start(&b, &a, session);
	for (size_t i = 0; i < COUNT(both); i++) {
		char *at = strstr(both[i], "%s");

		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - both[i]), both[i], session,
			at + 2);
		peers_say(a.peer, text);
		hears(&b, "%s", text);
		peers_say(b.peer, text);
		hears(&a, "%s", text);
	}
	snprintf(text, sizeof(text),
		"{\"type\":\"peer\",\"sessionId\":\"%s\",\"sdp\":{\"type\":\"offer\",\"sdp\":\"\"}"
		"}",
		session);
	peers_say(a.peer, text);
	hears(&b, "%s", text);
	peers_say(b.peer, text);
	hears(&b,
		"{\"type\":\"error\",\"details\":\"cannot forward offer from \\\"%s\\\" to "
		"\\\"%s\\\" as \\\"%s\\\" is not the producer\"}",
		b.id, a.id, b.id);
	HEARS_NOTHING(&a);
	HEARS_NOTHING(&b);
}

static void what_a_client_could_not_read_is_not_passed_on(void **state)
{
	static const char *const bodies[] = {
		"\"more\":1",
		"\"sdp\":null",
		"\"ice\":null",
		"\"ice\":[]",
		"\"sdp\":{\"type\":\"answer\"}",
		"\"sdp\":{\"type\":\"answer\",\"sdp\":1}",
		"\"sdp\":{\"type\":\"rollback\",\"sdp\":\"\"}",
		"\"sdp\":{\"type\":\"answer\",\"type\":\"offer\",\"sdp\":\"\"}",
		"\"sdp\":{\"type\":\"answer\",\"sdp\":\"\"},\"sdp\":{}",
		"\"ice\":{\"candidate\":\"c\"}",
		"\"ice\":{\"candidate\":1,\"sdpMLineIndex\":0}",
		"\"ice\":{\"candidate\":\"c\",\"sdpMLineIndex\":null}",
		"\"ice\":{\"candidate\":\"c\",\"sdpMLineIndex\":\"0\"}",
		"\"ice\":{\"candidate\":\"c\",\"sdpMLineIndex\":-1}",
		"\"ice\":{\"candidate\":\"c\",\"sdpMLineIndex\":0.0}",
		"\"ice\":{\"candidate\":\"c\",\"sdpMLineIndex\":1e1}",
		"\"ice\":{\"candidate\":\"c\",\"sdpMLineIndex\":10000000000}",
		"\"ice\":{\"candidate\":\"c\",\"sdpMLineIndex\":0},\"sdp\":{}",
		"\"ice\":{\"candidate\":\"\\ud800\",\"sdpMLineIndex\":0}",
		"\"sdp\":{\"type\":\"answer\",\"sdp\":\"\",\"more\":1e999999}",
	};
	struct one a = with_roles("\"producer\""), b = connected();
	char session[UUID_LEN + 1];

	(void)state;
	start(&b, &a, session);
	for (size_t i = 0; i < COUNT(bodies); i++) {
		say(&a, "{\"type\":\"peer\",\"sessionId\":\"%s\",%s}", session, bodies[i]);
		HEARS_NOTHING(&b);
		HEARS_NOTHING(&a);
	}
}

static void strangers_do_not_get_into_a_session(void **state)
{
	static const char *const says[] = {
		("{\"type\":\"peer\",\"sessionId\":\"%s\","
		 "\"ice\":{\"candidate\":\"\",\"sdpMLineIndex\":0}}"),
		"{\"type\":\"endSession\",\"sessionId\":\"%s\"}",
		"{\"type\":\"endSessionV1_1\",\"sessionId\":\"%s\",\"error\":null}",
	};
	struct one a = with_roles("\"producer\""), b = connected(), c = connected(),
		   d = connected_to("/other");
	char session[UUID_LEN + 1], text[256];

	(void)state;
	start(&b, &a, session);
	for (size_t i = 0; i < COUNT(says); i++) {
		char *at = strstr(says[i], "%s");

		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - says[i]), says[i], session,
			at + 2);
		peers_say(c.peer, text);
		hears(&c, "{\"type\":\"error\",\"details\":\"Peer %s is not part of %s\"}", c.id,
			session);
		peers_say(d.peer, text); /* for another mount there is no such session */
		HEARS_NOTHING(&d);
		HEARS_NOTHING(&a);
		HEARS_NOTHING(&b);
	}
	say(&d, "{\"type\":\"startSession\",\"peerId\":\"%s\"}", a.id);
	hears(&d, "{\"type\":\"error\",\"details\":\"Peer with ID '%s' not found\"}", a.id);
}

static void an_unknown_session_is_passed_over(void **state)
{
	static const char *const ids[] = {"\"x\"", "\"peers\"", "\"producer\"", "\"\"", "null", "7",
		"\"00000000-0000-4000-8000-0000000000000\"", "\"\\ud800\""};
	struct one a = with_roles("\"producer\"");

	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		say(&a, "{\"type\":\"endSession\",\"sessionId\":%s}", ids[i]);
		say(&a,
			"{\"type\":\"peer\",\"sessionId\":%s,\"ice\":{\"candidate\":\"\","
			"\"sdpMLineIndex\":0}}",
			ids[i]);
		HEARS_NOTHING(&a);
	}
}

static void a_producer_may_ask_a_consumer(void **state)
{
	struct one a = connected(), b = with_roles("\"consumer\"");
	char head[128], session[UUID_LEN + 1];

	(void)state;
	say(&a, "{\"type\":\"startSession\",\"peerId\":\"%s\",\"offer\":\"v=0\\r\\n\"}", b.id);
	snprintf(head, sizeof(head),
		"{\"type\":\"sessionStarted\",\"peerId\":\"%s\",\"sessionId\":\"", a.id);
	hears_id(&b, head, "\"}", session);
	hears(&a,
		"{\"type\":\"startSession\",\"peerId\":\"%s\",\"sessionId\":\"%s\","
		"\"offer\":\"v=0\\r\\n\"}",
		b.id, session);
	/* it is the producer now, so it may offer and the other may not */
	say(&a,
		"{\"type\":\"peer\",\"sessionId\":\"%s\",\"sdp\":{\"type\":\"offer\",\"sdp\":\"\"}"
		"}",
		session);
	assert_memory_equal(peers_hear(b.peer), "text {\"type\":\"peer\"", 19);
	say(&b, "{\"type\":\"setPeerStatus\",\"roles\":[]}");
	hears(&a, "{\"type\":\"endSession\",\"sessionId\":\"%s\"}", session);
	HEARS_NOTHING(&b);
}

static void a_session_needs_two_and_a_role(void **state)
{
	struct one a = with_roles("\"producer\""), b = with_roles("\"listener\"");

	(void)state;
	say(&b, "{\"type\":\"startSession\",\"peerId\":\"nobody\"}");
	hears(&b, "{\"type\":\"error\",\"details\":\"Peer with ID 'nobody' not found\"}");
	say(&b, "{\"type\":\"startSession\",\"peerId\":\"%0200d\"}", 0);
	hears(&b, "{\"type\":\"error\",\"details\":\"Peer with ID '(too long)' not found\"}");
	say(&a, "{\"type\":\"startSession\",\"peerId\":\"%s\"}", a.id);
	hears(&a, "{\"type\":\"error\",\"details\":\"Peer %s cannot have a session with itself\"}",
		a.id);
	say(&a, "{\"type\":\"startSession\",\"peerId\":\"%s\"}", b.id);
	hears(&a,
		"{\"type\":\"error\",\"details\":\"Missing a producer or a consumer: peer %s is "
		"neither\"}",
		b.id);
	say(&b, "{\"type\":\"startSession\",\"peerId\":\"%s\",\"offer\":{}}", a.id);
	say(&b, "{\"type\":\"startSession\"}");
	HEARS_NOTHING(&b);
	HEARS_NOTHING(&a);
}

static void both_sides_may_end_a_session_once(void **state)
{
	struct one a = with_roles("\"producer\""), b = connected();
	char first[UUID_LEN + 1], second[UUID_LEN + 1];

	(void)state;
	start(&b, &a, first);
	start(&b, &a, second); /* the same two, another one */
	assert_string_not_equal(first, second);
	say(&a, "{\"type\":\"endSession\",\"sessionId\":\"%s\"}", first);
	hears(&b, "{\"type\":\"endSession\",\"sessionId\":\"%s\"}", first);
	say(&b, "{\"type\":\"endSession\",\"sessionId\":\"%s\"}", first);
	HEARS_NOTHING(&a);
	HEARS_NOTHING(&b);
	say(&b, "{\"type\":\"endSession\",\"sessionId\":\"%s\"}", second);
	hears(&a, "{\"type\":\"endSession\",\"sessionId\":\"%s\"}", second);
	HEARS_NOTHING(&b);
}

static void sessions_end_before_their_producer_is_seen_to_go(void **state)
{
	struct one a = with_roles("\"producer\""), b = with_roles("\"listener\"");
	char session[UUID_LEN + 1];

	(void)state;
	start(&b, &a, session);
	say(&a, "{\"type\":\"setPeerStatus\",\"roles\":[]}");
	hears(&b, "{\"type\":\"endSession\",\"sessionId\":\"%s\"}", session);
	hears(&b, "{\"type\":\"peerStatusChanged\",\"roles\":[],\"meta\":null,\"peerId\":\"%s\"}",
		a.id);
	say(&a, "{\"type\":\"setPeerStatus\",\"roles\":[\"producer\"]}");
	peers_hear(b.peer);
	start(&b, &a, session);
	hub_drop(a.peer);
	hears(&b, "{\"type\":\"endSession\",\"sessionId\":\"%s\"}", session);
	hears(&b, "{\"type\":\"peerStatusChanged\",\"roles\":[],\"meta\":null,\"peerId\":\"%s\"}",
		a.id);
	HEARS_NOTHING(&b);
}

static void the_newer_version_has_reasons_for_an_end(void **state)
{
	static const char choose[] = "{\"type\":\"setProtocolVersion\",\"version\":\"v1_1\"}";
	struct one old = with_roles("\"producer\""), new = connected(), newer = connected();
	char session[UUID_LEN + 1];

	(void)state;
	say(&new, "%s", choose);
	start(&new, &old, session);
	say(&new, "{\"type\":\"endSessionV1_1\",\"sessionId\":\"%s\",\"error\":\"tired\"}",
		session);
	hears(&old, "{\"type\":\"endSession\",\"sessionId\":\"%s\"}", session);

	start(&new, &old, session);
	say(&old, "{\"type\":\"endSessionV1_1\",\"sessionId\":\"%s\",\"error\":\"no\"}", session);
	hears(&old,
		"{\"type\":\"error\",\"details\":\"Peer %s has not chosen the protocol version "
		"v1_1\"}",
		old.id);
	say(&old, "{\"type\":\"endSessionV1_1\",\"sessionId\":\"%s\",\"error\":null}", session);
	hears(&new, "{\"type\":\"endSessionV1_1\",\"sessionId\":\"%s\",\"error\":null}", session);

	say(&newer, "%s", choose);
	say(&newer, "{\"type\":\"setPeerStatus\",\"roles\":[\"producer\"]}");
	start(&new, &newer, session);
	say(&new, "{\"type\":\"endSessionV1_1\",\"sessionId\":\"%s\",\"error\":\"\\ud800\"}",
		session);
	HEARS_NOTHING(&newer);
	say(&new, "{\"type\":\"endSessionV1_1\",\"sessionId\":\"%s\",\"error\":\"\\u0041\"}",
		session);
	hears(&newer, "{\"type\":\"endSessionV1_1\",\"sessionId\":\"%s\",\"error\":\"\\u0041\"}",
		session);
	start(&new, &newer, session);
	hub_drop(new.peer);
	hears(&newer, "{\"type\":\"endSessionV1_1\",\"sessionId\":\"%s\",\"error\":null}", session);
}

static void sessions_of_one_peer_are_bounded(void **state)
{
	struct one a = with_roles("\"producer\""), b = connected(), c = connected(), other = a;
	char session[UUID_LEN + 1];

	(void)state;
	for (int i = 0; i < 64; i++) {
		other = i % 4 ? other : with_roles("\"producer\"");
		start(&b, &other, session);
	}
	say(&b, "{\"type\":\"startSession\",\"peerId\":\"%s\"}", a.id);
	hears(&b, "{\"type\":\"error\",\"details\":\"Peer %s has 64 sessions already\"}", b.id);
	HEARS_NOTHING(&a);
	start(&c, &a, session); /* that is no fault of the producer */
	say(&a, "{\"type\":\"endSession\",\"sessionId\":\"%s\"}", session);
	hears(&c, "{\"type\":\"endSession\",\"sessionId\":\"%s\"}", session);
	say(&other, "{\"type\":\"setPeerStatus\",\"roles\":[]}");
	for (int i = 0; i < 4; i++) {
		assert_memory_equal(peers_hear(b.peer), "text {\"type\":\"endSession\"", 24);
	}
	start(&b, &a, session);
}

static void two_peers_have_four_sessions_with_each_other(void **state)
{
	struct one a = with_roles("\"producer\""), b = with_roles("\"consumer\"");
	struct one c = with_roles("\"producer\"");
	char session[UUID_LEN + 1];

	(void)state;
	for (int i = 0; i < 4; i++) {
		start(&b, &a, session);
	}
	say(&b, "{\"type\":\"startSession\",\"peerId\":\"%s\"}", a.id);
	hears(&b, "{\"type\":\"error\",\"details\":\"Peers %s and %s have 4 sessions already\"}",
		b.id, a.id);
	say(&a, "{\"type\":\"startSession\",\"peerId\":\"%s\"}", b.id);
	hears(&a, "{\"type\":\"error\",\"details\":\"Peers %s and %s have 4 sessions already\"}",
		a.id, b.id);
	start(&b, &c, session);
	say(&b, "{\"type\":\"endSession\",\"sessionId\":\"%s\"}", session);
	hears(&c, "{\"type\":\"endSession\",\"sessionId\":\"%s\"}", session);
	say(&b, "{\"type\":\"setPeerStatus\",\"roles\":[]}");
	for (int i = 0; i < 4; i++) {
		assert_memory_equal(peers_hear(a.peer), "text {\"type\":\"endSession\"", 24);
	}
	start(&b, &a, session);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_said_in_a_session_reaches_the_other_side),
		TEST(what_a_client_could_not_read_is_not_passed_on),
		TEST(strangers_do_not_get_into_a_session),
		TEST(an_unknown_session_is_passed_over),
		TEST(a_producer_may_ask_a_consumer),
		TEST(a_session_needs_two_and_a_role),
		TEST(both_sides_may_end_a_session_once),
		TEST(sessions_end_before_their_producer_is_seen_to_go),
		TEST(the_newer_version_has_reasons_for_an_end),
		TEST(sessions_of_one_peer_are_bounded),
		TEST(two_peers_have_four_sessions_with_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
