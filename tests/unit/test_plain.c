/* plain: rooms and opcodes, as relay, chat, echo and signal have them in common. */
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

static const char *const mounts[] = {"/relay=relay", "/chat=chat", "/signal=signal", "/echo=echo",
	"/binary=relay?frames=binary", "/text=chat?frames=text", NULL};

static struct peers all;

static int set_up(void **state)
{
	struct hub_limits limits = {.room_members = 2, .outbox_bytes = 100000};

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

static const char *room_of(const struct peer *peer)
{
	return peer->seats ? peer->seats->room->name : "none";
}

static void connecting_is_joining_the_room_that_was_asked_for(void **state)
{
	static const struct {
		const char *url, *room;
	} cases[] = {
		{"/relay", ""},
		{"/relay/", ""},
		{"/relay/one", "one"},
		{"/relay?room=one", "one"},
		{"/relay/?room=one", "one"},
		{"/relay/one?room=two", "one"},
		{"/relay?room=", ""},
		{"/relay?room", ""},
		{"/relay?other=1", ""},
		{"/relay?rooms=no&room=two&room=three", "two"},
		{"/chat/r 1", "r 1"},
		{"/chat?room=a=b", "a=b"},
		{"/signal/\xe5\x90\x8d", "\xe5\x90\x8d"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct peer *peer = peers_connect(&all, cases[i].url);

		assert_int_equal(peer->state, PEER_OPEN);
		assert_string_equal(room_of(peer), cases[i].room);
		hub_drop(peer);
	}
}

static void a_room_in_the_path_is_the_room_of_the_same_name_behind_a_question_mark(void **state)
{
	struct peer *a = peers_connect(&all, "/relay/r"), *b = peers_connect(&all, "/relay?room=r");

	(void)state;
	peers_say(a, "hello");
	assert_string_equal(peers_hear(b), "text hello");
}

static void a_room_name_that_is_too_long_is_refused(void **state)
{
	static const char *const heads[] = {"/relay/", "/relay?room="};
	char name[HUB_NAME_MAX + 2], url[HUB_NAME_MAX + 64];

	(void)state;
	memset(name, 'n', sizeof(name));
	for (size_t i = 0; i < COUNT(heads); i++) {
		struct peer *peer;

		snprintf(url, sizeof(url), "%s%.*s", heads[i], HUB_NAME_MAX, name);
		peer = peers_connect(&all, url);
		assert_int_equal(peer->state, PEER_OPEN);
		snprintf(url, sizeof(url), "%s%.*s", heads[i], HUB_NAME_MAX + 1, name);
		peer = peers_connect(&all, url);
		assert_string_equal(
			peers_hear(peer), "close 4400 a room's name has at most 128 bytes");
	}
}

static void the_room_that_is_full_closes_the_next(void **state)
{
	static const char *const urls[] = {"/relay/r", "/chat/r"};

	(void)state;
	for (size_t i = 0; i < COUNT(urls); i++) {
		struct peer *first = peers_connect(&all, urls[i]), *third;

		peers_connect(&all, urls[i]);
		third = peers_connect(&all, urls[i]);
		assert_string_equal(peers_hear(third), "close 4413 room full");
		assert_int_equal(first->state, PEER_OPEN);
		hub_drop(first);
		assert_int_equal(peers_connect(&all, urls[i])->state, PEER_OPEN);
	}
}

static void a_client_chooses_which_opcode_it_receives(void **state)
{
	static const struct {
		const char *url, *after_text, *after_binary;
	} cases[] = {
		{"/chat/r", "text x", "binary x"},
		{"/chat/r?frames=text", "text x", "text x"},
		{"/chat/r?frames=binary", "binary x", "binary x"},
		{"/chat?frames=binary&room=r", "binary x", "binary x"},
		{"/echo?frames=text", "text x", "text x"},
		{"/echo?frames=binary", "binary x", "binary x"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct peer *peer = peers_connect(&all, cases[i].url);

		peers_say(peer, "x");
		assert_string_equal(peers_hear(peer), cases[i].after_text);
		peers_send(peer, "x", 1, true);
		assert_string_equal(peers_hear(peer), cases[i].after_binary);
		hub_drop(peer);
	}
}

static void the_mount_chooses_for_clients_that_do_not(void **state)
{
	struct peer *silent = peers_connect(&all, "/binary"), *text;

	(void)state;
	assert_int_equal(silent->choice, FRAME_AS_BINARY);
	text = peers_connect(&all, "/binary?frames=text");
	assert_int_equal(text->choice, FRAME_AS_TEXT);
	assert_int_equal(peers_connect(&all, "/text")->choice, FRAME_AS_TEXT);
}

static void what_is_no_utf8_stays_binary_for_everyone(void **state)
{
	struct peer *a = peers_connect(&all, "/chat/r?frames=text");
	struct peer *b = peers_connect(&all, "/chat/r");

	(void)state;
	peers_send(b, "\xff\xfe", 2, true);
	assert_string_equal(peers_hear(a), "binary \xff\xfe");
	assert_string_equal(peers_hear(b), "binary \xff\xfe");
}

static void frames_that_are_neither_text_nor_binary_are_refused(void **state)
{
	static const char *const urls[] = {"/relay?frames=paper", "/relay?frames=", "/relay?frames",
		"/relay?frames=Text", "/relay?frames=text ", "/relay?frames=texttexttexttexttext",
		"/signal?frames=x", "/echo?frames=x", "/chat?frames=x", "/binary?frames=x"};

	(void)state;
	for (size_t i = 0; i < COUNT(urls); i++) {
		/* one that is right comes before, since what it left in memory must not count */
		struct peer *right = peers_connect(&all, "/text?frames=text"), *wrong;

		wrong = peers_connect(&all, urls[i]);
		if (wrong->state == PEER_OPEN) {
			fail_msg("%s", urls[i]);
		}
		assert_string_equal(peers_hear(wrong), "close 4400 frames must be text or binary");
		assert_string_equal(room_of(wrong), "none");
		hub_drop(right);
		hub_drop(wrong);
		peers_finish(&all);
		set_up(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			connecting_is_joining_the_room_that_was_asked_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_room_in_the_path_is_the_room_of_the_same_name_behind_a_question_mark,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_room_name_that_is_too_long_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_room_that_is_full_closes_the_next, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_client_chooses_which_opcode_it_receives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_mount_chooses_for_clients_that_do_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_no_utf8_stays_binary_for_everyone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			frames_that_are_neither_text_nor_binary_are_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
