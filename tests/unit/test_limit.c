/* limit: bursts, steady senders and the wait of those who send too fast. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/hub/limit.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const uint64_t rates[] = {1, 2, 3, 7, 50, 60, 999, 1000, 1001, 60000, 1000000};

static void no_rate_is_no_limit(void **state)
{
	struct limit limit = {0};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(limit_spend(&limit, 5, 0, 0), 0);
	}
}

static void a_burst_passes_and_the_message_behind_it_has_to_wait(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rates); i++) {
		uint64_t burst = rates[i] * 4, now = 1000000 + i;
		struct limit limit = {0};

		for (uint64_t n = 0; n < burst; n++) {
			assert_int_equal(limit_spend(&limit, now, rates[i], burst), 0);
		}
		assert_true(limit_spend(&limit, now, rates[i], burst) > 0);
	}
}

static void a_sender_that_keeps_to_the_rate_is_never_held(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rates); i++) {
		struct limit limit = {0};

		for (uint64_t n = 0; n < 20000; n++) {
			uint64_t now = 123 + n * 1000 / rates[i];

			if (limit_spend(&limit, now, rates[i], rates[i] * 4)) {
				fail_msg("rate %lu: held at message %lu", rates[i], n);
			}
		}
	}
}

static void the_wait_is_the_time_until_the_next_message_is_due(void **state)
{
	static const struct {
		uint64_t rate, wait;
	} cases[] = {{1, 1000}, {2, 500}, {50, 20}, {3, 334}, {1000, 1}, {100000, 1}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct limit limit = {0};

		limit_spend(&limit, 50, cases[i].rate, 1);
		assert_int_equal(limit_spend(&limit, 50, cases[i].rate, 1), cases[i].wait);
	}
}

/* Whoever waits as told gets the rate that was promised, no more and not much less. */
static void one_that_waits_as_told_sends_at_the_rate(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rates) && rates[i] <= 1000; i++) {
		uint64_t begin = 77, now = begin, burst = rates[i] * 4, messages = rates[i] * 60;
		struct limit limit = {0};

		for (uint64_t n = 0; n < messages; n++) {
			now += limit_spend(&limit, now, rates[i], burst);
		}
		/* the first `burst` were free */
		assert_in_range(now - begin, 55900, 56100);
	}
}

static void silence_gives_the_burst_back_but_not_more(void **state)
{
	struct limit limit = {0};

	(void)state;
	for (int n = 0; n < 11; n++) {
		limit_spend(&limit, 1000, 10, 10);
	}
	assert_true(limit_spend(&limit, 1000, 10, 10) > 0);
	for (uint64_t now = 1000000; now < 3000000; now += 1000000) {
		for (int n = 0; n < 10; n++) {
			assert_int_equal(limit_spend(&limit, now, 10, 10), 0);
		}
		assert_int_equal(limit_spend(&limit, now, 10, 10), 100);
	}
}

static void bytes_cost_by_their_number(void **state)
{
	static const uint64_t byte_rates[] = {1000, 1 << 20, 1 << 30};

	(void)state;
	for (size_t i = 0; i < COUNT(byte_rates); i++) {
		uint64_t rate = byte_rates[i], burst = rate * 4;
		struct limit limit = {0};

		assert_int_equal(limit_spend_bytes(&limit, 7, rate, burst, rate), 0);
		assert_int_equal(limit_spend_bytes(&limit, 7, rate, burst, rate * 3), 0);
		assert_int_equal(limit_spend_bytes(&limit, 7, rate, burst, rate / 2), 500);
		assert_int_equal(limit_spend_bytes(&limit, 507, rate, burst, 0), 0);
	}
	assert_int_equal(limit_spend_bytes(&(struct limit){0}, 7, 0, 0, 1 << 24), 0);
}

static void many_small_messages_cost_no_more_than_their_bytes(void **state)
{
	struct limit limit = {0};
	uint64_t rate = 1 << 20;

	(void)state;
	for (uint64_t n = 0; n < 40000; n++) { /* of 100 bytes: 4 000 000 of the 4 194 304 */
		assert_int_equal(limit_spend_bytes(&limit, 7, rate, rate * 4, 100), 0);
	}
	assert_true(limit_spend_bytes(&limit, 7, rate, rate * 4, 300000) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rate_is_no_limit),
		cmocka_unit_test(a_burst_passes_and_the_message_behind_it_has_to_wait),
		cmocka_unit_test(a_sender_that_keeps_to_the_rate_is_never_held),
		cmocka_unit_test(the_wait_is_the_time_until_the_next_message_is_due),
		cmocka_unit_test(one_that_waits_as_told_sends_at_the_rate),
		cmocka_unit_test(silence_gives_the_burst_back_but_not_more),
		cmocka_unit_test(bytes_cost_by_their_number),
		cmocka_unit_test(many_small_messages_cost_no_more_than_their_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
