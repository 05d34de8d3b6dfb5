/* Goal: what has changed in a room is told field by field, so that fields in the order of their
 * names are records in the order in which they are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/dialect/changes.h"

static void set(struct changes *changes, enum save_kind kind, uint64_t number, const char *bytes)
{
	struct save save = {0};

	save_begin(&save, kind);
	text_add(&save.record, bytes);
	changes_set(changes, &save, number);
	free(save.record.at);
}

static void fields_are_in_the_order_of_their_records(void **state)
{
	struct changes changes = {0};

	(void)state;
	set(&changes, SAVE_NUMBERED, 9, "");
	set(&changes, SAVE_NUMBERED, 10, "");
	set(&changes, SAVE_SEAT, 1, "");
	set(&changes, SAVE_SEAT, UINT64_MAX, "");
	set(&changes, SAVE_HISTORY, 0, "");
	set(&changes, SAVE_SEAT_SELF, 1, "");
	for (size_t i = 1; i < changes.count; i++) {
		assert_true(strcmp(changes.all[i - 1].field, changes.all[i].field) < 0);
	}
	changes_finish(&changes);
}

static void a_field_says_of_which_kind_it_is(void **state)
{
	static const enum save_kind kinds[] = {
		SAVE_NUMBERED, SAVE_SEAT, SAVE_HISTORY, SAVE_SEAT_SELF};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct changes changes = {0};

		changes_remove(&changes, kinds[i], 7);
		assert_true(changes.all[0].gone);
		assert_int_equal(
			changes_kind(changes.all[0].field, strlen(changes.all[0].field)), kinds[i]);
		changes_finish(&changes);
	}
}

static void what_is_no_field_is_none(void **state)
{
	static const char *const names[] = {"", "e", "n", "a", "a000000000000000",
		"z0000000000000001", "`0000000000000001", "a00000000000000011"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (changes_kind(names[i], strlen(names[i])) != SAVE_LAST) {
			fail_msg("%s is a field", names[i]);
		}
	}
}

static void each_field_has_its_bytes(void **state)
{
	struct changes changes = {0};

	(void)state;
	set(&changes, SAVE_SEAT, 1, "one");
	set(&changes, SAVE_SEAT, 2, "three");
	assert_int_equal(changes.all[1].len, 5);
	assert_memory_equal(changes.bytes.at + changes.all[1].at, "three", 5);
	changes_clear(&changes);
	assert_int_equal(changes.count, 0);
	set(&changes, SAVE_SEAT, 3, "x");
	assert_memory_equal(changes.bytes.at + changes.all[0].at, "x", 1);
	changes_finish(&changes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_in_the_order_of_their_records),
		cmocka_unit_test(a_field_says_of_which_kind_it_is),
		cmocka_unit_test(what_is_no_field_is_none),
		cmocka_unit_test(each_field_has_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
