/* json_quote: what is written can be read again, and never more than there is room for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/json.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *const texts[][2] = {
	{"", "\"\""},
	{"plain text", "\"plain text\""},
	{"\"\\/", "\"\\\"\\\\/\""},
	{"\n\r\t\b\f", "\"\\u000a\\u000d\\u0009\\u0008\\u000c\""},
	{"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\""},
	{"\xe5\x90\x8d \xf0\x9f\x98\x80", "\"\xe5\x90\x8d \xf0\x9f\x98\x80\""},
	{"</script>", "\"</script>\""},
};

static void a_text_is_written_as_a_string(void **state)
{
	char buf[128];

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(json_quote(texts[i][0], buf, sizeof(buf)), strlen(texts[i][1]));
		assert_string_equal(buf, texts[i][1]);
	}
}

static void what_is_written_is_read_as_it_was(void **state)
{
	char text[3] = "", buf[64], back[8];

	(void)state;
	for (int byte = 1; byte < 0x80; byte++) {
		struct json_value value = {buf, 0, JSON_STRING};

		text[0] = text[1] = (char)byte;
		value.len = (size_t)json_quote(text, buf, sizeof(buf));
		assert_int_equal(json_scan(buf, value.len, NULL, 0), JSON_NOT_OBJECT);
		assert_int_equal(json_decode(&value, back, sizeof(back)), 2);
		assert_string_equal(back, text);
	}
}

static void a_buffer_that_is_too_small_is_told_and_never_left(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		size_t need = strlen(texts[i][1]) + 1;
		bool enough = false;

		for (size_t size = 0; size <= 6 * strlen(texts[i][0]) + JSON_QUOTE_EXTRA; size++) {
			char *buf =
				malloc(size ? size : 1); /* its end is where a sanitizer looks */
			long len = json_quote(texts[i][0], buf, size);

			enough = len >= 0;
			assert_true(len == -ENOSPC || (size >= need && len == (long)need - 1));
			free(buf);
		}
		assert_true(enough); /* as the header promises */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_written_as_a_string),
		cmocka_unit_test(what_is_written_is_read_as_it_was),
		cmocka_unit_test(a_buffer_that_is_too_small_is_told_and_never_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
