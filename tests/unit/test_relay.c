/* relay, chat: any message to the others of the room; chat to its sender as well. */
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

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *const mounts[] = {"/relay=relay", "/chat=chat", NULL};
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

static void relay_passes_a_message_to_everyone_but_its_sender(void **state)
{
	struct peer *a = peers_connect(&all, "/relay"), *b = peers_connect(&all, "/relay");
	struct peer *c = peers_connect(&all, "/relay");

	(void)state;
	peers_say(b, "hello");
	assert_string_equal(peers_hear(a), "text hello");
	assert_string_equal(peers_hear(b), "nothing");
	assert_string_equal(peers_hear(c), "text hello");
}

static void chat_passes_a_message_to_everyone(void **state)
{
	struct peer *a = peers_connect(&all, "/chat"), *b = peers_connect(&all, "/chat");

	(void)state;
	peers_say(b, "hello");
	assert_string_equal(peers_hear(a), "text hello");
	assert_string_equal(peers_hear(b), "text hello");
	assert_string_equal(peers_hear(b), "nothing");
}

static void every_payload_comes_out_as_it_went_in(void **state)
{
	static const char nul[] = "a\0b";
	struct peer *a = peers_connect(&all, "/relay"), *b = peers_connect(&all, "/relay");
	char large[60001];
	const struct {
		const char *bytes;
		size_t len;
		bool binary;
	} cases[] = {
		{"", 0, false},
		{"", 0, true},
		{"{", 1, false},
		{"\xe5\x90\x8d\xe5\x89\x8d", 6, false},
		{nul, 3, false},
		{nul, 3, true},
		{"\xff\xfe\x80", 3, true},
		{"\r\n \t", 4, false},
		{large, 60000, false},
	};

	(void)state;
	memset(large, 'l', sizeof(large));
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct frame *frame;

		peers_send(a, cases[i].bytes, cases[i].len, cases[i].binary);
		frame = outbox_pop(&b->outbox);
		assert_int_equal(frame->bytes[0], cases[i].binary ? 0x82 : 0x81);
		assert_memory_equal(
			frame->bytes + frame->len - cases[i].len, cases[i].bytes, cases[i].len);
		assert_true(frame->len - cases[i].len <= 4);
		frame_unref(frame);
	}
}

static void messages_keep_their_order(void **state)
{
	struct peer *a = peers_connect(&all, "/chat"), *b = peers_connect(&all, "/chat");
	char text[32];

	(void)state;
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "text %d", i);
		peers_say(i % 3 ? a : b, text + 5);
	}
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "text %d", i);
		assert_string_equal(peers_hear(a), text);
		assert_string_equal(peers_hear(b), text);
	}
}

static void rooms_do_not_hear_each_other(void **state)
{
	struct peer *a = peers_connect(&all, "/relay/one"), *b = peers_connect(&all, "/relay/two");
	struct peer *c = peers_connect(&all, "/relay"), *d = peers_connect(&all, "/chat/one");

	(void)state;
	peers_say(a, "hello");
	assert_string_equal(peers_hear(b), "nothing");
	assert_string_equal(peers_hear(c), "nothing");
	assert_string_equal(peers_hear(d), "nothing");
}

static void who_has_left_is_not_missed(void **state)
{
	struct peer *a = peers_connect(&all, "/relay"), *b = peers_connect(&all, "/relay");
	struct peer *c = peers_connect(&all, "/relay");

	(void)state;
	hub_drop(b);
	peers_say(a, "hello");
	assert_string_equal(peers_hear(b), "nothing");
	assert_string_equal(peers_hear(c), "text hello");
	hub_drop(c);
	peers_say(a, "alone");
	assert_string_equal(peers_hear(a), "nothing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			relay_passes_a_message_to_everyone_but_its_sender, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			chat_passes_a_message_to_everyone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			every_payload_comes_out_as_it_went_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(messages_keep_their_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rooms_do_not_hear_each_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_has_left_is_not_missed, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
