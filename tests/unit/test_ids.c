/* ids: their form, that they do not repeat, and that ULIDs sort by time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/ids.h"

#define MANY 2000

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void a_uuid_is_random_and_says_so(void **state)
{
	char uuid[IDS_UUID];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		ids_uuid(uuid);
		assert_int_equal(strlen(uuid), IDS_UUID - 1);
		assert_int_equal(strspn(uuid, "0123456789abcdef-"), IDS_UUID - 1);
		for (int at = 0; at < IDS_UUID - 1; at++) {
			assert_int_equal(
				uuid[at] == '-', at == 8 || at == 13 || at == 18 || at == 23);
		}
		assert_int_equal(uuid[14], '4'); /* RFC 9562: version, variant */
		assert_non_null(strchr("89ab", uuid[19]));
	}
}

static void no_uuid_comes_twice(void **state)
{
	static char uuids[MANY][IDS_UUID];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		ids_uuid(uuids[i]);
	}
	qsort(uuids, MANY, sizeof(*uuids), compare);
	for (int i = 1; i < MANY; i++) {
		assert_string_not_equal(uuids[i - 1], uuids[i]);
	}
}

static void a_ulid_begins_with_its_time(void **state)
{
	static const struct {
		uint64_t time;
		const char *head;
	} cases[] = {
		{0, "0000000000"},
		{1, "0000000001"},
		{31, "000000000Z"},
		{32, "0000000010"},
		{1469918176385, "01ARYZ6S41"}, /* the specification's own example */
		{281474976710655, "7ZZZZZZZZZ"},
	};
	char ulid[IDS_ULID];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ids_ulid(ulid, cases[i].time);
		assert_memory_equal(ulid, cases[i].head, 10);
		assert_int_equal(strlen(ulid), IDS_ULID - 1);
		assert_int_equal(strspn(ulid, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), IDS_ULID - 1);
	}
}

static void no_ulid_of_the_same_millisecond_comes_twice(void **state)
{
	static char ulids[MANY][IDS_ULID];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		ids_ulid(ulids[i], 7);
	}
	qsort(ulids, MANY, sizeof(*ulids), compare);
	for (int i = 1; i < MANY; i++) {
		assert_string_not_equal(ulids[i - 1], ulids[i]);
	}
}

static void every_random_digit_of_a_ulid_varies(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	unsigned seen[16] = {0};
	char ulid[IDS_ULID];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		ids_ulid(ulid, 0);
		for (int at = 0; at < 16; at++) {
			seen[at] |= 1U << (strchr(digits, ulid[10 + at]) - digits);
		}
	}
	for (int at = 0; at < 16; at++) {
		assert_int_equal(seen[at], UINT32_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_uuid_is_random_and_says_so),
		cmocka_unit_test(no_uuid_comes_twice),
		cmocka_unit_test(a_ulid_begins_with_its_time),
		cmocka_unit_test(no_ulid_of_the_same_millisecond_comes_twice),
		cmocka_unit_test(every_random_digit_of_a_ulid_varies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
