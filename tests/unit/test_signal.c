/* signal: objects with a type go to the others byte for byte; the rest is answered and stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/json.h"
#include "nakodo/hub/hub.h"
#include "peers.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *const mounts[] = {"/=signal", "/in=signal", NULL};
static struct peers all;

static int set_up(void **state)
{
	struct hub_limits limits = {.room_members = 3, .outbox_bytes = 100000};

	(void)state;
	peers_init(&all, limits, mounts);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

static void a_message_with_a_type_goes_byte_for_byte_to_the_others(void **state)
{
	static const char *const messages[] = {"{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\"}",
		"{\"type\":\"answer\"}", "{\"type\":\"\"}",
		" \t\r\n{ \"candidate\" : {\"candidate\":\"\"} , \"type\":\"candidate\" }\n",
		"{\"a\":12345678901234567890.10,\"type\":\"x\",\"b\":\"\\u0000\\ud800\"}",
		"{\"\\u0074ype\":\"x\"}", "{\"type\":\"\\ud800\"}",
		"{\"a\":1,\"a\":2,\"type\":\"x\"}", "{\"Type\":1,\"type\":\"\xe5\x90\x8d\"}"};
	struct peer *a = peers_connect(&all, "/"), *b = peers_connect(&all, "/");
	struct peer *c = peers_connect(&all, "/");
	char heard[256];

	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		peers_say(a, messages[i]);
		snprintf(heard, sizeof(heard), "text %s", messages[i]);
		assert_string_equal(peers_hear(b), heard);
		assert_string_equal(peers_hear(c), heard);
		assert_string_equal(peers_hear(a), "nothing");
	}
}

static void the_opcode_is_that_of_the_sender(void **state)
{
	static const char message[] = "{\"type\":\"x\"}";
	struct peer *a = peers_connect(&all, "/"), *b = peers_connect(&all, "/");
	struct peer *c = peers_connect(&all, "/?frames=text");

	(void)state;
	peers_send(a, message, sizeof(message) - 1, true);
	assert_string_equal(peers_hear(b), "binary {\"type\":\"x\"}");
	assert_string_equal(peers_hear(c), "text {\"type\":\"x\"}");
}

/* The answer is itself a message of this protocol. */
static void assert_answered(struct peer *peer, const char *code)
{
	struct json_member members[] = {{.name = "type"}, {.name = "code"}, {.name = "message"}};
	const char *heard = peers_hear(peer);

	assert_memory_equal(heard, "text ", 5);
	assert_int_equal(json_scan(heard + 5, strlen(heard) - 5, members, 3), JSON_OK);
	assert_true(json_equals(&members[0].value, "error"));
	assert_true(json_equals(&members[1].value, code));
	assert_int_equal(members[2].value.kind, JSON_STRING);
	assert_true(members[2].value.len > 10);
}

static void what_is_no_json_is_answered_and_goes_nowhere(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{"", 0},
		{"hello", 5},
		{"{", 1},
		{"{\"type\":\"offer\"", 15},
		{"{\"type\":\"offer\"}}", 17},
		{"{\"type\":\"offer\"} {}", 19},
		{"{'type':'offer'}", 16},
		{"{\"type\":\"\xff\"}", 12},
		{"{\"type\":\"a\nb\"}", 14},
		{"{\"type\":\"a\0b\"}", 14},
		{"{\"type\":\"x\"}\0", 13},
		{"\xef\xbb\xbf{\"type\":\"x\"}", 15},
	};
	struct peer *a = peers_connect(&all, "/"), *b = peers_connect(&all, "/");

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		peers_send(a, cases[i].bytes, cases[i].len, i % 2);
		assert_answered(a, "bad-json");
		assert_string_equal(peers_hear(a), "nothing");
		assert_string_equal(peers_hear(b), "nothing");
		assert_int_equal(a->state, PEER_OPEN);
	}
}

static void json_without_one_type_that_is_a_string_is_answered_and_goes_nowhere(void **state)
{
	static const char *const messages[] = {"null", "true", "1", "\"type\"", "[]",
		"[{\"type\":\"offer\"}]", "{}", "{\"type\":null}", "{\"type\":1}", "{\"type\":{}}",
		"{\"type\":[\"offer\"]}", "{\"Type\":\"offer\"}", "{\"a\":{\"type\":\"offer\"}}",
		"{\"type\":\"offer\",\"type\":\"answer\"}",
		"{\"type\":\"offer\",\"\\u0074ype\":\"offer\"}"};
	struct peer *a = peers_connect(&all, "/"), *b = peers_connect(&all, "/");

	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		peers_say(a, messages[i]);
		assert_answered(a, "bad-message");
		assert_string_equal(peers_hear(a), "nothing");
		assert_string_equal(peers_hear(b), "nothing");
		assert_int_equal(a->state, PEER_OPEN);
	}
}

static void rooms_do_not_hear_each_other(void **state)
{
	struct peer *a = peers_connect(&all, "/?room=one"), *b = peers_connect(&all, "/?room=two");
	struct peer *c = peers_connect(&all, "/in/one"), *d = peers_connect(&all, "/?room=one");

	(void)state;
	peers_say(a, "{\"type\":\"x\"}");
	assert_string_equal(peers_hear(b), "nothing");
	assert_string_equal(peers_hear(c), "nothing");
	assert_string_equal(peers_hear(d), "text {\"type\":\"x\"}");
}

static void a_full_room_says_so_before_it_closes(void **state)
{
	struct peer *late;

	(void)state;
	for (int i = 0; i < 3; i++) {
		peers_connect(&all, "/in/r");
	}
	late = peers_connect(&all, "/in/r");
	assert_answered(late, "room-full");
	assert_string_equal(peers_hear(late), "close 4413 room full");
	assert_string_equal(peers_hear(late), "nothing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_message_with_a_type_goes_byte_for_byte_to_the_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_opcode_is_that_of_the_sender, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_no_json_is_answered_and_goes_nowhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			json_without_one_type_that_is_a_string_is_answered_and_goes_nowhere, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(rooms_do_not_hear_each_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_full_room_says_so_before_it_closes, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
