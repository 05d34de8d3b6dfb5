/* Every meter has a name of its own, in the form that all have, and says what it counts. */
#include "nakodo/base/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void each_meter_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < METER_COUNT; i++) {
		const char *name = meter_rows[i].name;

		assert_non_null(name);
		assert_int_equal(
			strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(name));
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(name, meter_rows[j].name);
		}
	}
}

static void each_meter_says_what_it_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < METER_COUNT; i++) {
		assert_non_null(meter_rows[i].help);
		assert_int_equal(meter_rows[i].help[strlen(meter_rows[i].help) - 1], '.');
	}
}

static void a_close_code_without_a_meter_is_counted_all_the_same(void **state)
{
	uint64_t before = meter_values[METER_CLOSED_OTHER];

	(void)state;
	meter_closed(4999);
	assert_int_equal(meter_values[METER_CLOSED_OTHER], before + 1);
}

static void a_refusal_is_counted_by_its_code_and_in_the_sum(void **state)
{
	uint64_t sum = meter_values[METER_REFUSED];
	uint64_t connects = meter_values[METER_REFUSED_TOO_MANY_CONNECTS];
	uint64_t peers = meter_values[METER_REFUSED_TOO_MANY_PEERS];

	(void)state;
	meter_refused("too-many-connects");
	meter_refused("too-many");
	assert_int_equal(meter_values[METER_REFUSED], sum + 2);
	assert_int_equal(meter_values[METER_REFUSED_TOO_MANY_CONNECTS], connects + 1);
	assert_int_equal(meter_values[METER_REFUSED_TOO_MANY_PEERS], peers);
}

static void a_close_is_counted_by_its_code(void **state)
{
	uint64_t before = meter_values[METER_CLOSED_4409];

	(void)state;
	meter_closed(4409);
	assert_int_equal(meter_values[METER_CLOSED_4409], before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_meter_has_a_name_of_its_own),
		cmocka_unit_test(each_meter_says_what_it_counts),
		cmocka_unit_test(a_close_code_without_a_meter_is_counted_all_the_same),
		cmocka_unit_test(a_refusal_is_counted_by_its_code_and_in_the_sum),
		cmocka_unit_test(a_close_is_counted_by_its_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
