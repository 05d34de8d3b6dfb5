/* census: what an address and its network may have under way at a time, and of a turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/address.h"
#include "nakodo/net/gate/census.h"

static struct address address_of(const char *text)
{
	struct address address;

	assert_true(address_parse(&address, text, strlen(text)));
	return address;
}

static int create(void **state)
{
	*state = census_create();
	return *state ? 0 : -1;
}

static int destroy(void **state)
{
	census_destroy(*state);
	return 0;
}

static struct census_group *connection_from(struct census *census, const char *text)
{
	struct address address = address_of(text);
	struct census_group *group;

	assert_true(census_add_connection(census, &address, 0, &group));
	return group;
}

/* Begin as many handshakes as may be. */
static unsigned handshakes_of(struct census_group *group)
{
	unsigned count = 0;

	for (; census_may_shake_hands(group); count++) {
		census_begin_handshake(group);
	}
	return count;
}

static void handshakes_before_their_costly_step_are_bounded_by_address_and_network(void **state)
{
	struct census_group *one = connection_from(*state, "192.0.2.1");
	struct census_group *two = connection_from(*state, "192.0.2.2");
	struct census_group *three = connection_from(*state, "192.0.2.3");
	struct census_group *elsewhere = connection_from(*state, "198.51.100.1");

	assert_int_equal(handshakes_of(one), CENSUS_HANDSHAKES);
	assert_int_equal(handshakes_of(two), CENSUS_HANDSHAKES);
	assert_int_equal(handshakes_of(three), 0);
	assert_int_equal(handshakes_of(elsewhere), CENSUS_HANDSHAKES);
	assert_false(census_is_crowded(two));
	census_queue_handshake(three);
	assert_true(census_is_crowded(two)); /* as one of its network */
	assert_false(census_is_crowded(elsewhere));
	census_end_handshake(one);
	assert_false(census_is_crowded(two));
	assert_true(census_may_shake_hands(three));
	census_unqueue_handshake(three);
	assert_true(census_may_shake_hands(NULL)); /* an address that is not known */
}

/* Begin as many files of `most` as may be. */
static unsigned files_of(struct census_group *group, size_t most)
{
	unsigned count = 0;

	for (; census_may_get_file(group, most); count++) {
		census_begin_file(group);
	}
	return count;
}

static void an_address_gets_an_eighth_of_the_files_and_a_network_a_quarter(void **state)
{
	struct census_group *one = connection_from(*state, "192.0.2.1");
	struct census_group *third = connection_from(*state, "192.0.2.3");

	assert_int_equal(files_of(one, 100), 12);
	assert_int_equal(files_of(connection_from(*state, "192.0.2.2"), 100), 12);
	assert_int_equal(files_of(third, 100), 0);
	assert_int_equal(files_of(connection_from(*state, "198.51.100.1"), 7), 1);
	census_end_file(one);
	assert_true(census_may_get_file(third, 100));
	assert_true(census_may_get_file(NULL, 100)); /* an address that is not known */
}

static void what_an_address_took_of_a_turn_is_forgotten_in_the_next(void **state)
{
	struct address one = address_of("192.0.2.1"), other = address_of("192.0.2.2");
	struct census_group *first, *second;

	assert_true(census_add_connection(*state, &one, 0, &first));
	assert_true(census_add_connection(*state, &other, 0, &second));
	census_work(first, 7, 100);
	census_work(first, 7, 50);
	assert_int_equal(census_worked(first, 7), 150);
	assert_int_equal(census_worked(second, 7), 150 / CENSUS_WORK); /* as one of its network */
	assert_int_equal(census_worked(first, 8), 0);
	assert_int_equal(census_worked(second, 8), 0);
	census_work(NULL, 7, 100);
	assert_int_equal(census_worked(NULL, 7), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(handshakes_before_their_costly_step_are_bounded_by_address_and_network),
		TEST(an_address_gets_an_eighth_of_the_files_and_a_network_a_quarter),
		TEST(what_an_address_took_of_a_turn_is_forgotten_in_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
