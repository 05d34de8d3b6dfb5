/* json_is_portable: what strict readers refuse is found wherever it stands in a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/json.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* The value is judged as a member, where the memory of the message ends. */
static bool judge_between(const char *before, const char *value, const char *behind)
{
	struct json_member member = {.name = "m"};
	char text[1024], *copy;
	size_t len;
	bool good;

	len = (size_t)snprintf(text, sizeof(text), "{\"m\":%s%s%s}", before, value, behind);
	assert_in_range(len, 0, sizeof(text) - 1);
	copy = memcpy(malloc(len), text, len);
	assert_int_equal(json_scan(copy, len, &member, 1), JSON_OK);
	good = json_is_portable(&member.value);
	free(copy);
	return good;
}

static void judge(const char *value, bool good)
{
	if (judge_between("", value, "") != good || judge_between("[ ", value, "]") != good ||
		judge_between("{\"a\":[{\"b\":", value, " }],\"c\":null}") != good) {
		fail_msg("%s", value);
	}
}

static void what_every_reader_takes_is_portable(void **state)
{
	static const char *const values[] = {"null", "true", "[]", "{}", "\"\"", "\"a\\\"1e999\"",
		"\"\\\\ud800\"", "\"\\ud83d\\ude00\"", "\"\\uD83D\\uDE00\\n\"", "\"\\u0001\"", "0",
		"-0", "1e308", "-1.5E+308", "1e-999999", "9223372036854775807",
		"-9223372036854775808", "1.0e-5", "[1,2,{\"a\":-3}]"};

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		judge(values[i], true);
	}
}

static void half_a_pair_and_a_nul_are_not_portable(void **state)
{
	static const char *const values[] = {"\"\\ud800\"", "\"\\udc00\"", "\"a\\ud83dz\"",
		"\"\\ud83d\\ud83d\\ude00\"", "\"\\ude00\\ud83d\"", "\"\\ud83d\\n\"", "\"\\u0000\"",
		"\"\\\\\\ud800\"", "{\"\\ud800\":1}", "{\"a\":1,\"\\u0000\":1}"};

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		judge(values[i], false);
	}
}

static void a_number_too_large_is_not_portable(void **state)
{
	static const char *const values[] = {"1e999999", "-1e309", "1.8E308", "0.1e99999",
		"9223372036854775808", "-9223372036854775809", "100000000000000000000000000000",
		"[1,1e999]", "{\"a\":-1e999}"};

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		judge(values[i], false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_every_reader_takes_is_portable),
		cmocka_unit_test(half_a_pair_and_a_nul_are_not_portable),
		cmocka_unit_test(a_number_too_large_is_not_portable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
