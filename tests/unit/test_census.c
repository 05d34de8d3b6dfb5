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

static bool add_peer(struct census *census, const struct address *address, size_t most)
{
	struct census_group *group;

	return census_add_peer(census, address, most, &group);
}

static bool add_connection(struct census *census, const struct address *address, size_t most)
{
	struct census_group *group;

	return census_add_connection(census, address, most, &group);
}

static void an_address_gets_as_many_peers_as_are_allowed(void **state)
{
	struct address one = address_of("192.0.2.1"), other = address_of("192.0.2.2");

	for (int i = 0; i < 3; i++) {
		assert_true(add_peer(*state, &one, 3));
	}
	assert_false(add_peer(*state, &one, 3));
	assert_true(add_peer(*state, &other, 3));
}

static void one_that_left_makes_room_for_the_next(void **state)
{
	struct address one = address_of("192.0.2.1");

	for (int i = 0; i < 100; i++) {
		assert_true(add_peer(*state, &one, 1));
		assert_false(add_peer(*state, &one, 1));
		census_remove_peer(*state, census_find(*state, &one));
	}
}

static void who_was_refused_was_not_counted(void **state)
{
	struct address one = address_of("192.0.2.1");

	assert_true(add_peer(*state, &one, 1));
	for (int i = 0; i < 100; i++) {
		assert_false(add_peer(*state, &one, 1));
	}
	census_remove_peer(*state, census_find(*state, &one));
	assert_true(add_peer(*state, &one, 1));
}

static void connections_and_peers_are_counted_apart(void **state)
{
	struct address one = address_of("192.0.2.1");

	assert_true(add_connection(*state, &one, 2));
	assert_true(add_connection(*state, &one, 2));
	assert_false(add_connection(*state, &one, 2));
	assert_true(add_peer(*state, &one, 1));
	assert_false(add_peer(*state, &one, 1));
	census_remove_connection(*state, census_find(*state, &one));
	assert_false(add_peer(*state, &one, 1));
	assert_true(add_connection(*state, &one, 2));
}

static void an_ipv6_network_counts_as_one(void **state)
{
	struct address first = address_of("2001:db8:0:1::1");
	struct address second = address_of("2001:db8:0:1:ffff::2");
	struct address outside = address_of("2001:db8:0:2::1");

	assert_true(add_peer(*state, &first, 2));
	assert_true(add_peer(*state, &second, 2));
	assert_false(add_peer(*state, &first, 2));
	assert_true(add_peer(*state, &outside, 2));
	census_remove_peer(*state, census_find(*state, &second));
	assert_true(add_peer(*state, &first, 2));
}

static void no_bound_lets_everybody_in_and_still_counts(void **state)
{
	struct address one = address_of("192.0.2.1");

	for (int i = 0; i < 1000; i++) {
		assert_true(add_peer(*state, &one, 0));
	}
	assert_false(add_peer(*state, &one, 1000));
	assert_true(add_peer(*state, &one, 1001));
}

static void an_unknown_address_has_no_bound(void **state)
{
	struct address nobody = {{0}};

	for (int i = 0; i < 10; i++) {
		assert_true(add_peer(*state, &nobody, 1));
		assert_true(add_connection(*state, &nobody, 1));
	}
	census_remove_peer(*state, census_find(*state, &nobody));
	census_remove_connection(*state, census_find(*state, &nobody));
}

static void removing_what_was_never_counted_changes_nothing(void **state)
{
	struct address one = address_of("192.0.2.1");

	census_remove_peer(*state, census_find(*state, &one));
	census_remove_connection(*state, census_find(*state, &one));
	assert_true(add_peer(*state, &one, 1));
	assert_false(add_peer(*state, &one, 1));
}

/* Some may share a slot by chance, which is another in each run. */
static unsigned logged_of_hundred(struct census *census, uint64_t now)
{
	unsigned logged = 0;

	for (unsigned i = 0; i < 100; i++) {
		struct address address = address_of("2001:db8::1");

		address.bytes[5] = (unsigned char)i;
		logged += census_may_log(census, &address, now);
		address.bytes[15] = 2; /* a neighbour */
		assert_false(census_may_log(census, &address, now));
	}
	return logged;
}

static void a_refusal_is_logged_once_a_minute_for_each_address(void **state)
{
	assert_in_range(logged_of_hundred(*state, 1000), 80, 100);
	assert_int_equal(logged_of_hundred(*state, 60999), 0);
	assert_in_range(logged_of_hundred(*state, 61000), 80, 100);
	assert_int_equal(logged_of_hundred(*state, 61001), 0);
}

static void two_addresses_of_one_slot_are_logged_once_a_minute_together(void **state)
{
	char text[ADDRESS_TEXT];
	struct address address;
	unsigned logged = 0;

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 20000; i++) {
			snprintf(text, sizeof(text), "10.%u.%u.1", i >> 8, i & 255);
			address = address_of(text);
			logged += census_may_log(*state, &address, 5);
		}
	}
	assert_in_range(logged, 1000, 4096);
}

static void a_network_is_logged_64_times_a_minute(void **state)
{
	struct address address = address_of("2001:db9:7::");
	unsigned logged = 0;

	for (unsigned i = 0; i < 1000; i++) {
		address.bytes[6] = (unsigned char)(i >> 8);
		address.bytes[7] = (unsigned char)i;
		logged += census_may_log(*state, &address, 5);
	}
	assert_in_range(logged, 32, 64);
	assert_in_range(logged_of_hundred(*state, 5), 80, 100); /* others as before */
	logged = 0;
	for (unsigned i = 0; i < 1000; i++) {
		address.bytes[7] = (unsigned char)i;
		logged += census_may_log(*state, &address, 60005);
	}
	assert_in_range(logged, 32, 64);
}

static void a_network_has_eight_times_as_much(void **state)
{
	static const struct {
		const char *first, *last, *outside;
		size_t byte; /* that tells the groups apart */
	} networks[] = {{"198.51.100.0", "198.51.100.99", "198.51.101.1", 15},
		{"2001:db8:7::1", "2001:db8:7:ff00::1", "2001:db8:8::1", 7}};
	struct address address;

	for (size_t n = 0; n < 2; n++) {
		address = address_of(networks[n].first);
		for (unsigned i = 0; i < 16; i++) {
			address.bytes[networks[n].byte] = (unsigned char)(i / 2);
			assert_true(add_peer(*state, &address, 2));
			assert_true(add_connection(*state, &address, 3));
		}
		address = address_of(networks[n].last);
		assert_false(add_peer(*state, &address, 2));
		assert_true(add_connection(*state, &address, 3));
		address = address_of(networks[n].outside);
		assert_true(add_peer(*state, &address, 2));
		address = address_of(networks[n].first);
		census_remove_peer(*state, census_find(*state, &address));
		address = address_of(networks[n].last);
		assert_true(add_peer(*state, &address, 2));
	}
}

static void who_is_gone_is_remembered_and_not_for_ever(void **state)
{
	struct address one = address_of("192.0.2.1"), other;
	char text[ADDRESS_TEXT];

	assert_true(add_peer(*state, &one, 1));
	census_leave_debt(census_find(*state, &one), CENSUS_BYTES, 1000000, 0);
	census_remove_peer(*state, census_find(*state, &one));
	assert_int_equal(
		census_take_debt(census_find(*state, &one), CENSUS_BYTES, UINT64_MAX, 0), 1000000);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		other = address_of(text);
		assert_true(add_peer(*state, &other, 1));
		census_remove_peer(*state, census_find(*state, &other));
	}
	assert_null(census_find(*state, &one));
	assert_non_null(census_find(*state, &other));
}

/* How many of 10 000 connects at once need not wait. */
static unsigned connects_at(struct census *census, const struct address *address, uint64_t now)
{
	struct census_group *group;
	uint64_t wait;
	unsigned count = 0;

	assert_true(census_add_connection(census, address, 0, &group));
	while (count < 10000 && census_connect(group, 100, now, 0, &wait)) {
		assert_int_equal(wait, 0);
		count++;
	}
	census_remove_connection(census, group);
	return count;
}

static void connects_come_in_bursts_of_ten_seconds_and_then_at_their_rate(void **state)
{
	struct address one = address_of("192.0.2.1"), other = address_of("192.0.3.1");

	assert_int_equal(connects_at(*state, &one, 5000), 1000);
	assert_int_equal(connects_at(*state, &one, 6000), 100);
	assert_int_equal(connects_at(*state, &other, 6000), 1000);
	assert_int_equal(connects_at(*state, &one, 600000), 1000);
}

static void a_network_connects_eight_times_as_often(void **state)
{
	struct address address;
	char text[ADDRESS_TEXT];
	unsigned burst = 0, later = 0;

	for (unsigned i = 0; i < 250; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", i);
		address = address_of(text);
		burst += connects_at(*state, &address, 5000);
	}
	for (unsigned i = 0; i < 250; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", i);
		address = address_of(text);
		later += connects_at(*state, &address, 6000);
	}
	assert_int_equal(burst, 2000);
	assert_int_equal(later, 800);
}

static void who_connects_too_often_waits_for_its_turn(void **state)
{
	struct address one = address_of("192.0.2.1");
	struct census_group *group;
	uint64_t wait;

	assert_true(census_add_connection(*state, &one, 0, &group));
	assert_int_equal(connects_at(*state, &one, 1000), 1000);
	for (uint64_t i = 1; i <= 500; i++) {
		assert_true(census_connect(group, 100, 1000, 5000, &wait));
		assert_int_equal(wait, i * 10);
	}
	assert_false(census_connect(group, 100, 1000, 5000, &wait));
	assert_true(census_connect(group, 0, 1000, 0, &wait));
	assert_true(census_connect(NULL, 100, 1000, 0, &wait));
}

/* So many peers of an address are there. */
static struct census_group *peers_at(struct census *census, const char *text, int count)
{
	struct address address = address_of(text);
	struct census_group *group = NULL;

	while (count--) {
		assert_true(census_add_peer(census, &address, 0, &group));
	}
	return group;
}

#define BURST 4000000

static void a_connection_takes_over_the_share_of_one_who_left(void **state)
{
	struct census_group *group = peers_at(*state, "192.0.2.1", 4);

	assert_int_equal(census_take_debt(group, CENSUS_MESSAGES, BURST, 0), 0);
	for (int i = 0; i < 4; i++) {
		census_leave_debt(group, CENSUS_MESSAGES, 4000000, 1000);
	}
	census_leave_debt(group, CENSUS_MESSAGES, 0, 1000);
	assert_int_equal(census_share_of_debt(group, CENSUS_MESSAGES, 2000), 3000000);
	assert_int_equal(census_take_debt(group, CENSUS_BYTES, BURST, 2000), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(census_take_debt(group, CENSUS_MESSAGES, BURST, 2000), 3000000);
	}
	assert_int_equal(census_take_debt(group, CENSUS_MESSAGES, BURST, 2000), 0);
	census_leave_debt(group, CENSUS_MESSAGES, 4000000, 3000);
	assert_int_equal(census_take_debt(group, CENSUS_MESSAGES, BURST, 7000), 0);
}

static void a_connection_takes_over_no_more_than_it_is_asked_to(void **state)
{
	struct census_group *group = peers_at(*state, "192.0.2.1", 1);

	census_leave_debt(group, CENSUS_BYTES, 7000000, 1000);
	assert_int_equal(census_take_debt(group, CENSUS_BYTES, BURST, 1000), 4000000);
	assert_int_equal(census_share_of_debt(group, CENSUS_BYTES, 1000), 3000000);
	assert_int_equal(census_share_of_debt(group, CENSUS_BYTES, 2000), 2000000);
	assert_int_equal(census_take_debt(group, CENSUS_BYTES, BURST, 2000), 2000000);
	assert_int_equal(census_take_debt(group, CENSUS_BYTES, BURST, 2000), 0);
}

/* What it leaves behind each time melts no faster than two connections melt it. */
static void who_comes_and_goes_counts_as_one_however_often(void **state)
{
	struct census_group *group = peers_at(*state, "192.0.2.1", 2); /* and a colleague */
	uint64_t now = 1000, sent = 0;

	for (; now < 61000; now += 10) {
		if (census_share_of_debt(group, CENSUS_MESSAGES, now) <= 8000000) {
			census_leave_debt(group, CENSUS_MESSAGES,
				census_take_debt(group, CENSUS_MESSAGES, BURST, now) + 650000, now);
			sent += 650000;
		}
	}
	assert_in_range(sent, 2 * 60000000, 2 * (60000000 + 8000000) + 650000);
	assert_int_equal(census_share_of_debt(group, CENSUS_MESSAGES, now + 10000), 0);
}

static void the_surplus_of_an_address_is_that_of_its_connections_in_one_round(void **state)
{
	struct address one = address_of("192.0.2.1"), other = address_of("192.0.2.2");
	struct census_group *of_one, *of_other;

	assert_true(census_add_connection(*state, &one, 0, &of_one));
	assert_true(census_add_connection(*state, &other, 0, &of_other));
	assert_int_equal(census_count_surplus(of_one, 1, 100), 100);
	assert_int_equal(census_count_surplus(of_one, 1, 50), 150);
	assert_int_equal(census_count_surplus(of_other, 1, 7), 7);
	assert_int_equal(census_count_surplus(of_one, 1, UINT32_MAX), UINT32_MAX);
	assert_int_equal(census_count_surplus(of_one, 2, 3), 3);
	assert_int_equal(census_count_surplus(NULL, 2, 5), 5);
	census_remove_connection(*state, of_one);
	census_remove_connection(*state, of_other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_address_gets_as_many_peers_as_are_allowed),
		TEST(one_that_left_makes_room_for_the_next),
		TEST(who_was_refused_was_not_counted),
		TEST(connections_and_peers_are_counted_apart),
		TEST(an_ipv6_network_counts_as_one),
		TEST(no_bound_lets_everybody_in_and_still_counts),
		TEST(an_unknown_address_has_no_bound),
		TEST(removing_what_was_never_counted_changes_nothing),
		TEST(a_refusal_is_logged_once_a_minute_for_each_address),
		TEST(two_addresses_of_one_slot_are_logged_once_a_minute_together),
		TEST(a_network_is_logged_64_times_a_minute),
		TEST(a_network_has_eight_times_as_much),
		TEST(who_is_gone_is_remembered_and_not_for_ever),
		TEST(connects_come_in_bursts_of_ten_seconds_and_then_at_their_rate),
		TEST(a_network_connects_eight_times_as_often),
		TEST(who_connects_too_often_waits_for_its_turn),
		TEST(a_connection_takes_over_the_share_of_one_who_left),
		TEST(the_surplus_of_an_address_is_that_of_its_connections_in_one_round),
		TEST(a_connection_takes_over_no_more_than_it_is_asked_to),
		TEST(who_comes_and_goes_counts_as_one_however_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
