/* utf8: what libunistring says of the whole text, wherever in it something stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include <cmocka.h>

#include "nakodo/base/utf8.h"

#define LONGEST 100 /* several blocks, and a rest */

static const char *const pieces[] = {"\x7f", "\x80", "\xc2\xa9", "\xc2", "\xc0\x80", "\xe5\x90\x8d",
	"\xe5\x90", "\xed\xa0\x80", "\xf0\x9f\x98\x80", "\xf0\x9f\x98", "\xf4\x90\x80\x80", "\xff",
	"\x80\x80\x80\x80\x80", "\xc3\xa9\xc3\xa9\xc3\xa9"};

/* In a copy that ends where its memory ends, so that a sanitizer sees one byte too many. */
static void judge(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);

	memcpy(copy, text, len);
	assert_int_equal(utf8_is_valid(copy, len), !u8_check((const uint8_t *)copy, len));
	free(copy);
}

static void every_piece_is_judged_in_every_place(void **state)
{
	char text[LONGEST];

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		size_t size = strlen(pieces[i]);

		for (size_t len = size; len <= LONGEST; len++) {
			for (size_t at = 0; at + size <= len; at++) {
				memset(text, 'x', len);
				memcpy(text + at, pieces[i], size);
				judge(text, len);
			}
		}
	}
}

static void text_without_ascii_is_judged(void **state)
{
	char text[3 * LONGEST];

	(void)state;
	for (size_t i = 0; i < LONGEST; i++) {
		memcpy(text + 3 * i, "\xe5\x90\x8d", 3);
	}
	for (size_t len = 0; len <= sizeof(text); len++) {
		judge(text, len);
	}
}

static void nothing_at_all_is_valid(void **state)
{
	(void)state;
	assert_true(utf8_is_valid(NULL, 0));
	assert_true(utf8_is_valid("", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_piece_is_judged_in_every_place),
		cmocka_unit_test(text_without_ascii_is_judged),
		cmocka_unit_test(nothing_at_all_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
