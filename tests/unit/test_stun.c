/* stun: messages as RFC 5769 has them, and such as lie about their lengths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/probe/stun.h"

/* RFC 5769 section 2.4. */
static void signs_as_the_rfc_does(void **state)
{
	static const unsigned char id[] = {
		0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29, 0xda, 0x41, 0x2e};
	static const unsigned char wanted[] = {0xf6, 0x70, 0x24, 0x65, 0x6d, 0xd6, 0x4a, 0x3e, 0x02,
		0xb8, 0xe0, 0x71, 0x2e, 0x85, 0xc9, 0xa2, 0x8c, 0xa8, 0x96, 0x66};
	static const char user[] = "マトリックス";
	static const char nonce[] = "f//499k954d6OL34oL9FSTvy64sA";
	static const char realm[] = "example.org";
	unsigned char key[16];
	struct stun stun;
	size_t len;

	(void)state;
	stun_begin(&stun, STUN_BINDING);
	memcpy(stun.bytes + 8, id, sizeof(id));
	stun_add(&stun, STUN_USERNAME, user, strlen(user));
	stun_add(&stun, STUN_NONCE, nonce, strlen(nonce));
	stun_add(&stun, STUN_REALM, realm, strlen(realm));
	assert_true(stun_make_key(key, user, realm, strlen(realm), "TheMatrIX"));
	stun_sign(&stun, key);
	assert_true(stun_is_valid(&stun));
	assert_memory_equal(stun_find(&stun, STUN_INTEGRITY, &len), wanted, sizeof(wanted));
	assert_int_equal(len, sizeof(wanted));
	assert_int_equal(stun.len, 116);
}

/* RFC 5769 section 2.2. */
static void reads_addresses_and_hands_them_on(void **state)
{
	static const unsigned char id[] = {
		0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};
	static const unsigned char address[] = {0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43};
	struct stun one;
	struct stun other;
	char text[64];

	(void)state;
	stun_begin(&one, STUN_BINDING | STUN_SUCCESS);
	memcpy(one.bytes + 8, id, sizeof(id));
	stun_add(&one, STUN_MAPPED_ADDRESS, address, sizeof(address));
	assert_true(stun_print_address(&one, STUN_MAPPED_ADDRESS, text, sizeof(text)));
	assert_string_equal(text, "192.0.2.1:32853");
	stun_begin(&other, STUN_SEND);
	assert_true(stun_copy_address(&other, STUN_PEER_ADDRESS, &one, STUN_MAPPED_ADDRESS));
	assert_true(stun_print_address(&other, STUN_PEER_ADDRESS, text, sizeof(text)));
	assert_string_equal(text, "192.0.2.1:32853");
	assert_false(stun_has_same_id(&one, &other));
	assert_false(stun_print_address(&other, STUN_RELAYED_ADDRESS, text, sizeof(text)));
}

static void an_attribute_longer_than_the_message_is_none(void **state)
{
	struct stun stun;
	size_t len;

	(void)state;
	stun_begin(&stun, STUN_BINDING | STUN_ERROR);
	stun_add(&stun, STUN_ERROR_CODE, "\0\0\4\1", 4);
	assert_int_equal(stun_error_code(&stun), 401);
	stun.bytes[STUN_HEAD + 3] = 5;
	assert_null(stun_find(&stun, STUN_ERROR_CODE, &len));
	assert_int_equal(stun_error_code(&stun), 0);
	stun.bytes[STUN_HEAD + 3] = 1;
	assert_int_equal(stun_error_code(&stun), 0);
}

static void a_message_of_another_length_or_protocol_is_not_valid(void **state)
{
	struct stun stun;

	(void)state;
	stun_begin(&stun, STUN_BINDING);
	assert_true(stun_is_valid(&stun));
	stun.len--;
	assert_false(stun_is_valid(&stun));
	stun.len++;
	stun.bytes[3] = 4;
	assert_false(stun_is_valid(&stun));
	stun.bytes[3] = 0;
	stun.bytes[4] ^= 1;
	assert_false(stun_is_valid(&stun));
	stun.bytes[4] ^= 1;
	stun.bytes[0] = 0x40;
	assert_false(stun_is_valid(&stun));
}

static void what_does_not_fit_is_left_out(void **state)
{
	static const unsigned char much[STUN_MAX] = {0};
	struct stun stun;

	(void)state;
	stun_begin(&stun, STUN_SEND);
	stun_add(&stun, STUN_BYTES, much, STUN_MAX - STUN_HEAD - 3);
	assert_int_equal(stun.len, STUN_HEAD);
	stun_add(&stun, STUN_BYTES, much, STUN_MAX - STUN_HEAD - 4);
	assert_int_equal(stun.len, STUN_MAX);
	stun_add(&stun, STUN_BYTES, much, 0);
	assert_int_equal(stun.len, STUN_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_as_the_rfc_does),
		cmocka_unit_test(reads_addresses_and_hands_them_on),
		cmocka_unit_test(an_attribute_longer_than_the_message_is_none),
		cmocka_unit_test(a_message_of_another_length_or_protocol_is_not_valid),
		cmocka_unit_test(what_does_not_fit_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
