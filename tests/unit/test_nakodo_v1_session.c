/* nakodo.v1: how a participant leaves, what becomes of one whose connection is lost, and how it
 * comes back. By which tokens is in test_nakodo_v1_join.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect.h"
#include "v1.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define X "{\"type\":\"x\"}"
#define FROM_X "{\"from\":\"%s\",\"type\":\"x\"}"
#define BYE "{\"type\":\"bye\"}"
#define LEFT(reason) "{\"type\":\"peer-left\",\"id\":\"%s\",\"reason\":\"" reason "\"}"
#define AWAY "{\"type\":\"peer-away\",\"id\":\"%s\"}"
#define BACK "{\"type\":\"peer-back\",\"id\":\"%s\"}"

static const char *const mounts[] = {"/v1=nakodo.v1", NULL};
static struct options options;
static struct peers all;
static struct v1_one a, b; /* in the room r, with nothing to hear */

static int set_up(void **state)
{
	(void)state;
	options = peers_options;
	peers_init(&all, PEERS_ALL, mounts);
	v1_join_two(&all, "r", &a, &b);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	peers_options = options;
	return 0;
}

/* The same with other limits. */
static void begin_anew(size_t messages, size_t bytes)
{
	peers_finish(&all);
	peers_options.resume_messages = messages;
	peers_options.resume_bytes = bytes;
	peers_init(&all, PEERS_ALL, mounts);
	a = v1_join(&all, "r");
	b = v1_join(&all, "r");
	v1_skip(a);
	v1_confirm(b);
}

static void say_numbered(struct v1_one one, int from, int to)
{
	char text[64];

	for (int i = from; i <= to; i++) {
		snprintf(text, sizeof(text), "{\"type\":\"x\",\"i\":%d}", i);
		peers_say(one.peer, text);
	}
}

static void hears_numbered(struct v1_one one, struct v1_one other, int from, int to)
{
	char text[128];

	for (int i = from; i <= to; i++) {
		snprintf(text, sizeof(text), "{\"from\":\"%s\",\"type\":\"x\",\"i\":%d}", other.id,
			i);
		assert_string_equal(v1_hear(one), text);
	}
}

static void who_says_bye_has_left_at_once(void **state)
{
	(void)state;
	peers_say(b.peer, BYE);
	v1_hears(a, LEFT("bye"), b.id);
	assert_string_equal(peers_hear(b.peer), "close 1000 ");
	v1_is_not_recovered(v1_present(&all, "r", b.session, "0"));
}

static void some_close_codes_end_the_session(void **state)
{
	static const unsigned codes[] = {1000, 1007, 1009, 4400, 4403, 4413};

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++) {
		v1_drop(b, codes[i]);
		v1_hears(a, codes[i] == 1000 ? LEFT("bye") : LEFT("gone"), b.id);
		b = v1_join(&all, "r");
		v1_confirm(b);
		v1_skip(a);
		hub_close(b.peer, codes[i], "");
		v1_hears(a, codes[i] == 1000 ? LEFT("bye") : LEFT("gone"), b.id);
		b = v1_join(&all, "r");
		v1_confirm(b);
		v1_skip(a);
	}
}

static void any_other_end_keeps_it_for_30_seconds(void **state)
{
	static const unsigned codes[] = {0, 1002, 1005, 1006, 1012, 4408, 4429, 4508};

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++) {
		v1_drop(b, codes[i]);
		v1_hears(a, AWAY, b.id);
		peers_wait(&all, 29900);
		v1_hears_nothing(a);
		peers_wait(&all, 200);
		v1_hears(a, LEFT("gone"), b.id);
		b = v1_join(&all, "r");
		v1_confirm(b);
		v1_skip(a);
	}
}

static void a_closed_tab_is_gone_after_5_seconds(void **state)
{
	(void)state;
	v1_drop(b, 1001);
	v1_hears(a, AWAY, b.id);
	peers_wait(&all, 4900);
	v1_hears_nothing(a);
	peers_wait(&all, 200);
	v1_hears(a, LEFT("gone"), b.id);
}

static void a_server_that_goes_away_keeps_it_for_30_seconds(void **state)
{
	(void)state;
	hub_close(b.peer, 1001, "the server is stopping");
	v1_hears(a, AWAY, b.id);
	peers_wait(&all, 29900);
	v1_hears_nothing(a);
}

static void who_comes_back_gets_exactly_what_it_missed(void **state)
{
	(void)state;
	say_numbered(a, 1, 5);
	hears_numbered(b, a, 1, 5);
	v1_drop(b, 0);
	v1_hears(a, AWAY, b.id);
	say_numbered(a, 6, 7);
	b = v1_resume(&all, "r", b.session, 3);
	hears_numbered(b, a, 4, 7);
	v1_hears_nothing(b);
	v1_hears(a, BACK, b.id);
	say_numbered(a, 8, 8);
	hears_numbered(b, a, 8, 8);
}

static void the_server_says_how_much_it_has(void **state)
{
	(void)state;
	peers_say(b.peer, X);
	peers_say(b.peer, "no JSON"); /* what is refused counts */
	peers_send(b.peer, X, strlen(X), true);
	peers_say(b.peer, "{\"type\":\"ack\",\"n\":99}");
	peers_say(b.peer, "{\"type\":\"ack\",\"n\":1}"); /* from here on nothing counts */
	peers_say(b.peer, "{\"type\":\"ping\"}");
	v1_drop(b, 0);
	b.peer = v1_present(&all, "r", b.session, "3");
	assert_non_null(strstr(peers_hear(b.peer), "\",\"n\":4,\"locked\":false,"));
	v1_hears_nothing(b);
}

static void it_resumes_nowhere_but_where_all_is_kept(void **state)
{
	static const struct {
		const char *room, *n;
	} cases[] = {{"r", NULL}, {"r", "4"}, {"r", "-1"}, {"r", ""}, {"r", "1x"}, {"r", "+1"},
		{"r", "18446744073709551617"}, {"other", "3"}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct v1_one fresh;

		say_numbered(a, 1, 3);
		v1_drop(b, 0);
		v1_skip(a);
		fresh = v1_is_not_recovered(v1_present(&all, cases[i].room, b.session, cases[i].n));
		assert_string_not_equal(fresh.id, b.id);
		v1_hears(a, LEFT("gone"), b.id);
		v1_drop(fresh, 1000);
		b = v1_join(&all, "r");
		v1_confirm(b);
		v1_skip(a);
	}
}

static void it_does_not_resume_before_what_it_said_to_have(void **state)
{
	(void)state;
	say_numbered(a, 1, 3);
	peers_say(b.peer, "{\"type\":\"ack\",\"n\":2}");
	v1_drop(b, 0);
	v1_is_not_recovered(v1_present(&all, "r", b.session, "1"));
}

static void a_fresh_one_joins_after_the_old_one_has_left(void **state)
{
	struct v1_one fresh;

	(void)state;
	fresh = v1_is_not_recovered(v1_present(&all, "r", b.session, "77"));
	assert_string_equal(peers_hear(b.peer), "close 4409 resumed or replaced elsewhere");
	v1_hears(a, LEFT("gone"), b.id);
	v1_hears_joined(a, fresh);
	v1_hears_nothing(a);
}

static void a_second_connection_takes_over_unnoticed(void **state)
{
	struct v1_one before = b;

	(void)state;
	b = v1_resume(&all, "r", b.session, 0);
	assert_string_equal(peers_hear(before.peer), "close 4409 resumed or replaced elsewhere");
	assert_null(before.peer->state_of_dialect);
	v1_hears_nothing(a);
	peers_say(a.peer, X);
	v1_hears(b, FROM_X, a.id);
	v1_hears_nothing(before);
}

static void what_was_forgotten_does_not_harm_who_is_there(void **state)
{
	(void)state;
	begin_anew(16, 1048576);
	say_numbered(a, 1, 50);
	hears_numbered(b, a, 1, 50);
	v1_drop(b, 0);
	b = v1_resume(&all, "r", b.session, 34);
	hears_numbered(b, a, 35, 50);
	v1_drop(b, 0);
	v1_is_not_recovered(v1_present(&all, "r", b.session, "33"));
}

static void who_is_away_is_seen_by_newcomers(void **state)
{
	(void)state;
	v1_drop(b, 0);
	assert_non_null(strstr(
		peers_hear(peers_connect(&all, "/v1/r")), ",\"away\":true,\"owner\":true}]"));
}

static void who_was_away_hears_who_left_and_came_once(void **state)
{
	struct v1_one c;

	(void)state;
	v1_drop(b, 0);
	peers_say(a.peer, BYE);
	c = v1_join(&all, "r");
	b = v1_resume(&all, "r", b.session, 0);
	v1_hears(b, LEFT("bye"), a.id);
	v1_hears_joined(b, c);
	v1_hears_nothing(b);
}

static void a_room_lives_as_long_as_someone_may_come_back(void **state)
{
	(void)state;
	peers_say(a.peer, "{\"type\":\"chat\",\"text\":\"kept\"}");
	peers_say(a.peer, BYE);
	v1_drop(b, 0);
	assert_non_null(strstr(peers_hear(peers_connect(&all, "/v1/r")), "\"kept\""));
	b = v1_resume(&all, "r", b.session, 0);
}

static void who_is_away_takes_a_place_in_the_room(void **state)
{
	struct v1_one c = {NULL, "", ""};

	(void)state;
	hub_space_set_room_members(peers_of(a.peer)->mount->space, 2);
	v1_drop(b, 0);
	c.peer = peers_connect(&all, "/v1/r");
	assert_non_null(strstr(v1_hear(c), "\"room-full\""));
	/* Who cannot resume leaves first, and so finds a place. */
	v1_is_not_recovered(v1_present(&all, "r", b.session, NULL));
}

static void one_message_is_acknowledged_after_a_second(void **state)
{
	(void)state;
	peers_say(a.peer, X);
	peers_wait(&all, 900);
	peers_say(a.peer, X);
	v1_hears_nothing(a);
	peers_wait(&all, 150);
	v1_hears(a, "{\"type\":\"ack\",\"n\":2}", NULL);
	peers_wait(&all, 5000);
	v1_hears_nothing(a);
}

static void sixteen_messages_are_acknowledged_at_once(void **state)
{
	(void)state;
	say_numbered(a, 1, 15);
	v1_hears_nothing(a);
	say_numbered(a, 16, 16);
	v1_hears(a, "{\"type\":\"ack\",\"n\":16}", NULL);
	peers_wait(&all, 5000);
	v1_hears_nothing(a);
}

static void what_is_sent_again_costs_nothing_within_bounds(void **state)
{
	(void)state;
	assert_int_equal(b.peer->unmetered, 0);
	b = v1_resume(&all, "r", b.session, 0);
	assert_int_equal(b.peer->unmetered, 0); /* it has had no time to send anything */
	peers_wait(&all, 10000);
	b = v1_resume(&all, "r", b.session, 0);
	assert_int_equal(b.peer->unmetered, 500);
	peers_wait(&all, 20000);
	b = v1_resume(&all, "r", b.session, 0);
	assert_int_equal(b.peer->unmetered, 1024);
	b.peer->unmetered = 24; /* net has counted a thousand */
	b = v1_resume(&all, "r", b.session, 0);
	assert_int_equal(b.peer->unmetered, 24);
	peers_wait(&all, 2000); /* at 50 a second */
	b = v1_resume(&all, "r", b.session, 0);
	assert_int_equal(b.peer->unmetered, 124);
}

static void it_is_told_before_the_server_closes(void **state)
{
	(void)state;
	dialect_nakodo_v1.closing(b.peer, "drain", 2345);
	v1_hears(b, "{\"type\":\"closing\",\"reason\":\"drain\",\"retryAfter\":2.3}", NULL);
}

static void what_is_replayed_does_not_make_a_client_too_slow(void **state)
{
	char text[1024];

	(void)state;
	v1_drop(b, 0);
	snprintf(text, sizeof(text), "{\"type\":\"x\",\"y\":\"%0900d\"}", 1);
	for (int i = 0; i < 300; i++) { /* more than send-queue, less than resume-bytes */
		peers_say(a.peer, text);
		v1_skip(a);
	}
	b = v1_resume(&all, "r", b.session, 0);
	assert_int_equal(b.peer->outbox.count, 300);
	for (int i = 0; i < 200; i++) {
		peers_say(a.peer, text);
		v1_skip(a);
	}
	hub_settle(all.hub);
	assert_int_equal(b.peer->state, PEER_OPEN);
	peers_wait(&all, 1500); /* in which it could have read all that */
	for (int i = 0; i < 100; i++) {
		peers_say(a.peer, text);
		v1_skip(a);
	}
	hub_settle(all.hub); /* and what is not replayed does */
	assert_string_equal(peers_hear(b.peer), "close 4508 too slow");
	v1_hears(a, AWAY, b.id);
	b = v1_resume(&all, "r", b.session, 0);
	assert_int_equal(b.peer->outbox.count, 600);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(who_says_bye_has_left_at_once),
		TEST(some_close_codes_end_the_session),
		TEST(any_other_end_keeps_it_for_30_seconds),
		TEST(a_closed_tab_is_gone_after_5_seconds),
		TEST(a_server_that_goes_away_keeps_it_for_30_seconds),
		TEST(who_comes_back_gets_exactly_what_it_missed),
		TEST(the_server_says_how_much_it_has),
		TEST(it_resumes_nowhere_but_where_all_is_kept),
		TEST(it_does_not_resume_before_what_it_said_to_have),
		TEST(a_fresh_one_joins_after_the_old_one_has_left),
		TEST(a_second_connection_takes_over_unnoticed),
		TEST(what_was_forgotten_does_not_harm_who_is_there),
		TEST(who_is_away_is_seen_by_newcomers),
		TEST(who_was_away_hears_who_left_and_came_once),
		TEST(a_room_lives_as_long_as_someone_may_come_back),
		TEST(who_is_away_takes_a_place_in_the_room),
		TEST(one_message_is_acknowledged_after_a_second),
		TEST(sixteen_messages_are_acknowledged_at_once),
		TEST(what_is_sent_again_costs_nothing_within_bounds),
		TEST(it_is_told_before_the_server_closes),
		TEST(what_is_replayed_does_not_make_a_client_too_slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
