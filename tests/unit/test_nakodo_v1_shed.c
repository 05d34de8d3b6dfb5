/* nakodo.v1: whose session is given up when memory is short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/memory.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/hub/shortage.h"
#include "v1.h"

static const char *const mounts[] = {"/v1=nakodo.v1", NULL};
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

/* It came and lost its connection. */
static struct v1_one away(const char *address, const char *room, bool confirmed)
{
	struct v1_one one = v1_join_from(&all, address, room);

	if (confirmed) {
		v1_confirm(one);
	}
	v1_drop(one, 0);
	return one;
}

/* The least that helps is given up. */
static void shed(void)
{
	struct shortage shortage = {0};
	uint64_t before = meter_values[METER_SHED_SESSIONS];

	dialect_weigh(all.mounts, &shortage);
	shortage_begin(&shortage, memory_used() - 1);
	dialect_shed(all.mounts, &shortage);
	shortage_finish(&shortage);
	assert_int_equal(meter_values[METER_SHED_SESSIONS], before + 1);
}

static bool is_there(struct v1_one one, const char *room)
{
	const struct room *found = hub_room(peers_of(one.peer)->mount->space, room);

	return found && hub_find(found, one.id);
}

static void the_oldest_goes_first(void **state)
{
	struct v1_one first, second;

	(void)state;
	first = away("192.0.2.1", "a", true);
	second = away("192.0.2.1", "b", true);
	shed();
	assert_false(is_there(first, "a"));
	assert_true(is_there(second, "b"));
	shed();
	assert_false(is_there(second, "b"));
}

static void who_cannot_come_back_goes_before_the_oldest(void **state)
{
	struct v1_one oldest, unconfirmed;

	(void)state;
	oldest = away("192.0.2.1", "a", true);
	unconfirmed = away("192.0.2.1", "b", false);
	shed();
	assert_true(is_there(oldest, "a"));
	assert_false(is_there(unconfirmed, "b"));
}

static void one_of_the_address_that_has_most_goes_though_others_are_older(void **state)
{
	struct v1_one oldest, first, second;

	(void)state;
	oldest = away("192.0.2.2", "a", true);
	first = away("192.0.2.1", "b", true);
	second = away("192.0.2.1", "c", true);
	shed();
	assert_true(is_there(oldest, "a"));
	assert_false(is_there(first, "b"));
	assert_true(is_there(second, "c"));
}

static void who_is_connected_is_no_session_without_a_connection(void **state)
{
	struct shortage shortage = {0};

	(void)state;
	v1_confirm(v1_join_from(&all, "192.0.2.1", "a"));
	dialect_weigh(all.mounts, &shortage);
	assert_int_equal(shortage.held.used, 0);
	shortage_finish(&shortage);
}

static void who_is_forsaken_is_closed_and_has_left(void **state)
{
	struct v1_one one = v1_join_from(&all, "192.0.2.1", "a");
	struct v1_one other = v1_join_from(&all, "192.0.2.2", "a");
	const struct dialect *dialect = peers_of(one.peer)->mount->dialect;

	(void)state;
	v1_hears_joined(one, other);
	assert_true(dialect->kept(one.peer) > 0);
	dialect->forsake(one.peer);
	v1_hears(other, "{\"type\":\"peer-left\",\"id\":\"%s\",\"reason\":\"gone\"}", one.id);
	assert_string_equal(peers_hear(one.peer), "close 4508 ");
	assert_int_equal(dialect->kept(one.peer), 0);
	v1_is_not_recovered(v1_present(&all, "a", one.session, "0"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_oldest_goes_first),
		TEST(who_cannot_come_back_goes_before_the_oldest),
		TEST(one_of_the_address_that_has_most_goes_though_others_are_older),
		TEST(who_is_connected_is_no_session_without_a_connection),
		TEST(who_is_forsaken_is_closed_and_has_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
