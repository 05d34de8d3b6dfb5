/* ayame: rooms of two, who is let in, what ends a connection, pings and standalone mode. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "peers.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define URL "/signaling"
#define REGISTER "{\"type\":\"register\",\"roomId\":\"r\",\"clientId\":\"c\"}"
#define STANDALONE "{\"type\":\"register\",\"roomId\":\"r\",\"standalone\":true}"
#define PONG "{\"type\":\"pong\"}"
#define HEARS_PING(peer) assert_string_equal(peers_hear(peer), "text {\"type\":\"ping\"}")
#define HEARS_BYE(peer) assert_string_equal(peers_hear(peer), "text {\"type\":\"bye\"}")
#define HEARS_NOTHING(peer) assert_string_equal(peers_hear(peer), "nothing")
/* The close frame, and nothing behind it. */
#define IS_CLOSED(peer)                                                                            \
	do {                                                                                       \
		assert_string_equal(peers_hear(peer), "close 1000 ");                              \
		HEARS_NOTHING(peer);                                                               \
		assert_int_equal((peer)->state, PEER_CLOSING);                                     \
	} while (0)

static const char *const mounts[] = {URL "=ayame", NULL};
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

/* Let in, with a connection id that is a ULID of its own. */
static void hears_accept(struct peer *peer, const char *exists)
{
	static const char head[] = "text {\"type\":\"accept\",\"connectionId\":\"";
	static char last[27];
	const char *text = peers_hear(peer), *id = text + sizeof(head) - 1;
	char rest[128];

	assert_memory_equal(text, head, sizeof(head) - 1);
	assert_int_equal(strspn(id, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 26);
	assert_memory_not_equal(id, last, 26);
	memcpy(last, id, 26);
	snprintf(rest, sizeof(rest), "\",\"isExistClient\":%s,\"isExistUser\":%s}", exists, exists);
	assert_string_equal(id + 26, rest);
}

static struct peer *registered(const char *message, const char *exists)
{
	struct peer *peer = peers_connect(&all, URL);

	peers_say(peer, message);
	hears_accept(peer, exists);
	HEARS_NOTHING(peer);
	return peer;
}

static void the_second_is_told_that_there_is_a_first(void **state)
{
	struct peer *a = registered(REGISTER, "false"), *b;

	(void)state;
	b = registered("{\"type\":\"register\",\"roomId\":\"r\",\"key\":\"k\"}", "true");
	HEARS_NOTHING(a);
	assert_int_equal(b->state, PEER_OPEN);
	registered("{\"type\":\"register\",\"roomId\":\"R\"}", "false");
}

static void what_they_say_is_passed_on_byte_for_byte(void **state)
{
	static const char *const messages[] = {
		"{\"type\":\"offer\",\"sdp\":\"v=0\"}",
		" {\"sdp\" : \"\\r\\n\" ,\t\"type\":\"answer\", \"n\":1.1000000000000000000001 } ",
		"{\"type\":\"candidate\",\"ice\":{\"candidate\":\"\\u65e5\\ud800\"},\"ice\":0}",
		"{\"t\\u0079pe\":\"off\\u0065r\"}",
	};
	struct peer *a = registered(REGISTER, "false"), *b = registered(REGISTER, "true");

	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		peers_say(b, messages[i]);
		assert_string_equal(peers_hear(a) + 5, messages[i]);
		peers_send(a, messages[i], strlen(messages[i]), true);
		assert_memory_equal(peers_hear(b), "text ", 5); /* as text, even if sent binary */
		HEARS_NOTHING(a);
		HEARS_NOTHING(b);
	}
}

static void what_is_said_to_nobody_is_dropped(void **state)
{
	struct peer *a = registered(REGISTER, "false");

	(void)state;
	peers_say(a, "{\"type\":\"offer\",\"sdp\":\"v=0\"}");
	HEARS_NOTHING(a);
	HEARS_NOTHING(registered(REGISTER, "true"));
}

static void the_third_is_rejected(void **state)
{
	struct peer *a = registered(REGISTER, "false"), *b = registered(REGISTER, "true");
	struct peer *c = peers_connect(&all, URL);

	(void)state;
	peers_say(c, REGISTER);
	assert_string_equal(peers_hear(c), "text {\"type\":\"reject\",\"reason\":\"full\"}");
	IS_CLOSED(c);
	HEARS_NOTHING(a);
	HEARS_NOTHING(b);
}

static void when_one_leaves_the_other_must(void **state)
{
	struct peer *a = registered(REGISTER, "false"), *b = registered(REGISTER, "true");

	(void)state;
	hub_drop(a);
	HEARS_BYE(b);
	IS_CLOSED(b);
	HEARS_NOTHING(a);
	registered(REGISTER, "false");
}

static void who_errs_is_closed_and_its_partner_too(void **state)
{
	struct peer *a = registered(REGISTER, "false"), *b = registered(REGISTER, "true");

	(void)state;
	peers_say(a, REGISTER);
	IS_CLOSED(a);
	HEARS_BYE(b);
	IS_CLOSED(b);
}

static void nonsense_ends_the_connection(void **state)
{
	static const char *const messages[] = {
		"",
		"null",
		"[]",
		"\"register\"",
		"{\"type\":\"register\",\"roomId\":\"r\"",
		"{}",
		"{\"type\":null}",
		"{\"type\":1}",
		"{\"type\":\"bye\"}",
		"{\"type\":\"ping\"}",
		"{\"type\":\"Register\",\"roomId\":\"r\"}",
		"{\"type\":\"offer\"}",
		"{\"type\":\"answer\"}",
		"{\"type\":\"candidate\"}",
		"{\"type\":\"connected\"}",
		"{\"type\":\"register\"}",
		"{\"type\":\"register\",\"roomId\":\"\"}",
		"{\"type\":\"register\",\"roomId\":null}",
		"{\"type\":\"register\",\"roomId\":7}",
		"{\"type\":\"register\",\"roomId\":\"\\u0000\"}",
		"{\"type\":\"register\",\"roomId\":\"\\ud800\"}",
		"{\"type\":\"register\",\"roomId\":\"r\",\"clientId\":7}",
		"{\"type\":\"register\",\"roomId\":\"r\",\"key\":{}}",
		"{\"type\":\"register\",\"roomId\":\"r\",\"signalingKey\":[]}",
		"{\"type\":\"register\",\"roomId\":\"r\",\"ayameClient\":true}",
		"{\"type\":\"register\",\"roomId\":\"r\",\"libwebrtc\":0}",
		"{\"type\":\"register\",\"roomId\":\"r\",\"environment\":false}",
		"{\"type\":\"register\",\"roomId\":\"r\",\"standalone\":\"true\"}",
		/* two readers would see two rooms, or two messages */
		"{\"type\":\"register\",\"roomId\":\"r\",\"room\\u0049d\":\"s\"}",
		"{\"type\":\"register\",\"roomId\":\"r\",\"type\":\"pong\"}",
		"{\"type\":\"register\",\"roomId\":\"r\",\"key\":\"a\",\"key\":\"b\"}",
	};

	for (size_t i = 0; i < COUNT(messages); i++) {
		struct peer *peer;

		if (i % 8 == 7) {
			tear_down(state);
			set_up(state);
		}
		peer = peers_connect(&all, URL);
		peers_say(peer, messages[i]);
		IS_CLOSED(peer);
	}
}

static void every_member_of_a_register_may_be_there(void **state)
{
	(void)state;
	registered(
		"{\"type\":\"register\",\"roomId\":\"a\",\"clientId\":\"\",\"signalingKey\":\"s\","
		"\"key\":\"k\",\"authnMetadata\":{\"a\":[1]},\"ayameClient\":\"x\","
		"\"libwebrtc\":\"M1\",\"environment\":\"e\",\"standalone\":false,\"more\":1}",
		"false");
	registered("{\"type\":\"register\",\"roomId\":\"b\",\"clientId\":null,\"key\":null,"
		   "\"authnMetadata\":7,\"standalone\":null}",
		"false");
}

static void a_rooms_name_is_bounded(void **state)
{
	char message[256];
	struct peer *peer = peers_connect(&all, URL);

	(void)state;
	snprintf(message, sizeof(message), "{\"type\":\"register\",\"roomId\":\"%0129d\"}", 0);
	peers_say(peer, message);
	assert_string_equal(
		peers_hear(peer), "text {\"type\":\"reject\",\"reason\":\"roomId is too long\"}");
	IS_CLOSED(peer);
	snprintf(message, sizeof(message), "{\"type\":\"register\",\"roomId\":\"%0128d\"}", 0);
	registered(message, "false");
}

static void pings_come_every_five_seconds_even_before_the_register(void **state)
{
	struct peer *peer = peers_connect(&all, URL);

	(void)state;
	peers_wait(&all, 4980);
	HEARS_NOTHING(peer);
	for (int i = 0; i < 3; i++) {
		peers_wait(&all, 5016);
		HEARS_PING(peer);
		HEARS_NOTHING(peer);
	}
}

static void who_does_not_answer_for_a_minute_is_closed(void **state)
{
	struct peer *a = registered(REGISTER, "false"), *b = registered(REGISTER, "true");

	(void)state;
	for (int i = 0; i < 10; i++) {
		peers_wait(&all, 5000);
		peers_say(a, PONG);
		/* nothing else counts */
		peers_say(b, "{\"type\":\"offer\"}");
	}
	peers_wait(&all, 9000);
	assert_int_equal(b->state, PEER_OPEN);
	peers_wait(&all, 1500);
	assert_int_equal(b->state, PEER_CLOSING);
	assert_int_equal(a->state, PEER_CLOSING);
	assert_int_equal(peers_of(a)->left, 1);
}

static void who_answers_stays(void **state)
{
	struct peer *peer = registered(REGISTER, "false");

	(void)state;
	for (int i = 0; i < 60; i++) {
		peers_wait(&all, 5000);
		peers_say(peer, PONG);
	}
	assert_int_equal(peer->state, PEER_OPEN);
}

static void standalone_peers_are_not_pinged(void **state)
{
	struct peer *peer = registered(STANDALONE, "false");

	(void)state;
	peers_wait(&all, 300000);
	HEARS_NOTHING(peer);
	assert_int_equal(peer->state, PEER_OPEN);
}

static void a_standalone_peer_that_is_connected_is_done(void **state)
{
	static const char connected[] = "{\"type\":\"connected\"}";
	struct peer *a = registered(STANDALONE, "false"), *b = registered(STANDALONE, "true");
	struct peer *c, *d;

	(void)state;
	peers_say(a, connected);
	IS_CLOSED(a);
	IS_CLOSED(b); /* without a bye */
	c = registered(REGISTER, "false");
	d = registered(STANDALONE, "true");
	peers_say(c, connected); /* means nothing from one that is not standalone */
	HEARS_NOTHING(c);
	peers_say(d, connected);
	IS_CLOSED(d);
	HEARS_BYE(c);
	IS_CLOSED(c);
}

static void it_has_no_parameters(void **state)
{
	const struct mount *mount;
	struct problem problem;

	(void)state;
	mount = dialect_table_own(all.mounts, "here", "ayame?x=1", &problem);
	assert_null(mount);
	assert_string_equal(problem.text, "ayame has no parameter `x`");
}

static void its_own_listener_answers_as_the_original(void **state)
{
	struct dialect_request request = {.path = "/.ok"};
	struct dialect_answer answer = {0};
	struct problem problem;
	const struct mount *own = dialect_table_own(all.mounts, "here", "ayame", &problem);
	const char *room;

	(void)state;
	assert_non_null(own);
	assert_ptr_equal(dialect_table_route_own(own, "/signaling", &room), own);
	assert_null(dialect_table_route_own(own, "/", &room));
	assert_null(dialect_table_route_own(own, "/signaling/x", &room));
	assert_null(dialect_table_route(all.mounts, "/signaling/x", &room));
	assert_false(dialect_table_http(all.mounts, NULL, &request, &answer));
	assert_true(dialect_table_http(all.mounts, own, &request, &answer));
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.len, 0);
	request.path = "/.ok/";
	assert_false(dialect_table_http(all.mounts, own, &request, &answer));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_second_is_told_that_there_is_a_first),
		TEST(what_they_say_is_passed_on_byte_for_byte),
		TEST(what_is_said_to_nobody_is_dropped),
		TEST(the_third_is_rejected),
		TEST(when_one_leaves_the_other_must),
		TEST(who_errs_is_closed_and_its_partner_too),
		TEST(nonsense_ends_the_connection),
		TEST(every_member_of_a_register_may_be_there),
		TEST(a_rooms_name_is_bounded),
		TEST(pings_come_every_five_seconds_even_before_the_register),
		TEST(who_does_not_answer_for_a_minute_is_closed),
		TEST(who_answers_stays),
		TEST(standalone_peers_are_not_pinged),
		TEST(a_standalone_peer_that_is_connected_is_done),
		TEST(it_has_no_parameters),
		TEST(its_own_listener_answers_as_the_original),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
