/* nakodo.v1: the lock of a room, and kicking. */
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
#include "nakodo/service/grant.h"
#include "v1.h"

#define LOCK "{\"type\":\"lock\",\"locked\":true}"
#define UNLOCK "{\"type\":\"lock\",\"locked\":false}"
#define LOCKED "{\"type\":\"lock\",\"locked\":true,\"by\":\"%s\"}"
#define UNLOCKED "{\"type\":\"lock\",\"locked\":false,\"by\":\"%s\"}"
#define NONCE "AAAAAAAAAAAAAAAAAAAAAA"

static const char *const mounts[] = {"/v1=nakodo.v1", NULL};
static struct grant member = {.can = GRANT_SEND | GRANT_RECEIVE};
static struct grant moderator = {.can = GRANT_SEND | GRANT_RECEIVE | GRANT_MODERATE};
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

static void is_locked_out(const char *url)
{
	struct v1_one one = {.peer = peers_connect(&all, url)};

	v1_hears(one,
		"{\"type\":\"error\",\"code\":\"room-locked\",\"message\":\"This room is "
		"locked.\"%s",
		"}");
	assert_string_equal(peers_hear(one.peer), "close 4403 room-locked");
}

static void hears_error(struct v1_one one, const char *code)
{
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"code\":\"%s\"", code);
	assert_non_null(strstr(v1_hear(one), quoted));
}

static void kick(struct v1_one by, const char *id)
{
	char message[128];

	snprintf(message, sizeof(message), "{\"type\":\"kick\",\"to\":\"%s\"}", id);
	peers_say(by.peer, message);
}

static void all_hear_of_a_lock_and_nobody_new_comes_in_until_it_ends(void **state)
{
	(void)state;
	peers_say(b.peer, LOCK);
	v1_hears(a, LOCKED, b.id);
	v1_hears(b, LOCKED, b.id);
	is_locked_out("/v1/r?name=C");
	v1_join(&all, "other");
	v1_hears_nothing(a);
	peers_say(a.peer, UNLOCK);
	v1_hears(b, UNLOCKED, a.id);
	v1_hears_joined(b, v1_join(&all, "r"));
}

static void who_was_inside_comes_back(void **state)
{
	struct v1_one c = v1_join(&all, "r?nonce=" NONCE), again;
	char url[128];

	(void)state;
	peers_say(a.peer, LOCK);
	v1_drop(b, 0);
	b = v1_resume(&all, "r", b.session, 1); /* B was told of C */
	again = v1_join(&all, "r?nonce=" NONCE); /* its welcome was lost */
	assert_string_equal(again.id, c.id);
	snprintf(url, sizeof(url), "r?replaces=%s", b.session);
	b = v1_join(&all, url);
}

static void who_replaces_a_session_of_another_room_is_new(void **state)
{
	struct v1_one other = v1_join(&all, "other");
	char url[128];

	(void)state;
	peers_say(a.peer, LOCK);
	snprintf(url, sizeof(url), "/v1/r?replaces=%s", other.session);
	is_locked_out(url);
}

static void a_lock_stays_when_who_came_first_leaves_and_ends_with_the_last(void **state)
{
	(void)state;
	peers_say(a.peer, LOCK);
	peers_say(a.peer, "{\"type\":\"bye\"}");
	is_locked_out("/v1/r");
	v1_drop(b, 0);
	is_locked_out("/v1/r");
	peers_wait(&all, options.resume_seconds * 1000 + 100);
	v1_join(&all, "r");
}

static void the_lock_of_one_who_is_alone_outlives_a_reload_of_its_page(void **state)
{
	char url[128];

	(void)state;
	peers_say(a.peer, LOCK);
	peers_say(b.peer, "{\"type\":\"bye\"}");
	snprintf(url, sizeof(url), "r?replaces=%s", a.session);
	a = v1_join(&all, url);
	is_locked_out("/v1/r");
}

static void welcome_and_resumed_tell_what_is_and_what_one_may(void **state)
{
	struct v1_one c = v1_join(&all, "r?nonce=" NONCE);

	(void)state;
	peers_say(a.peer, LOCK);
	v1_skip(c);
	/* The same welcome, but the lock as it is now. */
	assert_non_null(strstr(peers_hear(peers_connect(&all, "/v1/r?nonce=" NONCE)),
		"\"locked\":true,\"can\":[\"lock\"],"));
	v1_drop(b, 0);
	peers_say(a.peer, UNLOCK);
	assert_non_null(strstr(peers_hear(v1_present(&all, "r", b.session, "1")),
		"\"locked\":false,\"can\":[\"lock\"],"));
}

static void where_tokens_say_who_moderates_nobody_else_may(void **state)
{
	(void)state;
	a.peer->grant = &moderator;
	b.peer->grant = &member;
	peers_say(b.peer, LOCK);
	hears_error(b, "forbidden");
	kick(b, a.id);
	hears_error(b, "forbidden");
	v1_hears_nothing(a);
	peers_say(a.peer, LOCK);
	v1_hears(b, LOCKED, a.id);
}

static void who_is_kicked_is_told_and_closed_and_cannot_resume(void **state)
{
	struct v1_one c = v1_join(&all, "r");

	(void)state;
	v1_skip(a);
	v1_skip(b);
	a.peer->grant = &moderator;
	kick(a, b.id);
	v1_hears(a, "{\"type\":\"peer-left\",\"id\":\"%s\",\"reason\":\"kicked\"}", b.id);
	v1_hears(c, "{\"type\":\"peer-left\",\"id\":\"%s\",\"reason\":\"kicked\"}", b.id);
	hears_error(b, "kicked");
	assert_string_equal(peers_hear(b.peer), "close 4403 kicked");
	v1_is_not_recovered(v1_present(&all, "r", b.session, "1"));
}

static void one_who_is_away_can_be_kicked(void **state)
{
	(void)state;
	a.peer->grant = &moderator;
	v1_drop(b, 0);
	v1_skip(a);
	kick(a, b.id);
	v1_hears(a, "{\"type\":\"peer-left\",\"id\":\"%s\",\"reason\":\"kicked\"}", b.id);
	peers_say(a.peer, LOCK);
	v1_skip(a);
	assert_non_null(strstr(peers_hear(v1_present(&all, "r", b.session, "1")), "room-locked"));
}

static void nobody_is_kicked_without_tokens_nor_oneself_nor_one_who_is_not_there(void **state)
{
	(void)state;
	kick(a, b.id);
	hears_error(a, "forbidden");
	a.peer->grant = &moderator;
	kick(a, a.id);
	hears_error(a, "bad-message");
	kick(a, "nobody");
	hears_error(a, "unknown-peer");
	peers_say(a.peer, "{\"type\":\"kick\"}");
	hears_error(a, "bad-message");
	v1_hears_nothing(b);
}

int main(void)
{
#define UNIT(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		UNIT(all_hear_of_a_lock_and_nobody_new_comes_in_until_it_ends),
		UNIT(who_was_inside_comes_back),
		UNIT(who_replaces_a_session_of_another_room_is_new),
		UNIT(a_lock_stays_when_who_came_first_leaves_and_ends_with_the_last),
		UNIT(the_lock_of_one_who_is_alone_outlives_a_reload_of_its_page),
		UNIT(welcome_and_resumed_tell_what_is_and_what_one_may),
		UNIT(where_tokens_say_who_moderates_nobody_else_may),
		UNIT(who_is_kicked_is_told_and_closed_and_cannot_resume),
		UNIT(one_who_is_away_can_be_kicked),
		UNIT(nobody_is_kicked_without_tokens_nor_oneself_nor_one_who_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
