/* token: their form, that no two are the same, and what their hash tells apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/service/token.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void one_is_22_characters_of_base64url(void **state)
{
	bool dash = false, underscore = false;
	char token[TOKEN_TEXT];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		token_create(token);
		assert_int_equal(strlen(token), 22);
		assert_true(token_is_valid(token));
		/* The last stands for two bits only: 16 bytes are 21 characters and a third. */
		assert_non_null(strchr("AQgw", token[21]));
		dash |= strchr(token, '-') != NULL;
		underscore |= strchr(token, '_') != NULL;
	}
	assert_true(dash && underscore);
}

static void no_two_are_the_same(void **state)
{
	static char tokens[500][TOKEN_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(tokens); i++) {
		token_create(tokens[i]);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(tokens[i], tokens[j]);
		}
	}
}

static void what_has_another_form_is_none(void **state)
{
	static const char *const others[] = {"", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAA+", "AAAAAAAAAAAAAAAAAAAAA/",
		"AAAAAAAAAA AAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA\xc3\xa9"};

	(void)state;
	assert_true(token_is_valid("AAAAAAAAAA-AAAAAAA_A09"));
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_false(token_is_valid(others[i]));
	}
}

static void the_hash_is_the_sha_256_of_scope_and_text(void **state)
{
	/* printf 'a\0bc' | sha256sum */
	static const unsigned char expected[TOKEN_HASH] = {0x40, 0xbb, 0x54, 0x7d, 0x93, 0x6b, 0xbd,
		0x31, 0x31, 0x8e, 0xe3, 0x7a, 0xc8, 0x79, 0x9e, 0x7e, 0xcb, 0xb2, 0x2e, 0xda, 0x26,
		0x51, 0xf6, 0x5e, 0x32, 0x14, 0xbf, 0xfb, 0x8c, 0xe9, 0x7b, 0xb4};
	unsigned char hash[TOKEN_HASH];

	(void)state;
	token_hash(hash, "a", "bc");
	assert_memory_equal(hash, expected, sizeof(hash));
}

static void every_bit_of_a_hash_is_compared(void **state)
{
	unsigned char a[TOKEN_HASH], b[TOKEN_HASH];

	(void)state;
	token_hash(a, "", "x");
	memcpy(b, a, sizeof(b));
	assert_true(token_equal(a, b));
	for (size_t bit = 0; bit < 8 * sizeof(b); bit++) {
		b[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_false(token_equal(a, b));
		b[bit / 8] = a[bit / 8];
	}
}

static void one_text_in_two_scopes_is_two_tokens(void **state)
{
	unsigned char a[TOKEN_HASH], b[TOKEN_HASH];

	(void)state;
	token_hash(a, "one", "x");
	token_hash(b, "two", "x");
	assert_false(token_equal(a, b));
	token_hash(a, "ab", "c");
	token_hash(b, "a", "bc");
	assert_false(token_equal(a, b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_22_characters_of_base64url),
		cmocka_unit_test(no_two_are_the_same),
		cmocka_unit_test(what_has_another_form_is_none),
		cmocka_unit_test(the_hash_is_the_sha_256_of_scope_and_text),
		cmocka_unit_test(every_bit_of_a_hash_is_compared),
		cmocka_unit_test(one_text_in_two_scopes_is_two_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
