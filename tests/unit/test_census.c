/* census: counts by address and network, bounds, and refusals that are logged once a minute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

static void an_address_gets_as_many_peers_as_are_allowed(void **state)
{
	struct address one = address_of("192.0.2.1"), other = address_of("192.0.2.2");

	for (int i = 0; i < 3; i++) {
		assert_true(census_add_peer(*state, &one, 3));
	}
	assert_false(census_add_peer(*state, &one, 3));
	assert_true(census_add_peer(*state, &other, 3));
}

static void one_that_left_makes_room_for_the_next(void **state)
{
	struct address one = address_of("192.0.2.1");

	for (int i = 0; i < 100; i++) {
		assert_true(census_add_peer(*state, &one, 1));
		assert_false(census_add_peer(*state, &one, 1));
		census_remove_peer(*state, &one);
	}
}

static void who_was_refused_was_not_counted(void **state)
{
	struct address one = address_of("192.0.2.1");

	assert_true(census_add_peer(*state, &one, 1));
	for (int i = 0; i < 100; i++) {
		assert_false(census_add_peer(*state, &one, 1));
	}
	census_remove_peer(*state, &one);
	assert_true(census_add_peer(*state, &one, 1));
}

static void connections_and_peers_are_counted_apart(void **state)
{
	struct address one = address_of("192.0.2.1");

	assert_true(census_add_connection(*state, &one, 2));
	assert_true(census_add_connection(*state, &one, 2));
	assert_false(census_add_connection(*state, &one, 2));
	assert_true(census_add_peer(*state, &one, 1));
	assert_false(census_add_peer(*state, &one, 1));
	census_remove_connection(*state, &one);
	assert_false(census_add_peer(*state, &one, 1));
	assert_true(census_add_connection(*state, &one, 2));
}

static void an_ipv6_network_counts_as_one(void **state)
{
	struct address first = address_of("2001:db8:0:1::1");
	struct address second = address_of("2001:db8:0:1:ffff::2");
	struct address outside = address_of("2001:db8:0:2::1");

	assert_true(census_add_peer(*state, &first, 2));
	assert_true(census_add_peer(*state, &second, 2));
	assert_false(census_add_peer(*state, &first, 2));
	assert_true(census_add_peer(*state, &outside, 2));
	census_remove_peer(*state, &second);
	assert_true(census_add_peer(*state, &first, 2));
}

static void no_bound_lets_everybody_in_and_still_counts(void **state)
{
	struct address one = address_of("192.0.2.1");

	for (int i = 0; i < 1000; i++) {
		assert_true(census_add_peer(*state, &one, 0));
	}
	assert_false(census_add_peer(*state, &one, 1000));
	assert_true(census_add_peer(*state, &one, 1001));
}

static void an_unknown_address_has_no_bound(void **state)
{
	struct address nobody = {{0}};

	for (int i = 0; i < 10; i++) {
		assert_true(census_add_peer(*state, &nobody, 1));
		assert_true(census_add_connection(*state, &nobody, 1));
	}
	census_remove_peer(*state, &nobody);
	census_remove_connection(*state, &nobody);
}

static void removing_what_was_never_counted_changes_nothing(void **state)
{
	struct address one = address_of("192.0.2.1");

	census_remove_peer(*state, &one);
	census_remove_connection(*state, &one);
	assert_true(census_add_peer(*state, &one, 1));
	assert_false(census_add_peer(*state, &one, 1));
}

static void a_refusal_is_logged_once_a_minute_for_each_address(void **state)
{
	struct address one = address_of("192.0.2.1"), other = address_of("2001:db8::1");
	struct address neighbour = address_of("2001:db8::2");

	assert_true(census_may_log(*state, &one, 1000));
	assert_false(census_may_log(*state, &one, 1000));
	assert_true(census_may_log(*state, &other, 1001));
	assert_false(census_may_log(*state, &neighbour, 1002));
	assert_false(census_may_log(*state, &one, 60999));
	assert_true(census_may_log(*state, &one, 61000));
	assert_false(census_may_log(*state, &one, 61001));
}

static void with_very_many_addresses_nobody_is_logged_less(void **state)
{
	char text[ADDRESS_TEXT];
	struct address address;

	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		address = address_of(text);
		assert_true(census_may_log(*state, &address, 5));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_address_gets_as_many_peers_as_are_allowed, create, destroy),
		cmocka_unit_test_setup_teardown(
			one_that_left_makes_room_for_the_next, create, destroy),
		cmocka_unit_test_setup_teardown(who_was_refused_was_not_counted, create, destroy),
		cmocka_unit_test_setup_teardown(
			connections_and_peers_are_counted_apart, create, destroy),
		cmocka_unit_test_setup_teardown(an_ipv6_network_counts_as_one, create, destroy),
		cmocka_unit_test_setup_teardown(
			no_bound_lets_everybody_in_and_still_counts, create, destroy),
		cmocka_unit_test_setup_teardown(an_unknown_address_has_no_bound, create, destroy),
		cmocka_unit_test_setup_teardown(
			removing_what_was_never_counted_changes_nothing, create, destroy),
		cmocka_unit_test_setup_teardown(
			a_refusal_is_logged_once_a_minute_for_each_address, create, destroy),
		cmocka_unit_test_setup_teardown(
			with_very_many_addresses_nobody_is_logged_less, create, destroy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
