/* base64url: RFC 4648's vectors, and that no two texts are the same bytes. */
#include "nakodo/base/base64url.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *bytes, *text;
} vectors[] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"},
	{"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"}};

static void the_vectors_of_rfc_4648_come_out_both_ways(void **state)
{
	unsigned char bytes[16];
	char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		size_t len = strlen(vectors[i].bytes);

		assert_int_equal(
			base64url_encode((const unsigned char *)vectors[i].bytes, len, text),
			strlen(vectors[i].text));
		assert_string_equal(text, vectors[i].text);
		assert_int_equal(base64url_decode(text, strlen(text), bytes, len), len);
		assert_memory_equal(bytes, vectors[i].bytes, len);
		if (len) {
			assert_int_equal(
				base64url_decode(text, strlen(text), bytes, len - 1), -ENOSPC);
		}
	}
}

static void what_stands_for_no_bytes_is_refused(void **state)
{
	static const char *const others[] = {"A", "AAAAA", "Zg==", "Zg=", "Zm8=", "Zm9v\n", " Zm9v",
		"Zm+v", "Zm/v", "Zm.v", "Zh", "Zm9", "Zm9vY\xc3"};
	unsigned char bytes[16];

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		assert_int_equal(
			base64url_decode(others[i], strlen(others[i]), bytes, sizeof(bytes)),
			-EINVAL);
	}
}

static void every_pair_of_bytes_has_one_text_only(void **state)
{
	char text[BASE64URL_TEXT(2)];
	unsigned char bytes[2];

	(void)state;
	for (unsigned i = 0; i < 65536; i++) {
		const unsigned char pair[2] = {(unsigned char)(i >> 8), (unsigned char)i};

		assert_int_equal(base64url_encode(pair, 2, text), 3);
		assert_int_equal(base64url_decode(text, 3, bytes, 2), 2);
		assert_memory_equal(bytes, pair, 2);
		text[2]++; /* the two bits behind the bytes */
		assert_int_equal(base64url_decode(text, 3, bytes, 2), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_rfc_4648_come_out_both_ways),
		cmocka_unit_test(what_stands_for_no_bytes_is_refused),
		cmocka_unit_test(every_pair_of_bytes_has_one_text_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
