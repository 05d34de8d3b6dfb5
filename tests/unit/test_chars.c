/* chars: digits of either case, and what a text begins with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/chars.h"

static void a_hex_digit_has_a_value_and_no_other_byte_has(void **state)
{
	static const char digits[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";

	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		const char *at = byte ? strchr(digits, byte) : NULL;
		const char *big = byte ? strchr(upper, byte) : NULL;
		int value = at ? (int)(at - digits) : big ? (int)(big - upper) : -1;

		assert_int_equal(chars_hex_digit((char)byte), value);
	}
}

static void a_prefix_is_taken_once_or_not_at_all(void **state)
{
	const char *text = "tls:tls:x", *at = text;

	(void)state;
	assert_false(chars_take_prefix(&at, "tls;"));
	assert_false(chars_take_prefix(&at, "tls:tls:x:"));
	assert_ptr_equal(at, text);
	assert_true(chars_take_prefix(&at, "tls:"));
	assert_string_equal(at, "tls:x");
	assert_true(chars_take_prefix(&at, ""));
	assert_string_equal(at, "tls:x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hex_digit_has_a_value_and_no_other_byte_has),
		cmocka_unit_test(a_prefix_is_taken_once_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
