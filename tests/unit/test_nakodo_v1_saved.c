/* nakodo.v1: what one process saves, the next one goes on with; and what cannot be is refused as a
 * whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/saved.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/service/events.h"
#include "nakodo/service/webhook.h"
#include "scratch.h"
#include "v1.h"

#define X "{\"type\":\"x\"}"
#define FROM_X "{\"from\":\"%s\",\"type\":\"x\"}"
#define AWAY "{\"type\":\"peer-away\",\"id\":\"%s\"}"
#define BACK "{\"type\":\"peer-back\",\"id\":\"%s\"}"
#define GONE "{\"type\":\"peer-left\",\"id\":\"%s\",\"reason\":\"gone\"}"
#define CHAT "{\"type\":\"chat\",\"text\":\"hello\"}"
#define FROM_CHAT "{\"from\":\"%s\",\"type\":\"chat\",\"text\":\"hello\"}"

static const char *const mounts[] = {"/v1=nakodo.v1", "/other=nakodo.v1", "/echo=echo", NULL};
static struct options options;
static struct peers all;
static struct v1_one a, b; /* in the room r, with nothing to hear */

static int set_up(void **state)
{
	(void)state;
	options = peers_options;
	peers_init(&all, PEERS_ALL, mounts);
	v1_join_two(&all, "r?name=A", &a, &b);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	peers_options = options;
	return 0;
}

static char *save_all(size_t *ret_len)
{
	char *bytes;
	FILE *out = open_memstream(&bytes, ret_len);
	struct save save;

	save_init(&save, out);
	dialect_table_save(all.mounts, &save);
	assert_int_equal(save_finish(&save), 0);
	fclose(out);
	return bytes;
}

static int restore_all(const char *bytes, size_t len, uint64_t elapsed)
{
	struct saved saved;
	int error = saved_open(&saved, bytes, len);

	return error ? error : dialect_table_restore(all.mounts, &saved, elapsed);
}

/* The next process, with those mounts and nothing in them. */
static void begin_anew(const char *const *with)
{
	peers_finish(&all);
	peers_init(&all, PEERS_ALL, with);
}

/* The process ends, and so many ms later the next one is there. */
static void restart(uint64_t elapsed)
{
	size_t len;
	char *bytes = save_all(&len);

	begin_anew(mounts);
	assert_int_equal(restore_all(bytes, len, elapsed), 0);
	free(bytes);
}

static void a_session_goes_on_in_the_next_process(void **state)
{
	struct v1_one again;

	(void)state;
	peers_say(a.peer, X);
	v1_skip(b); /* it is sent, but perhaps not there */
	v1_drop(a, 0);
	v1_drop(b, 0);
	restart(1000);
	again = v1_resume(&all, "r", b.session, 0);
	assert_string_equal(again.id, b.id);
	v1_hears(again, FROM_X, a.id);
	v1_hears(again, AWAY, a.id); /* before the end */
	v1_hears_nothing(again);
	a = v1_resume(&all, "r", a.session, 1); /* it knows that B came */
	v1_hears_nothing(a); /* B was away and is back: it never knew */
	v1_hears(again, BACK, a.id);
}

static void messages_are_numbered_on(void **state)
{
	struct peer *peer;
	char heard[128];

	(void)state;
	peers_say(a.peer, X);
	peers_say(a.peer, X);
	v1_drop(a, 0);
	v1_drop(b, 0);
	restart(0);
	peer = v1_present(&all, "r", a.session, "1");
	snprintf(heard, sizeof(heard), "%s", peers_hear(peer));
	assert_memory_equal(heard, "text {\"type\":\"resumed\"", 22);
	assert_non_null(strstr(peers_hear(v1_present(&all, "r", b.session, "2")), "\"resumed\""));
	assert_non_null(strstr(heard, "\"n\":2,")); /* of its own have come */
}

static void what_waits_for_one_who_is_away_waits_on(void **state)
{
	(void)state;
	v1_drop(b, 0);
	v1_skip(a);
	peers_say(a.peer, X);
	v1_drop(a, 0);
	restart(0);
	b = v1_resume(&all, "r", b.session, 0);
	v1_hears(b, FROM_X, a.id);
	v1_hears(b, AWAY, a.id);
	v1_hears_nothing(b);
}

static void a_deadline_does_not_wait_for_the_restart(void **state)
{
	struct v1_one c;

	(void)state;
	v1_drop(a, 0);
	peers_wait(&all, 10000);
	v1_skip(b);
	v1_drop(b, 0);
	restart(15000); /* A has 5 s left, B 15 */
	peers_wait(&all, 4900);
	c = v1_join(&all, "r");
	peers_wait(&all, 200);
	v1_hears(c, GONE, a.id);
	peers_wait(&all, 9800);
	v1_hears_nothing(c);
	peers_wait(&all, 200);
	v1_hears(c, GONE, b.id);
}

static void the_order_of_coming_decides_who_is_the_owner(void **state)
{
	struct peer *peer;
	char expected[256];

	(void)state;
	v1_drop(b, 0); /* it leaves first, but came last */
	v1_drop(a, 0);
	restart(0);
	peer = peers_connect(&all, "/v1/r");
	snprintf(expected, sizeof(expected),
		"\"peers\":[{\"id\":\"%s\",\"name\":\"A\",\"away\":true,\"owner\":true},"
		"{\"id\":\"%s\",\"away\":true,\"owner\":true}]",
		a.id, b.id);
	assert_non_null(strstr(peers_hear(peer), expected));
}

static void what_was_chatted_is_told_to_newcomers(void **state)
{
	const char *text;

	(void)state;
	peers_say(a.peer, CHAT);
	v1_drop(b, 0);
	v1_drop(a, 0);
	restart(0);
	text = peers_hear(peers_connect(&all, "/v1/r"));
	assert_non_null(strstr(text, "\"name\":\"A\",\"at\":"));
	assert_non_null(strstr(text, "\"text\":\"hello\"}]"));
}

static void a_lost_welcome_is_sent_again_by_the_next_process(void **state)
{
	struct v1_one c = v1_join(&all, "r?nonce=AAAAAAAAAAAAAAAAAAAAAA"), again;

	(void)state;
	v1_skip(a);
	v1_drop(a, 0);
	v1_drop(b, 0);
	v1_drop(c, 0);
	restart(0);
	again = v1_join(&all, "r?nonce=AAAAAAAAAAAAAAAAAAAAAA");
	assert_string_equal(again.id, c.id);
}

/* Some of all that there can be. */
static void fill(void)
{
	struct v1_one c = v1_join_from(&all, "192.0.2.1", "s?name=C&nonce=AAAAAAAAAAAAAAAAAAAAAA");
	struct v1_one d = v1_join_from(&all, "2001:db8::1", "s");

	v1_confirm(d);
	peers_say(a.peer, CHAT);
	peers_say(d.peer, "{\"type\":\"update\",\"meta\":{\"x\":[1,\"日本\"]}}");
	v1_drop(d, 0);
	v1_join_from(&all, "192.0.2.77", "s");
	peers_say(c.peer, X);
	peers_say(c.peer, CHAT);
	v1_drop(b, 0);
	peers_connect(&all, "/other/r");
	for (size_t i = 0; i < all.count; i++) {
		hub_drop(&all.all[i].peer);
	}
}

static void what_was_read_back_is_saved_again_as_it_was(void **state)
{
	size_t len, again;
	char *bytes, *copy;

	(void)state;
	fill();
	bytes = save_all(&len);
	begin_anew(mounts);
	assert_int_equal(restore_all(bytes, len, 0), 0);
	copy = save_all(&again);
	assert_int_equal(again, len);
	assert_memory_equal(copy, bytes, len);
	free(bytes);
	free(copy);
}

static void a_mount_that_is_not_there_any_more_is_passed_over(void **state)
{
	static const char *const others[] = {"/other=nakodo.v1", "/v1=relay", NULL};
	size_t len, again;
	char *bytes, *copy;

	(void)state;
	fill();
	bytes = save_all(&len);
	begin_anew(others);
	assert_int_equal(restore_all(bytes, len, 0), 0);
	copy = save_all(&again);
	assert_in_range(again, 300, len / 2);
	free(bytes);
	free(copy);
}

/* Somebody comes to the room r of a listener's own mount. */
static void come_to(const struct mount *own)
{
	const char *const arguments[] = {NULL};
	const struct request request = {.mount = own, .room = "r", .arguments = arguments};
	struct peer *peer = peers_add(&all);

	peers_of(peer)->mount = own;
	own->dialect->open(peer, &request);
}

static void a_session_stays_with_its_listener(void **state)
{
	static const char mine[] = "localhost:1?dialect=nakodo.v1";
	static const char other[] = "localhost:2?dialect=nakodo.v1";
	const struct mount *own;
	struct problem problem;
	size_t len;
	char *bytes;

	(void)state;
	own = dialect_table_own(all.mounts, mine, "nakodo.v1", &problem);
	come_to(own);
	bytes = save_all(&len);
	for (int i = 0; i < 2; i++) {
		begin_anew(mounts);
		own = dialect_table_own(all.mounts, i ? other : mine, "nakodo.v1", &problem);
		assert_int_equal(restore_all(bytes, len, 0), 0);
		if (i) {
			assert_null(hub_first_room(own->space));
		} else {
			assert_string_equal(hub_first_room(own->space)->name, "r");
		}
	}
	free(bytes);
}

/* Write the records anew, with that byte of their payloads (all in a row) changed, so that their
 * checks are right. */
static char *change(const char *bytes, size_t len, size_t which, unsigned char by, size_t *ret_len)
{
	char *changed;
	FILE *out = open_memstream(&changed, ret_len);
	struct saved saved;
	struct save save;
	size_t at = 0;

	assert_int_equal(saved_open(&saved, bytes, len), 0);
	save_init(&save, out);
	while (saved_next(&saved)) {
		size_t size = (size_t)(saved.end - saved.at);

		save_begin(&save, saved.kind);
		text_add_bytes(&save.record, saved.at, size);
		if (which >= at && which < at + size) {
			save.record.at[which - at] ^= (char)by;
		}
		at += size;
		save_end(&save);
		saved_skip(&saved);
	}
	assert_int_equal(save_finish(&save), 0);
	fclose(out);
	return changed;
}

/* Whoever made the checks right may say what he likes: it is taken whole or not at all. */
static void a_table_that_lies_leaves_nothing(void **state)
{
	size_t len, size, refused = 0, empty;
	char *bytes, *changed, *left;

	(void)state;
	fill();
	bytes = save_all(&len);
	begin_anew(mounts);
	free(save_all(&empty));
	for (size_t i = 0; i < len; i++) {
		changed = change(bytes, len, i, i % 3 ? 0xff : 1, &size);
		if (restore_all(changed, size, 0)) {
			left = save_all(&size);
			assert_int_equal(size, empty);
			free(left);
			refused++;
		} else {
			begin_anew(mounts);
		}
		free(changed);
	}
	assert_in_range(refused, len / 10, len);
	free(bytes);
}

static void who_was_let_in_stays_in_when_limits_are_lower(void **state)
{
	(void)state;
	v1_join(&all, "s");
	v1_drop(a, 0);
	v1_drop(b, 0);
	peers_options.rooms_max = 1;
	peers_options.room_peers = 1;
	peers_options.room_history = 0;
	restart(0);
	a = v1_resume(&all, "r", a.session, 1);
	b = v1_resume(&all, "r", b.session, 0);
	assert_string_equal(peers_hear(peers_connect(&all, "/v1/t")),
		"text {\"type\":\"error\",\"code\":\"room-full\",\"message\":\"There is no place "
		"left "
		"in this room.\"}");
}

/* With the events of that process, whose webhook knows of nobody yet. */
static void a_webhook_is_told_again_who_is_in_rooms_that_were_kept(void **state)
{
	struct events *events = events_create(65536);
	struct webhook *webhook;
	struct problem problem;
	uint64_t before;
	size_t len;
	char *bytes = save_all(&len);

	scratch_enter(state);
	scratch_write("secret", "s", 1, 0600);
	peers_options.webhook_secret = (char *)"secret";
	assert_int_equal(
		webhook_create(&webhook, "http://localhost/", &peers_options, &problem), 0);
	events_aim(events, webhook);
	begin_anew(mounts);
	peers_env.events = events;
	before = meter_values[METER_EVENTS];
	assert_int_equal(restore_all(bytes, len, 0), 0);
	assert_int_equal(meter_values[METER_EVENTS] - before, 3); /* opened, joined, joined */
	peers_wait(&all, 40000);
	assert_int_equal(meter_values[METER_EVENTS] - before, 6); /* left, left, closed */
	peers_env.events = NULL;
	events_destroy(events);
	webhook_destroy(webhook);
	scratch_leave(state);
	free(bytes);
}

static void a_lock_goes_on_in_the_next_process(void **state)
{
	(void)state;
	peers_say(b.peer, "{\"type\":\"lock\",\"locked\":true}");
	v1_drop(a, 0);
	v1_drop(b, 0);
	restart(0);
	assert_non_null(strstr(peers_hear(peers_connect(&all, "/v1/r")), "\"room-locked\""));
	b = v1_resume(&all, "r", b.session, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_session_goes_on_in_the_next_process),
		TEST(messages_are_numbered_on),
		TEST(what_waits_for_one_who_is_away_waits_on),
		TEST(a_deadline_does_not_wait_for_the_restart),
		TEST(the_order_of_coming_decides_who_is_the_owner),
		TEST(what_was_chatted_is_told_to_newcomers),
		TEST(a_lost_welcome_is_sent_again_by_the_next_process),
		TEST(what_was_read_back_is_saved_again_as_it_was),
		TEST(a_mount_that_is_not_there_any_more_is_passed_over),
		TEST(a_session_stays_with_its_listener),
		TEST(a_table_that_lies_leaves_nothing),
		TEST(a_webhook_is_told_again_who_is_in_rooms_that_were_kept),
		TEST(who_was_let_in_stays_in_when_limits_are_lower),
		TEST(a_lock_goes_on_in_the_next_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
