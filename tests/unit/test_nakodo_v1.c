/* nakodo.v1: joining, what is relayed and to whom, chat, what participants say about themselves,
 * and what is refused. Sessions and leaving are in test_nakodo_v1_session.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "v1.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define NONCE "AAAAAAAAAAAAAAAAAAAAAA"
#define EIGHT(text) text text text text text text text text

static const char *const mounts[] = {"/v1=nakodo.v1", NULL};
static struct options options;
static struct peers all;

static int set_up(void **state)
{
	(void)state;
	options = peers_options;
	peers_init(&all, PEERS_ALL, mounts);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	peers_options = options;
	return 0;
}

/* An error of that code, numbered like any message, and the connection stays. */
static void hears_error(struct v1_one one, const char *code)
{
	char head[64];
	const char *text = v1_hear(one);

	snprintf(head, sizeof(head), "{\"type\":\"error\",\"code\":\"%s\",\"message\":\"", code);
	if (strncmp(text, head, strlen(head)) != 0) {
		fail_msg("%s was due, not %s", code, text);
	}
	assert_int_equal(one.peer->state, PEER_OPEN);
}

/* The error, then the close frame, then nothing. */
static void is_refused(const char *url, const char *code, unsigned close)
{
	struct v1_one one = {.peer = peers_connect(&all, url)};
	char expected[64];

	snprintf(expected, sizeof(expected), "{\"type\":\"error\",\"code\":\"%s\",", code);
	assert_memory_equal(v1_hear(one), expected, strlen(expected));
	snprintf(expected, sizeof(expected), "close %u %s", close, code);
	assert_string_equal(peers_hear(one.peer), expected);
	v1_hears_nothing(one);
}

static void the_first_finds_an_empty_room(void **state)
{
	struct peer *peer = peers_connect(&all, "/v1/room?name=A\"");
	const char *text = peers_hear(peer);
	char id[64], session[64], expected[512];

	(void)state;
	v1_read(text, "id", id);
	v1_read(text, "session", session);
	assert_int_equal(strlen(session), 22);
	snprintf(expected, sizeof(expected),
		"text {\"type\":\"welcome\",\"id\":\"%s\",\"room\":\"room\",\"session\":\"%s\","
		"\"peers\":[],\"history\":[],\"locked\":false,\"can\":[\"lock\"],\"iceServers\":[],"
		"\"resumeSeconds\":30,"
		"\"limits\":{\"message\":65536,\"peers\":16}}",
		id, session);
	assert_string_equal(text, expected);
	assert_string_equal(peers_hear(peer), "nothing");
}

static void the_later_is_the_owner_towards_everybody_before(void **state)
{
	struct v1_one a = v1_join(&all, "r?name=A"), b = v1_join(&all, "r");
	struct peer *c;
	char expected[512];

	(void)state;
	v1_hears(a, "{\"type\":\"peer-joined\",\"peer\":{\"id\":\"%s\",\"owner\":false}}", b.id);
	c = peers_connect(&all, "/v1/r");
	snprintf(expected, sizeof(expected),
		"\"peers\":[{\"id\":\"%s\",\"name\":\"A\",\"owner\":true},"
		"{\"id\":\"%s\",\"owner\":true}]",
		a.id, b.id);
	assert_non_null(strstr(peers_hear(c), expected));
}

static void rooms_do_not_hear_each_other(void **state)
{
	struct v1_one a = v1_join(&all, "r"), b = v1_join(&all, "R");

	(void)state;
	peers_say(a.peer, "{\"type\":\"x\"}");
	v1_hears_nothing(a);
	v1_hears_nothing(b);
}

static void what_is_relayed_is_the_same_but_for_from(void **state)
{
	static const char *const messages[] = {
		"{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\"}",
		"{ \"sdp\" : 1.10000000000000000001 ,\t\"type\":\"answer\" } \n",
		"{\"t\\u0079pe\":\"\\u006fffer\",\"x\":{\"from\":1,\"type\":2,\"type\":3}}",
		"{\"type\":\"\",\"to_\":1}",
		"{\"type\":\"\\ud800\"}",
		"{\"x\":1,\"x\":2,\"type\":\"unread members may stand twice\"}",
	};
	struct v1_one a = v1_join(&all, "r"), b = v1_join(&all, "r"), c = v1_join(&all, "r");
	char expected[256];

	(void)state;
	v1_skip(a);
	v1_skip(b);
	for (size_t i = 0; i < COUNT(messages); i++) {
		snprintf(expected, sizeof(expected), "{\"from\":\"%s\",%s", a.id, messages[i] + 1);
		peers_say(a.peer, messages[i]);
		assert_string_equal(v1_hear(b), expected);
		assert_string_equal(v1_hear(c), expected);
		v1_hears_nothing(a);
	}
}

static void white_space_before_a_message_is_dropped(void **state)
{
	struct v1_one a = v1_join(&all, "r"), b = v1_join(&all, "r");

	(void)state;
	peers_say(a.peer, " \t\r\n{\"type\":\"x\"} ");
	v1_hears(b, "{\"from\":\"%s\",\"type\":\"x\"} ", a.id);
}

static void what_names_a_peer_goes_to_it_alone(void **state)
{
	struct v1_one a = v1_join(&all, "r"), b = v1_join(&all, "r"), c = v1_join(&all, "r");
	char message[128], expected[192];

	(void)state;
	v1_skip(a);
	v1_skip(b);
	snprintf(message, sizeof(message), "{\"type\":\"offer\",\"to\":\"%s\"}", b.id);
	snprintf(expected, sizeof(expected), "{\"from\":\"%s\",%s", a.id, message + 1);
	peers_say(a.peer, message);
	assert_string_equal(v1_hear(b), expected);
	v1_hears_nothing(a);
	v1_hears_nothing(c);
}

static void an_unknown_peer_is_named_in_the_error(void **state)
{
	struct v1_one a = v1_join(&all, "r"), b = v1_join(&all, "other");
	char message[128];

	(void)state;
	peers_say(a.peer, "{\"type\":\"offer\",\"to\":\"nobody\"}");
	assert_non_null(strstr(peers_hear(a.peer), "\"code\":\"unknown-peer\""));
	peers_say(a.peer, "{\"type\":\"chat\",\"text\":\"\",\"to\":\"nobody\\u0021\"}");
	assert_non_null(strstr(peers_hear(a.peer), ",\"to\":\"nobody\\u0021\"}"));
	snprintf(message, sizeof(message), "{\"type\":\"offer\",\"to\":\"%s\"}", b.id);
	peers_say(a.peer, message); /* it is, but elsewhere */
	hears_error(a, "unknown-peer");
	v1_hears_nothing(b);
}

static void what_is_wrong_is_answered_and_goes_nowhere(void **state)
{
	static const struct {
		const char *message, *code;
	} cases[] = {
		{"", "bad-json"},
		{"{\"type\":\"x\"", "bad-json"},
		{"\xef\xbb\xbf{\"type\":\"x\"}", "bad-json"},
		{"{\"type\":\"x\"}{}", "bad-json"},
		{"[]", "bad-message"},
		{"{}", "bad-message"},
		{"{\"type\":1}", "bad-message"},
		{"{\"type\":\"x\",\"type\":\"x\"}", "bad-message"},
		{"{\"type\":\"x\",\"typ\\u0065\":\"x\"}", "bad-message"},
		{"{\"type\":\"x\",\"from\":\"me\"}", "bad-message"},
		{"{\"type\":\"x\",\"\\u0066rom\":\"me\"}", "bad-message"},
		{"{\"type\":\"x\",\"from\":null}", "bad-message"},
		{"{\"type\":\"x\",\"to\":1}", "bad-message"},
		{"{\"type\":\"x\",\"to\":null}", "bad-message"},
		{"{\"type\":\"x\",\"to\":\"a\",\"to\":\"b\"}", "bad-message"},
		{"{\"type\":\"chat\"}", "bad-message"},
		{"{\"type\":\"chat\",\"text\":1}", "bad-message"},
		{"{\"type\":\"update\",\"name\":\"\"}", "bad-message"},
		{"{\"type\":\"update\",\"name\":\"a/b\"}", "bad-message"},
		{"{\"type\":\"update\",\"name\":\"\\u0085\"}", "bad-message"},
		{"{\"type\":\"update\",\"name\":null}", "bad-message"},
		{"{\"type\":\"update\",\"meta\":[]}", "bad-message"},
		{"{\"type\":\"ack\"}", "bad-message"},
		{"{\"type\":\"ack\",\"n\":-1}", "bad-message"},
		{"{\"type\":\"ack\",\"n\":\"1\"}", "bad-message"},
		{"{\"type\":\"ack\",\"n\":1.0}", "bad-message"},
		{"{\"type\":\"ack\",\"n\":1e0}", "bad-message"},
		{"{\"type\":\"ack\",\"n\":18446744073709551616}", "bad-message"},
		{"{\"type\":\"ping\",\"from\":\"me\"}", "bad-message"},
	};
	struct v1_one a = v1_join(&all, "r"), b = v1_join(&all, "r");

	(void)state;
	v1_skip(a);
	for (size_t i = 0; i < COUNT(cases); i++) {
		peers_say(a.peer, cases[i].message);
		hears_error(a, cases[i].code);
		if (i % 16 == 15) {
			v1_hear(a); /* an ack */
		}
		v1_hears_nothing(a);
		v1_hears_nothing(b);
	}
}

static void types_of_the_server_are_refused(void **state)
{
	static const char *const types[] = {"welcome", "resumed", "peer-joined", "peer-left",
		"peer-away", "peer-back", "peer-updated", "ice", "error", "pong", "closing",
		"token", "kicked", "\\u006bicked"};
	struct v1_one a = v1_join(&all, "r"), b = v1_join(&all, "r");
	char message[64];

	(void)state;
	v1_skip(a);
	for (size_t i = 0; i < COUNT(types); i++) {
		snprintf(message, sizeof(message), "{\"type\":\"%s\"}", types[i]);
		peers_say(a.peer, message);
		hears_error(a, "bad-message");
	}
	v1_hears_nothing(b);
}

static void a_binary_frame_is_refused(void **state)
{
	struct v1_one a = v1_join(&all, "r"), b = v1_join(&all, "r");

	(void)state;
	v1_skip(a);
	peers_send(a.peer, "{\"type\":\"x\"}", 12, true);
	hears_error(a, "not-text");
	v1_hears_nothing(b);
}

static void a_ping_is_answered_with_what_it_holds(void **state)
{
	struct v1_one a = v1_join(&all, "r");

	(void)state;
	peers_say(a.peer, "{\"type\":\"ping\",\"t\": [1.50, \"x\"] }");
	v1_hears(a, "{\"type\":\"pong\",\"t\":[1.50, \"x\"]}", NULL);
	peers_say(a.peer, "{\"type\":\"ping\"}");
	v1_hears(a, "{\"type\":\"pong\"}", NULL);
}

static void latecomers_get_the_chat_of_the_room(void **state)
{
	struct v1_one a = v1_join(&all, "r?name=A"), b = v1_join(&all, "r");
	struct peer *c;
	char message[128];
	const char *text;

	(void)state;
	peers_say(a.peer, "{\"type\":\"chat\",\"text\":\"h\\u0069\",\"x\":1}");
	snprintf(message, sizeof(message), "{\"type\":\"chat\",\"text\":\"psst\",\"to\":\"%s\"}",
		a.id);
	peers_say(b.peer, message); /* not for latecomers */
	peers_say(b.peer, "{\"type\":\"chat\",\"text\":\"ho\"}");
	c = peers_connect(&all, "/v1/r");
	text = strstr(peers_hear(c), "\"history\":[");
	assert_non_null(text);
	snprintf(message, sizeof(message),
		"\"history\":[{\"from\":\"%s\",\"name\":\"A\",\"at\":", a.id);
	assert_memory_equal(text, message, strlen(message));
	assert_non_null(strstr(text, ",\"text\":\"h\\u0069\"},{\"from\":"));
	assert_non_null(strstr(text, ",\"text\":\"ho\"}],"));
	assert_null(strstr(text, "psst"));
}

static void the_history_is_bounded_in_messages(void **state)
{
	struct v1_one a;
	const char *text;

	(void)state;
	peers_options.room_history = 2;
	a = v1_join(&all, "r");
	peers_say(a.peer, "{\"type\":\"chat\",\"text\":\"one\"}");
	peers_say(a.peer, "{\"type\":\"chat\",\"text\":\"two\"}");
	peers_say(a.peer, "{\"type\":\"chat\",\"text\":\"three\"}");
	text = peers_hear(peers_connect(&all, "/v1/r"));
	assert_null(strstr(text, "\"one\""));
	assert_non_null(strstr(text, "\"two\""));
	assert_non_null(strstr(text, "\"three\""));
}

static void the_history_is_bounded_in_bytes(void **state)
{
	char message[40000];
	struct v1_one a = v1_join(&all, "r");
	const char *text;

	(void)state;
	for (char letter = 'a'; letter < 'd'; letter++) {
		int len = snprintf(message, sizeof(message), "{\"type\":\"chat\",\"text\":\"");

		memset(message + len, letter, 30000);
		snprintf(message + len + 30000, 3, "\"}");
		peers_say(a.peer, message);
	}
	text = strstr(peers_hear(peers_connect(&all, "/v1/r")), "\"history\"");
	assert_null(strstr(text, "aaaa"));
	assert_non_null(strstr(text, "bbbb"));
	assert_non_null(strstr(text, "cccc"));
}

static void the_history_goes_with_the_room(void **state)
{
	struct v1_one a = v1_join(&all, "r");

	(void)state;
	peers_say(a.peer, "{\"type\":\"chat\",\"text\":\"one\"}");
	peers_say(a.peer, "{\"type\":\"bye\"}");
	assert_non_null(strstr(peers_hear(peers_connect(&all, "/v1/r")), "\"history\":[]"));
}

#define UPDATED "{\"type\":\"peer-updated\",\"peer\":{\"id\":\"%s\",\"name\":\"A\",\"meta\":"

static void an_update_is_told_to_all_and_kept(void **state)
{
	struct v1_one a = v1_join(&all, "r"), b = v1_join(&all, "r");

	(void)state;
	v1_skip(a);
	peers_say(a.peer, "{\"type\":\"update\",\"name\":\"A\",\"meta\":{ \"x\":1}}");
	v1_hears(b, UPDATED "{ \"x\":1}}}", a.id);
	v1_hears(a, UPDATED "{ \"x\":1}}}", a.id); /* so it knows that it was taken */
	v1_hears_nothing(a);
	peers_say(a.peer, "{\"type\":\"update\",\"meta\":{}}"); /* the name stays */
	v1_hears(b, UPDATED "{}}}", a.id);
	assert_non_null(strstr(peers_hear(peers_connect(&all, "/v1/r")),
		"\"name\":\"A\",\"meta\":{},\"owner\":true}"));
}

static void meta_is_bounded(void **state)
{
	struct v1_one a, b;

	(void)state;
	peers_options.max_meta = 10;
	a = v1_join(&all, "r");
	b = v1_join(&all, "r");
	v1_skip(a);
	peers_say(a.peer, "{\"type\":\"update\",\"meta\":{\"x\":1234}}");
	v1_skip(a);
	v1_skip(b);
	peers_say(a.peer, "{\"type\":\"update\",\"meta\":{\"x\":12345}}");
	hears_error(a, "bad-message");
	v1_hears_nothing(b);
}

static void a_name_that_is_none_is_refused(void **state)
{
	static const char *const urls[] = {"/v1", "/v1/", "/v1/a\x01", "/v1/a\x7f", "/v1/a\xc2\x85",
		"/v1/\xff", "/v1/" EIGHT(EIGHT("ab")) "c", "/v1/r?name=", "/v1/r?name=a/b",
		"/v1/r?name=\xc3", "/v1/r?name=" EIGHT(EIGHT("ab")) "c", "/v1/r?nonce=short",
		"/v1/r?nonce=" NONCE "A", "/v1/r?nonce=+AAAAAAAAAAAAAAAAAAAAA"};

	(void)state;
	for (size_t i = 0; i < COUNT(urls); i++) {
		is_refused(urls[i], "bad-room", 4400);
	}
	v1_join(&all, EIGHT(EIGHT("ab")));
	v1_join(&all, "\xe6\x9c\x9d\xe4\xbc\x9a;&+%");
}

static void a_full_room_is_closed_with_4413(void **state)
{
	struct v1_one a, b;

	(void)state;
	peers_finish(&all);
	peers_options.room_peers = 2;
	peers_init(&all, PEERS_ALL, mounts);
	a = v1_join(&all, "r");
	b = v1_join(&all, "r");
	v1_skip(a);
	is_refused("/v1/r", "room-full", 4413);
	v1_hears_nothing(a);
	peers_say(b.peer, "{\"type\":\"bye\"}");
	v1_join(&all, "r");
}

static void more_rooms_than_allowed_are_refused(void **state)
{
	struct v1_one a, b;

	(void)state;
	peers_options.rooms_max = 2;
	a = v1_join(&all, "a");
	b = v1_join(&all, "b");
	is_refused("/v1/c", "room-full", 4413);
	v1_join(&all, "a"); /* no new one */
	v1_drop(a, 1000);
	is_refused("/v1/c", "room-full", 4413);
	v1_drop(b, 1000);
	v1_join(&all, "c");
}

static void the_mount_has_no_parameters(void **state)
{
	struct option_item item = {(char *)"/v1=nakodo.v1?x=1", (char *)"test"};
	const struct option_list list = {&item, 1};
	struct dialect_table *table;
	struct problem problem;

	(void)state;
	assert_int_not_equal(dialect_table_create(&table, all.hub, &peers_env, &list, &problem), 0);
	assert_string_equal(
		problem.text, "test: mount `/v1=nakodo.v1?x=1`: nakodo.v1 has no parameter `x`");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_first_finds_an_empty_room),
		TEST(the_later_is_the_owner_towards_everybody_before),
		TEST(rooms_do_not_hear_each_other),
		TEST(what_is_relayed_is_the_same_but_for_from),
		TEST(white_space_before_a_message_is_dropped),
		TEST(what_names_a_peer_goes_to_it_alone),
		TEST(an_unknown_peer_is_named_in_the_error),
		TEST(what_is_wrong_is_answered_and_goes_nowhere),
		TEST(types_of_the_server_are_refused),
		TEST(a_binary_frame_is_refused),
		TEST(a_ping_is_answered_with_what_it_holds),
		TEST(latecomers_get_the_chat_of_the_room),
		TEST(the_history_is_bounded_in_messages),
		TEST(the_history_is_bounded_in_bytes),
		TEST(the_history_goes_with_the_room),
		TEST(an_update_is_told_to_all_and_kept),
		TEST(meta_is_bounded),
		TEST(a_name_that_is_none_is_refused),
		TEST(a_full_room_is_closed_with_4413),
		TEST(more_rooms_than_allowed_are_refused),
		TEST(the_mount_has_no_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
