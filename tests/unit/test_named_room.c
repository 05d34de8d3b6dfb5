/* named-room: who is asked for an offer, where descriptions go, and what is passed over. */
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
#define OFFER "\"description\":{\"type\":\"offer\",\"sdp\":\"v=0\"}"
#define ANSWER "\"description\":{\"type\":\"answer\",\"sdp\":\"v=0\"}"

static const char *const mounts[] = {"/named=named-room", "/other=named-room", NULL};
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

static void open_room(struct peer *peer, const char *room, const char *name)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"method\":\"open\",\"roomName\":\"%s\",\"name\":\"%s\"}",
		room, name);
	peers_say(peer, text);
}

/* One more connection that has opened the room under that name. */
static struct peer *enter(const char *room, const char *name)
{
	struct peer *peer = peers_connect(&all, "/named");

	open_room(peer, room, name);
	return peer;
}

/* The message that asks `from` to make an offer to `to`. */
static void assert_asked(struct peer *peer, const char *room, const char *to, const char *from)
{
	static const char *const names[] = {"method", "type", "roomName", "to", "from"};
	const char *values[] = {"rtc", "request", room, to, from};
	struct json_member members[COUNT(names)];
	const char *heard = peers_hear(peer);

	assert_memory_equal(heard, "text {", 6);
	for (size_t i = 0; i < COUNT(names); i++) {
		members[i].name = names[i];
	}
	assert_int_equal(json_scan(heard + 5, strlen(heard + 5), members, COUNT(names)), JSON_OK);
	for (size_t i = 0; i < COUNT(names); i++) {
		if (!json_equals(&members[i].value, values[i])) {
			fail_msg("%s in %s is not %s", names[i], heard, values[i]);
		}
	}
}

static void assert_all_silent(void)
{
	for (size_t i = 0; i < all.count; i++) {
		assert_string_equal(peers_hear(&all.all[i].peer), "nothing");
	}
}

static void whoever_was_there_is_asked_to_make_an_offer_to_the_newcomer(void **state)
{
	struct peer *a = enter("r", "A"), *b, *c;

	(void)state;
	assert_all_silent();
	b = enter("r", "B");
	assert_asked(a, "r", "B", "A");
	assert_all_silent();
	c = enter("r", "C");
	assert_ptr_equal(hub_next_dirty(all.hub, NULL, false), a); /* in order of arrival */
	assert_ptr_equal(hub_next_dirty(all.hub, NULL, false), b);
	assert_asked(a, "r", "C", "A");
	assert_asked(b, "r", "C", "B");
	assert_all_silent();
	assert_int_equal(c->state, PEER_OPEN);
}

static void names_of_any_characters_come_out_as_they_went_in(void **state)
{
	static const char name[] = "\\u540d \\\"\\\\\\/\\ud83d\\ude00";
	static const char decoded[] = "\xe5\x90\x8d \"\\/\xf0\x9f\x98\x80";
	struct peer *a = enter("r\\n", name);

	(void)state;
	enter("r\\n", "<b>");
	assert_asked(a, "r\n", "<b>", decoded);
}

static void an_offer_goes_to_the_member_named_to(void **state)
{
	static const char offer[] =
		"{\"method\":\"rtc\"," OFFER ",\"roomName\":\"r\", \"from\":\"A\",\"to\":\"B\"}";
	struct peer *a = enter("r", "A"), *b = enter("r", "B");

	(void)state;
	enter("r", "C");
	peers_hear(a);
	peers_hear(a);
	peers_hear(b);
	peers_say(a, offer);
	assert_string_equal(peers_hear(b) + 5, offer);
	assert_all_silent();
}

static void an_answer_goes_to_the_member_named_from(void **state)
{
	static const char answer[] =
		"{\"method\":\"rtc\"," ANSWER ",\"roomName\":\"r\", \"from\":\"A\",\"to\":\"B\"}";
	struct peer *a = enter("r", "A"), *b = enter("r", "B");

	(void)state;
	peers_hear(a);
	peers_say(b, answer);
	assert_string_equal(peers_hear(a) + 5, answer);
	assert_all_silent();
}

static void who_is_not_who_it_says_is_not_heard(void **state)
{
	static const char *const messages[] = {
		"{\"method\":\"rtc\"," OFFER ",\"roomName\":\"r\",\"from\":\"C\",\"to\":\"B\"}",
		"{\"method\":\"rtc\"," OFFER ",\"roomName\":\"r\",\"from\":\"B\",\"to\":\"B\"}",
		"{\"method\":\"rtc\"," OFFER ",\"roomName\":\"r\",\"to\":\"B\"}",
		"{\"method\":\"rtc\"," OFFER ",\"roomName\":\"r\",\"from\":null,\"to\":\"B\"}",
		"{\"method\":\"rtc\"," ANSWER ",\"roomName\":\"r\",\"from\":\"B\",\"to\":\"C\"}",
		"{\"method\":\"rtc\"," ANSWER ",\"roomName\":\"r\",\"from\":\"B\"}",
	};
	struct peer *a = enter("r", "A");

	(void)state;
	enter("r", "B");
	enter("r", "C");
	for (size_t i = 0; i < all.count; i++) {
		outbox_clear(&all.all[i].peer.outbox);
	}
	for (size_t i = 0; i < COUNT(messages); i++) {
		peers_say(a, messages[i]);
	}
	assert_all_silent();
}

static void only_the_room_that_the_sender_opened_hears_it(void **state)
{
	struct peer *a = enter("r", "A"), *outside = peers_connect(&all, "/named");
	struct peer *elsewhere = peers_connect(&all, "/other");

	(void)state;
	enter("r2", "B");
	open_room(elsewhere, "r", "X");
	assert_all_silent();
	peers_say(a,
		"{\"method\":\"rtc\"," OFFER ",\"roomName\":\"r2\",\"from\":\"A\",\"to\":\"B\"}");
	peers_say(
		a, "{\"method\":\"rtc\"," OFFER ",\"roomName\":\"r\",\"from\":\"A\",\"to\":\"B\"}");
	peers_say(
		a, "{\"method\":\"rtc\"," OFFER ",\"roomName\":\"r\",\"from\":\"A\",\"to\":\"X\"}");
	peers_say(
		a, "{\"method\":\"rtc\"," OFFER ",\"roomName\":\"r\",\"from\":\"A\",\"to\":\"A\"}");
	peers_say(outside,
		"{\"method\":\"rtc\"," OFFER ",\"roomName\":\"r\",\"from\":\"B\",\"to\":\"A\"}");
	peers_say(elsewhere,
		"{\"method\":\"rtc\"," OFFER ",\"roomName\":\"r\",\"from\":\"X\",\"to\":\"A\"}");
	assert_all_silent();
}

static void opening_another_room_leaves_the_first(void **state)
{
	struct peer *a = enter("r", "A"), *b = enter("r", "B");

	(void)state;
	peers_hear(a);
	open_room(a, "r2", "A");
	assert_int_equal(b->seats->room->count, 1);
	assert_string_equal(a->seats->room->name, "r2");
	enter("r", "C");
	assert_asked(b, "r", "C", "B");
	assert_all_silent();
	assert_int_equal(a->state, PEER_OPEN);
}

static void a_name_that_comes_again_replaces_the_old_connection(void **state)
{
	struct peer *old = enter("r", "A"), *b = enter("r", "B"), *fresh;

	(void)state;
	peers_hear(old);
	fresh = enter("r", "A");
	assert_string_equal(
		peers_hear(old), "close 4409 the name was opened by a newer connection");
	assert_int_equal(old->state, PEER_CLOSING);
	assert_asked(b, "r", "A", "B");
	peers_say(
		b, "{\"method\":\"rtc\"," OFFER ",\"roomName\":\"r\",\"from\":\"B\",\"to\":\"A\"}");
	assert_memory_equal(peers_hear(fresh), "text {\"method\"", 14);
	assert_all_silent();
}

static void a_peer_may_open_its_own_name_again(void **state)
{
	struct peer *a = enter("r", "A"), *b = enter("r", "B");

	(void)state;
	peers_hear(a);
	open_room(a, "r", "A");
	assert_asked(b, "r", "A", "B");
	assert_all_silent();
	assert_int_equal(a->state, PEER_OPEN);
	assert_int_equal(b->seats->room->count, 2);
}

static void the_same_name_may_be_in_two_rooms(void **state)
{
	struct peer *a = enter("r", "A"), *b = enter("r2", "A");

	(void)state;
	assert_all_silent();
	assert_int_equal(a->state, PEER_OPEN);
	assert_int_equal(b->state, PEER_OPEN);
}

static void a_full_room_closes_the_next_but_not_one_who_comes_again(void **state)
{
	struct peer *d;

	(void)state;
	enter("r", "A");
	enter("r", "B");
	enter("r", "C");
	assert_int_equal(enter("r", "B")->state, PEER_OPEN);
	d = enter("r", "D");
	assert_string_equal(peers_hear(d), "close 4413 room full");
}

static void whoever_leaves_is_asked_for_no_offer_any_more(void **state)
{
	struct peer *a = enter("r", "A"), *b = enter("r", "B");

	(void)state;
	peers_hear(a);
	hub_drop(a);
	enter("r", "C");
	assert_asked(b, "r", "C", "B");
	assert_all_silent();
}

static void what_the_protocol_does_not_know_is_passed_over(void **state)
{
	static const char *const messages[] = {"", "x", "null", "true", "0", "\"open\"", "[]",
		"[{\"method\":\"open\",\"roomName\":\"r\",\"name\":\"X\"}]", "{}", "{",
		"{\"method\":null}", "{\"method\":\"close\"}", "{\"method\":\"open\"}",
		"{\"method\":\"open\",\"roomName\":\"r\"}", "{\"method\":\"open\",\"name\":\"X\"}",
		"{\"method\":\"open\",\"roomName\":\"\",\"name\":\"X\"}",
		"{\"method\":\"open\",\"roomName\":\"r\",\"name\":\"\"}",
		"{\"method\":\"open\",\"roomName\":1,\"name\":\"X\"}",
		"{\"method\":\"open\",\"roomName\":\"r\",\"name\":null}",
		"{\"method\":\"open\",\"roomName\":\"r\",\"name\":\"X\\u0000\"}",
		"{\"method\":\"open\",\"roomName\":\"r\",\"name\":\"\\ud800\"}",
		"{\"method\":\"open\",\"method\":\"rtc\",\"roomName\":\"r\",\"name\":\"X\"}",
		"{\"method\":\"open\",\"roomName\":\"r\",\"name\":\"X\",\"name\":\"Y\"}",
		"{\"method\":\"rtc\"}", "{\"method\":\"rtc\",\"roomName\":\"r\"}",
		"{\"method\":\"rtc\",\"roomName\":\"r\",\"from\":\"A\",\"to\":\"B\"}",
		"{\"method\":\"rtc\",\"description\":null,\"roomName\":\"r\",\"to\":\"B\"}",
		"{\"method\":\"rtc\",\"description\":{},\"roomName\":\"r\",\"to\":\"B\"}",
		"{\"method\":\"rtc\",\"description\":{\"type\":1},\"roomName\":\"r\",\"to\":\"B\"}",
		"{\"method\":\"rtc\",\"description\":{\"type\":\"rollback\"},\"roomName\":\"r\","
		"\"from\":\"B\",\"to\":\"B\"}",
		"{\"method\":\"rtc\",\"description\":{\"type\":\"offer\",\"type\":\"answer\"},"
		"\"roomName\":\"r\",\"from\":\"B\",\"to\":\"B\"}",
		"{\"method\":\"rtc\"," OFFER ",\"roomName\":\"r\",\"to\":\"nobody\"}",
		"{\"method\":\"rtc\"," OFFER ",\"roomName\":\"r\",\"to\":7}",
		"{\"method\":\"rtc\"," OFFER ",\"roomName\":\"r\",\"to\":\"\"}",
		"{\"method\":\"rtc\"," OFFER ",\"roomName\":\"nowhere\",\"to\":\"B\"}",
		"{\"method\":\"rtc\"," OFFER ",\"to\":\"B\"}",
		"{\"method\":\"rtc\"," ANSWER ",\"roomName\":\"r\",\"to\":\"B\"}"};
	struct peer *a = enter("r", "A"), *b = enter("r", "B");

	(void)state;
	peers_hear(a);
	for (size_t i = 0; i < COUNT(messages); i++) {
		peers_say(a, messages[i]);
		if (a->outbox.count || b->outbox.count || !a->seats) {
			fail_msg("%s", messages[i]);
		}
	}
	assert_string_equal(a->seats->id, "A");
	assert_int_equal(a->state, PEER_OPEN);
}

static void a_binary_message_is_passed_over(void **state)
{
	static const char open[] = "{\"method\":\"open\",\"roomName\":\"r\",\"name\":\"X\"}";
	struct peer *peer = peers_connect(&all, "/named");

	(void)state;
	peers_send(peer, open, sizeof(open) - 1, true);
	assert_null(peer->seats);
	assert_all_silent();
}

static void a_name_that_is_too_long_is_passed_over(void **state)
{
	char name[HUB_NAME_MAX + 2] = "";
	struct peer *peer = peers_connect(&all, "/named");

	(void)state;
	memset(name, 'n', HUB_NAME_MAX + 1);
	open_room(peer, "r", name);
	assert_null(peer->seats);
	open_room(peer, name, "n");
	assert_null(peer->seats);
	name[HUB_NAME_MAX] = '\0';
	open_room(peer, name, name);
	assert_string_equal(peer->seats->id, name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			whoever_was_there_is_asked_to_make_an_offer_to_the_newcomer, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			names_of_any_characters_come_out_as_they_went_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_offer_goes_to_the_member_named_to, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_answer_goes_to_the_member_named_from, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			who_is_not_who_it_says_is_not_heard, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			only_the_room_that_the_sender_opened_hears_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			opening_another_room_leaves_the_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_name_that_comes_again_replaces_the_old_connection, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_peer_may_open_its_own_name_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_same_name_may_be_in_two_rooms, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_full_room_closes_the_next_but_not_one_who_comes_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			whoever_leaves_is_asked_for_no_offer_any_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_the_protocol_does_not_know_is_passed_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_binary_message_is_passed_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_name_that_is_too_long_is_passed_over, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
