/* A histogram counts each time in one bucket, the first one whose bound is not below it. */
#include "nakodo/base/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void each_time_is_in_the_bucket_that_its_bound_names(void **state)
{
	(void)state;
	for (int i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		uint64_t bound = (uint64_t)(strtod(histogram_bounds[i], NULL) * 1e9 + 0.5);
		struct histogram_values *values = &histogram_values[HISTOGRAM_RELAY];

		memset(values, 0, sizeof(*values));
		histogram_add(HISTOGRAM_RELAY, bound);
		histogram_add(HISTOGRAM_RELAY, bound + 1);
		assert_int_equal(values->counts[i], 1);
		assert_int_equal(values->counts[i + 1], 1);
		assert_int_equal(values->sum, 2 * bound + 1);
	}
}

static void what_takes_very_long_is_in_the_last_bucket(void **state)
{
	uint64_t before = histogram_values[HISTOGRAM_TURN].counts[HISTOGRAM_BUCKETS - 1];

	(void)state;
	assert_string_equal(histogram_bounds[HISTOGRAM_BUCKETS - 1], "+Inf");
	histogram_add(HISTOGRAM_TURN, UINT64_MAX);
	assert_int_equal(
		histogram_values[HISTOGRAM_TURN].counts[HISTOGRAM_BUCKETS - 1], before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_time_is_in_the_bucket_that_its_bound_names),
		cmocka_unit_test(what_takes_very_long_is_in_the_last_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
