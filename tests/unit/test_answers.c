/* answers: what one address and one network may have waiting, and what is left to the others. */
#include "nakodo/net/gate/answers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/address.h"

#define STEP ((size_t)ANSWERS_SMALL) /* bytes of one answer */

static struct answers answers;

static int enter(void **state)
{
	(void)state;
	answers_init(&answers, UINT64_MAX);
	return 0;
}

static struct address address_of(const char *text)
{
	struct address address = {{0}};

	assert_true(!*text || address_parse(&address, text, strlen(text)));
	return address;
}

static size_t room(const char *text)
{
	struct address address = address_of(text);

	return answers_room(&answers, &address);
}

/* The most that one of eight may have, of that network or, NULL, each of another: by chance one of
 * them shares a slot with somebody else. */
static size_t room_of_one(const char *network)
{
	size_t most = 0;
	char text[64];

	for (int i = 2; i < 10; i++) {
		size_t each;

		if (network) {
			snprintf(text, sizeof(text), "%s.%d", network, i);
		} else {
			snprintf(text, sizeof(text), "198.51.%d.1", i);
		}
		each = room(text);
		most = each > most ? each : most;
	}
	return most;
}

/* Take as much as there is; how much that was. */
static size_t hoard(const char *text)
{
	struct address address = address_of(text);
	size_t taken = 0;

	while (answers_room(&answers, &address) > STEP) {
		answers_add(&answers, &address, STEP);
		taken += STEP;
	}
	return taken;
}

static void one_address_gets_a_third(void **state)
{
	(void)state;
	assert_in_range(hoard("192.0.2.1"), ANSWERS_MAX / 3 - STEP, ANSWERS_MAX / 3);
	assert_in_range(room_of_one("192.0.2"), ANSWERS_MAX / 3, ANSWERS_MAX / 3 + 2 * STEP);
	assert_in_range(room_of_one(NULL), ANSWERS_MAX / 3 * 2, ANSWERS_MAX / 3 * 2 + 3 * STEP);
}

static void all_of_a_network_get_half(void **state)
{
	char text[64];
	size_t taken = 0;

	(void)state;
	/* A /56 has 256 groups. */
	for (int i = 0; i < 256; i++) {
		snprintf(text, sizeof(text), "2001:db8:1:%x::1", i);
		taken += hoard(text);
	}
	assert_in_range(taken, ANSWERS_MAX / 2 - 3 * STEP, ANSWERS_MAX / 2);
	assert_in_range(room_of_one(NULL), ANSWERS_MAX / 2, ANSWERS_MAX / 2 + 3 * STEP);
}

static void two_networks_leave_room_for_a_file_of_another(void **state)
{
	char text[64];

	(void)state;
	for (int i = 0; i < 2; i++) {
		for (int j = 1; j < 20; j++) {
			snprintf(text, sizeof(text), "10.0.%d.%d", i, j);
			hoard(text);
		}
	}
	assert_in_range(room_of_one(NULL), (size_t)16 << 20, ANSWERS_MAX);
}

static void what_was_taken_is_given_back(void **state)
{
	struct address address = address_of("192.0.2.1");
	size_t taken = hoard("192.0.2.1");

	(void)state;
	answers_remove(&answers, &address, taken);
	assert_int_equal(room("192.0.2.1"), ANSWERS_MAX);
}

static void who_has_no_address_is_bounded_by_what_there_is(void **state)
{
	(void)state;
	assert_int_equal(hoard(""), ANSWERS_MAX - STEP);
	assert_int_equal(room("192.0.2.1"), ANSWERS_SMALL);
}

static void what_is_small_is_answered_up_to_a_second_bound(void **state)
{
	struct address address = address_of("192.0.2.1");
	size_t taken = hoard("192.0.2.1");

	(void)state;
	while (answers_room(&answers, &address) == ANSWERS_SMALL) {
		answers_add(&answers, &address, ANSWERS_SMALL);
		taken += ANSWERS_SMALL;
	}
	assert_in_range(taken, ANSWERS_MAX / 3 * 2 - STEP, ANSWERS_MAX / 3 * 2);
	assert_true(room("192.0.2.1") < ANSWERS_SMALL);
	assert_int_equal(room_of_one(NULL), (size_t)ANSWERS_MAX - taken);
}

static void there_is_less_where_there_is_less_memory(void **state)
{
	(void)state;
	answers_init(&answers, (uint64_t)16 << 20);
	assert_int_equal(room("192.0.2.1"), 2 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_address_gets_a_third, enter),
		cmocka_unit_test_setup(all_of_a_network_get_half, enter),
		cmocka_unit_test_setup(two_networks_leave_room_for_a_file_of_another, enter),
		cmocka_unit_test_setup(what_was_taken_is_given_back, enter),
		cmocka_unit_test_setup(who_has_no_address_is_bounded_by_what_there_is, enter),
		cmocka_unit_test_setup(what_is_small_is_answered_up_to_a_second_bound, enter),
		cmocka_unit_test_setup(there_is_less_where_there_is_less_memory, enter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
