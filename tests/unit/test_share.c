/* share: who has how much, who has most, and who gives way to a newcomer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/service/share.h"

static struct share share;

static struct address at(const char *text)
{
	struct address address = {{0}};

	assert_true(!*text || address_parse(&address, text, strlen(text)));
	return address;
}

static void add(const char *text, size_t amount)
{
	struct address address = at(text);

	assert_int_equal(share_add(&share, &address, amount), 0);
}

static void take(const char *text, size_t amount)
{
	struct address address = at(text);

	share_remove(&share, &address, amount);
}

static size_t of(const char *text)
{
	struct address address = at(text);

	return share_of(&share, &address);
}

/* "" : nobody. */
static void yields_to(const char *newcomer, size_t amount, const char *expected)
{
	struct address address = at(newcomer), found;
	char text[ADDRESS_TEXT];

	assert_int_equal(share_find_yielding(&share, &address, amount, &found), !!*expected);
	if (*expected) {
		assert_string_equal(address_format(&found, text), expected);
	}
}

static int tear_down(void **state)
{
	(void)state;
	share_clear(&share);
	assert_null(share.owners);
	assert_null(share.networks);
	return 0;
}

static void what_was_added_is_there_until_it_is_removed(void **state)
{
	(void)state;
	add("192.0.2.1", 3);
	add("192.0.2.1", 4);
	add("192.0.2.2", 5);
	assert_int_equal(of("192.0.2.1"), 7);
	assert_int_equal(share.used, 12);
	take("192.0.2.1", 3);
	assert_int_equal(of("192.0.2.1"), 4);
	take("192.0.2.1", 4);
	take("192.0.2.2", 5);
	assert_int_equal(share.used, 0);
	assert_null(share.owners);
	assert_null(share.networks);
}

static void more_than_there_is_cannot_be_removed(void **state)
{
	(void)state;
	add("192.0.2.1", 3);
	take("192.0.2.1", 4);
	take("192.0.2.9", 1);
	assert_int_equal(of("192.0.2.1"), 3);
}

static void a_network_of_64_bits_is_one_owner_and_so_are_the_unknown(void **state)
{
	struct address one = at("2001:db8::1"), other = at("2001:db8::2"),
		       third = at("2001:db8:0:1::1");

	(void)state;
	add("2001:db8::1", 1);
	add("2001:db8::2", 1);
	add("", 2);
	assert_int_equal(of("2001:db8::3"), 2);
	assert_int_equal(of(""), 2);
	assert_true(share_is_same(&one, &other));
	assert_false(share_is_same(&one, &third));
}

static void who_has_most_gives_way_to_who_would_have_less(void **state)
{
	(void)state;
	yields_to("192.0.2.9", 1, "");
	add("192.0.2.1", 2);
	add("192.0.2.2", 5);
	yields_to("192.0.2.9", 1, "192.0.2.2");
	yields_to("192.0.2.9", 4, "192.0.2.2");
	yields_to("192.0.2.9", 5, ""); /* it would have as much */
	yields_to("192.0.2.1", 2, "192.0.2.2");
	yields_to("192.0.2.1", 3, "");
	yields_to("192.0.2.2", 1, ""); /* nobody gives way to himself */
}

static void the_only_one_of_an_address_gives_way_to_nobody(void **state)
{
	(void)state;
	add("192.0.2.1", 1);
	add("192.0.2.2", 1);
	yields_to("192.0.2.9", 1, "");
}

static size_t yielding(const char *newcomer, size_t amount)
{
	struct address address = at(newcomer);

	return share_yielding(&share, &address, amount);
}

static void all_that_others_have_beyond_the_newcomers_gives_way(void **state)
{
	(void)state;
	assert_int_equal(yielding("192.0.2.9", 1), 0);
	add("192.0.2.1", 3);
	add("192.0.2.2", 5);
	add("192.0.2.3", 9);
	assert_int_equal(yielding("192.0.2.9", 1), 2 + 4 + 8);
	assert_int_equal(yielding("192.0.2.9", 4), 1 + 5);
	assert_int_equal(yielding("192.0.2.9", 9), 0);
	assert_int_equal(yielding("192.0.2.2", 1), 3);
	assert_int_equal(yielding("192.0.2.3", 1), 0);
}

static void a_level_leaves_as_much_less_as_it_is_asked_for(void **state)
{
	(void)state;
	assert_int_equal(share_level(&share, 1), 0);
	add("192.0.2.1", 30);
	add("192.0.2.2", 50);
	add("192.0.2.3", 90);
	assert_int_equal(share_level(&share, 40), 50);
	assert_int_equal(share_level(&share, 60), 40);
	assert_int_equal(share_level(&share, 80), 30);
	assert_int_equal(share_level(&share, 83), 29);
	assert_int_equal(share_level(&share, 169), 0);
	assert_int_equal(share_level(&share, 1000), 0);
}

static void many_addresses_of_one_network_have_no_more_than_one(void **state)
{
	char text[ADDRESS_TEXT];

	(void)state;
	add("198.51.100.5", 4); /* an office */
	for (int i = 1; i <= 18; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		add(text, i == 7 ? 3 : 2);
	}
	yields_to("192.0.2.99", 1, "192.0.2.7"); /* one of its own, and not the office */
	take("192.0.2.7", 2);
	take("192.0.2.1", 1);
	yields_to("192.0.2.99", 1, "192.0.2.2");
	yields_to("192.0.2.3", 1, "");
	yields_to("203.0.113.1", 1, "192.0.2.2");
	yields_to("198.51.100.5", 1, "192.0.2.2");
	for (int i = 2; i <= 18; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		take(text, i == 7 ? 0 : 1);
	}
	yields_to("192.0.2.99", 1, ""); /* one each */
	yields_to("203.0.113.1", 1, "192.0.2.1");
	assert_int_equal(yielding("192.0.2.99", 1), 0);
	assert_int_equal(yielding("203.0.113.1", 1), 3 + 17);
}

static bool can_spare(const char *owner, size_t claimed, const char *newcomer, size_t amount)
{
	struct address address = at(owner), asking = at(newcomer);
	struct share_owner *found = share_find(&share, &address);
	struct share_newcomer asks;
	bool spare;

	share_ask(&asks, &share, &asking, amount);
	share_claim(found, claimed);
	spare = share_can_spare(found, &asks);
	share_unclaim(found, claimed);
	return spare;
}

static void who_can_spare_what_is_claimed_has_no_less_than_the_newcomer_then(void **state)
{
	(void)state;
	add("192.0.2.1", 5);
	add("192.0.2.2", 2);
	assert_true(can_spare("192.0.2.1", 4, "192.0.2.9", 1));
	assert_false(can_spare("192.0.2.1", 5, "192.0.2.9", 1));
	assert_false(can_spare("192.0.2.1", 3, "192.0.2.2", 1));
	assert_true(can_spare("192.0.2.2", 2, "203.0.113.1", 5)); /* its network has five more */
	assert_false(can_spare("192.0.2.2", 2, "203.0.113.1", 6));
}

static void all_that_another_share_has_can_be_added(void **state)
{
	struct share other = {0};
	struct address one = at("192.0.2.1"), two = at("2001:db8::1"), unknown = at("");

	(void)state;
	share_add(&other, &one, 5);
	share_add(&other, &two, 6);
	share_add(&other, &unknown, 7);
	add("192.0.2.1", 1);
	share_add_all(&share, &other);
	share_clear(&other);
	assert_int_equal(of("192.0.2.1"), 6);
	assert_int_equal(of("2001:db8::1"), 6);
	assert_int_equal(of(""), 7);
	assert_int_equal(share.used, 19);
}

static void it_takes_more_the_more_owners_it_has(void **state)
{
	size_t before = share_size(&share);
	char text[ADDRESS_TEXT];

	(void)state;
	for (int i = 0; i < 256; i++) {
		snprintf(text, sizeof(text), "192.0.%d.1", i);
		add(text, 1);
		add(text, 1);
	}
	/* 256 owners and their networks, each with its place in a table */
	assert_in_range(share_size(&share), 512 * 96, 512 * 192);
	for (int i = 0; i < 256; i++) {
		snprintf(text, sizeof(text), "192.0.%d.1", i);
		take(text, 2);
	}
	assert_int_equal(share_size(&share), before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_was_added_is_there_until_it_is_removed),
		TEST(more_than_there_is_cannot_be_removed),
		TEST(a_network_of_64_bits_is_one_owner_and_so_are_the_unknown),
		TEST(who_has_most_gives_way_to_who_would_have_less),
		TEST(the_only_one_of_an_address_gives_way_to_nobody),
		TEST(all_that_others_have_beyond_the_newcomers_gives_way),
		TEST(a_level_leaves_as_much_less_as_it_is_asked_for),
		TEST(all_that_another_share_has_can_be_added),
		TEST(it_takes_more_the_more_owners_it_has),
		TEST(many_addresses_of_one_network_have_no_more_than_one),
		TEST(who_can_spare_what_is_claimed_has_no_less_than_the_newcomer_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
