/* json: the inside of strings, which is looked at several bytes at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/json.h"

#define OPENING "{\"a\":\""
#define CLOSING "\"}"

/* Scan a copy that ends where its memory ends, so that a sanitizer sees one byte too many. */
static enum json_result scan_within(const char *text, size_t len)
{
	size_t whole = strlen(OPENING) + len + strlen(CLOSING);
	char *copy = malloc(whole);
	enum json_result result;

	memcpy(copy, OPENING, strlen(OPENING));
	memcpy(copy + strlen(OPENING), text, len);
	memcpy(copy + strlen(OPENING) + len, CLOSING, strlen(CLOSING));
	result = json_scan(copy, whole, NULL, 0);
	free(copy);
	return result;
}

static void every_byte_is_judged_wherever_it_stands(void **state)
{
	char text[50];

	(void)state;
	for (size_t len = 1; len <= sizeof(text); len += 7) {
		for (size_t at = 0; at < len; at++) {
			for (int byte = 0; byte < 256; byte++) {
				bool good =
					byte >= ' ' && byte < 0x80 && byte != '"' && byte != '\\';

				memset(text, 'x', len);
				text[at] = (char)byte;
				assert_int_equal(scan_within(text, len), good ? JSON_OK : JSON_BAD);
			}
		}
	}
}

static void escapes_and_characters_are_found_wherever_they_stand(void **state)
{
	static const char *const good[] = {"\\n", "\\\"", "\\\\", "\\u00e9", "\xc3\xa9",
		"\xf0\x9f\x98\x80", "\\u0041\xe5\x90\x8d"};
	char text[50];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		size_t size = strlen(good[i]);

		for (size_t at = 0; at + size <= sizeof(text); at++) {
			memset(text, 'x', sizeof(text));
			memcpy(text + at, good[i], size);
			assert_int_equal(scan_within(text, sizeof(text)), JSON_OK);
			text[at + size - 1] = '\xff';
			assert_int_equal(scan_within(text, sizeof(text)), JSON_BAD);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_is_judged_wherever_it_stands),
		cmocka_unit_test(escapes_and_characters_are_found_wherever_they_stand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
