/* nakodo.v1: what waits for a participant that is away, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect.h"
#include "v1.h"

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

#define BUSY                                                                                       \
	"{\"type\":\"error\",\"code\":\"peer-busy\",\"message\":\"That peer is away, and enough "  \
	"is "                                                                                      \
	"waiting for it.\",\"n\":6,\"to\":\"%s\"}"

static void what_waits_for_one_who_is_away_is_bounded_and_its_sender_is_told(void **state)
{
	(void)state;
	begin_anew(16, 1048576);
	v1_drop(b, 0);
	v1_skip(a);
	say_numbered(a, 1, 5); /* a third of what may be kept */
	v1_hears_nothing(a);
	say_numbered(a, 6, 6);
	v1_hears(a, BUSY, b.id);
	peers_wait(&all, 1100);
	v1_skip(a);
	b = v1_resume(&all, "r", b.session, 0);
	hears_numbered(b, a, 1, 5);
	v1_hears_nothing(b);
	v1_hears(a, BACK, b.id);
	say_numbered(a, 7, 30);
	hears_numbered(b, a, 7, 30);
}

static void it_is_bounded_in_bytes_too(void **state)
{
	char text[2200];

	(void)state;
	begin_anew(1024, 30000);
	snprintf(text, sizeof(text), "{\"type\":\"x\",\"to\":\"%s\",\"y\":\"%02000d\"}", b.id, 1);
	v1_drop(b, 0);
	v1_skip(a);
	for (int i = 0; i < 5; i++) {
		peers_say(a.peer, text);
	}
	v1_hears_nothing(a);
	peers_say(a.peer, text);
	v1_hears(a, BUSY, b.id);
}

static void one_address_leaves_room_for_another(void **state)
{
	struct v1_one hog[3], other;

	(void)state;
	begin_anew(64, 1048576);
	for (int i = 0; i < 3; i++) {
		hog[i] = v1_join_from(&all, "192.0.2.1", "r");
	}
	other = v1_join_from(&all, "192.0.2.2", "r");
	peers_say(b.peer, "{\"type\":\"ack\",\"n\":4}");
	v1_drop(b, 0);
	for (int i = 0; i < 3; i++) {
		say_numbered(hog[i], 1, 60);
	}
	v1_skip(other);
	say_numbered(other, 1, 10);
	v1_hears_nothing(other);
}

static void who_came_and_left_unseen_is_not_told_of(void **state)
{
	char text[4096];

	(void)state;
	begin_anew(16, 1048576);
	v1_drop(b, 0);
	snprintf(text, sizeof(text), "{\"type\":\"update\",\"meta\":{\"x\":\"%04000d\"}}", 1);
	for (int i = 0; i < 18; i++) {
		struct v1_one c = v1_join(&all, "r");

		peers_say(c.peer, text);
		v1_confirm(c);
		v1_drop(c, 0);
		c = v1_resume(&all, "r", c.session, 0);
		peers_say(c.peer, BYE);
		v1_skip(a);
	}
	b = v1_resume(&all, "r", b.session, 0);
	v1_hears_nothing(b);
}

static void who_came_and_spoke_is_told_of_though_it_left(void **state)
{
	struct v1_one c;

	(void)state;
	v1_drop(b, 0);
	c = v1_join(&all, "r");
	peers_say(c.peer, X);
	peers_say(c.peer, BYE);
	b = v1_resume(&all, "r", b.session, 0);
	v1_hears_joined(b, c);
	v1_hears(b, FROM_X, c.id);
	v1_hears(b, LEFT("bye"), c.id);
	v1_hears_nothing(b);
}

static void of_news_only_the_newest_waits(void **state)
{
	(void)state;
	begin_anew(16, 1048576);
	v1_drop(b, 0);
	for (int i = 0; i < 20; i++) {
		char text[64];

		snprintf(text, sizeof(text), "{\"type\":\"update\",\"name\":\"n%d\"}", i);
		peers_say(a.peer, text);
		v1_drop(a, 0);
		a = v1_resume(&all, "r", a.session, 3 + (unsigned)i);
	}
	v1_drop(a, 0);
	b = v1_resume(&all, "r", b.session, 0);
	v1_hears(b, "{\"type\":\"peer-updated\",\"peer\":{\"id\":\"%s\",\"name\":\"n19\"}}", a.id);
	v1_hears(b, AWAY, a.id);
	v1_hears_nothing(b);
}

static void each_message_that_is_refused_for_one_who_is_away_is_counted(void **state)
{
	uint64_t before = meter_values[METER_PEER_BUSY];

	(void)state;
	begin_anew(16, 1048576);
	v1_drop(b, 0);
	say_numbered(a, 1, 5);
	assert_int_equal(meter_values[METER_PEER_BUSY], before);
	say_numbered(a, 6, 8);
	assert_int_equal(meter_values[METER_PEER_BUSY], before + 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_waits_for_one_who_is_away_is_bounded_and_its_sender_is_told),
		TEST(it_is_bounded_in_bytes_too),
		TEST(one_address_leaves_room_for_another),
		TEST(who_came_and_left_unseen_is_not_told_of),
		TEST(who_came_and_spoke_is_told_of_though_it_left),
		TEST(each_message_that_is_refused_for_one_who_is_away_is_counted),
		TEST(of_news_only_the_newest_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
