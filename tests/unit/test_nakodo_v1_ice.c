/* nakodo.v1: participants are told of TURN servers again before what they know expires. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/service/ice.h"
#include "v1.h"

#define TTL 400 /* s */
#define RENEWAL (TTL * 750) /* ms */

static const char *const mounts[] = {"/v1=nakodo.v1", NULL};
static char secret[] = "/tmp/nakodo-v1-ice-XXXXXX", url[] = "turn:a";
static struct option_item server = {.value = url};
static struct options options;
static struct ice *ice;
static struct dialect_env env;
static struct peers all;

static int set_up(void **state)
{
	struct problem problem;
	int fd;

	(void)state;
	strncpy(secret + sizeof(secret) - 7, "XXXXXX", 7);
	fd = mkstemp(secret);
	assert_int_equal(write(fd, "north\n", 6), 6);
	close(fd);
	options = peers_options;
	options.turn_server = (struct option_list){&server, 1};
	options.turn_secret = secret;
	options.turn_ttl = TTL;
	options.resume_seconds = 2 * TTL;
	assert_int_equal(ice_create(&ice, &options, &problem), 0);
	unlink(secret);
	peers_init(&all, PEERS_ALL, mounts);
	env = peers_env;
	env.ice = ice;
	env.options = &options;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	ice_destroy(ice);
	return 0;
}

/* Join a room where nobody else is. */
static struct v1_one join(int number)
{
	char room[16], path[16];
	struct peer *peer;
	struct v1_one one;

	snprintf(room, sizeof(room), "%d", number);
	snprintf(path, sizeof(path), "/v1/%d", number);
	if (!number) { /* only the first one's mount has to be told of the servers */
		peer = peers_connect(&all, "/v1/first");
		((struct mount *)peers_of(peer)->mount)->env = &env;
		v1_drop((struct v1_one){.peer = peer}, 1000);
	}
	one = v1_join(&all, room);
	v1_confirm(one);
	return one;
}

/* Is that all that it is told, once more, with another name than `before`? */
static bool is_told(struct v1_one one, char before[64])
{
	const char *text = peers_hear(one.peer);
	char username[64];

	if (!strcmp(text, "nothing")) {
		return false;
	}
	assert_non_null(
		strstr(text, "text {\"type\":\"ice\",\"iceServers\":[{\"urls\":[\"turn:a\"],"));
	v1_read(text, "username", username);
	assert_string_not_equal(username, before);
	memcpy(before, username, sizeof(username));
	v1_hears_nothing(one);
	return true;
}

static void each_is_told_again_after_three_quarters_of_its_time(void **state)
{
	char of_a[64] = "", of_b[64] = "";
	struct v1_one a = join(0), b;

	(void)state;
	peers_wait(&all, RENEWAL / 2);
	b = join(1);
	for (int i = 0; i < 2; i++) {
		peers_wait(&all, RENEWAL / 2 - 1000);
		assert_false(is_told(a, of_a) || is_told(b, of_b));
		peers_wait(&all, 1000 + 2 * WHEEL_STEP);
		assert_true(is_told(a, of_a));
		assert_false(is_told(b, of_b));
		peers_wait(&all, RENEWAL / 2 - 1000);
		assert_false(is_told(a, of_a) || is_told(b, of_b));
		peers_wait(&all, 1000);
		assert_true(is_told(b, of_b));
		assert_false(is_told(a, of_a));
	}
}

static void who_is_away_then_is_told_when_it_comes_back_and_counts_anew(void **state)
{
	struct v1_one a = join(0), back;
	char name[64] = "";

	(void)state;
	v1_drop(a, 0);
	peers_wait(&all, RENEWAL + RENEWAL / 2);
	back = v1_resume(&all, "0", a.session, 0);
	v1_hears_nothing(back);
	peers_wait(&all, RENEWAL - 1000);
	assert_false(is_told(back, name));
	peers_wait(&all, 1000 + 2 * WHEEL_STEP);
	assert_true(is_told(back, name));
}

static void a_crowd_is_told_in_several_turns(void **state)
{
	struct v1_one crowd[PEERS_MAX - 2];
	size_t count = sizeof(crowd) / sizeof(*crowd), told = 0;
	bool knows[PEERS_MAX] = {false};
	char name[64] = "";

	(void)state;
	for (size_t i = 0; i < count; i++) {
		crowd[i] = join((int)i);
	}
	peers_wait(&all, RENEWAL - 1000);
	for (int turn = 0; turn < 100 && told < count; turn++) {
		size_t before = told;

		peers_wait(&all, WHEEL_STEP);
		for (size_t i = 0; i < count; i++) {
			bool now = is_told(crowd[i], name);

			assert_false(now && knows[i]);
			knows[i] |= now;
			told += now;
		}
		assert_in_range(told - before, 0, 32);
	}
	assert_int_equal(told, count);
}

static bool hears_at_once(struct v1_one one)
{
	char before[64] = "";

	peers_wait(&all, 2 * WHEEL_STEP);
	return is_told(one, before);
}

/* However long the machine runs. */
static void who_knows_of_none_that_expire_is_told_at_once_when_there_are_some(void **state)
{
	struct v1_one a = v1_join(&all, "a"), b, c;
	struct dialect_env none = peers_env;
	struct mount *mount = (struct mount *)peers_of(a.peer)->mount;

	(void)state;
	v1_confirm(a);
	mount->env = &env;
	dialect_table_adapt(all.mounts);
	b = v1_join(&all, "b");
	v1_confirm(b);
	assert_true(hears_at_once(a));
	v1_hears_nothing(b);

	mount->env = &none;
	dialect_table_adapt(all.mounts);
	c = v1_join(&all, "c");
	v1_confirm(c);
	mount->env = &env;
	dialect_table_adapt(all.mounts);
	assert_true(hears_at_once(a));
	assert_true(hears_at_once(b));
	assert_true(hears_at_once(c));
	assert_false(hears_at_once(a));
}

static void nobody_is_told_of_what_does_not_expire(void **state)
{
	struct v1_one a = v1_join(&all, "r");

	(void)state;
	v1_confirm(a);
	peers_wait(&all, 2 * RENEWAL);
	v1_hears_nothing(a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_is_told_again_after_three_quarters_of_its_time),
		TEST(who_is_away_then_is_told_when_it_comes_back_and_counts_anew),
		TEST(a_crowd_is_told_in_several_turns),
		TEST(who_knows_of_none_that_expire_is_told_at_once_when_there_are_some),
		TEST(nobody_is_told_of_what_does_not_expire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
