/* proxy: headers of both versions, whole, cut at every byte, damaged, and what is none at all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/address.h"
#include "nakodo/net/socket/proxy_header.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(text) text, sizeof(text) - 1

/* The result for a copy that ends where its memory ends; the address as text, "unix" if unset. */
static int parse(const void *bytes, size_t len, char ret_address[ADDRESS_TEXT])
{
	struct address address = {{0}};
	unsigned char *copy = malloc(len ? len : 1);
	int result;

	memcpy(copy, bytes, len);
	result = proxy_header_parse(&address, copy, len);
	address_format(&address, ret_address);
	free(copy);
	return result;
}

static const struct {
	const char *bytes;
	size_t len;
	const char *address;
} headers[] = {
	{BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"), "192.0.2.1"},
	{BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255"},
	{BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n"), "2001:db8::1"},
	{BYTES("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), "192.0.2.1"},
	{BYTES("PROXY UNKNOWN\r\n"), "unix"},
	{BYTES("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"), "unix"},
	/* version 2: PROXY over TCP/IPv4, UDP/IPv4, TCP/IPv6, with a TLV behind, unix, LOCAL */
	{BYTES(V2 "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb"), "192.0.2.1"},
	{BYTES(V2 "\x21\x12\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb"), "192.0.2.1"},
	{BYTES(V2 "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
		  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\xdc\x04\x01\xbb"),
		"2001:db8::1"},
	{BYTES(V2 "\x21\x11\0\x11\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb\x01\0\x02h2"),
		"192.0.2.1"},
	{BYTES(V2 "\x21\x31\0\x04unix"), "unix"},
	{BYTES(V2 "\x21\0\0\0"), "unix"},
	{BYTES(V2 "\x20\0\0\0"), "unix"},
	{BYTES(V2 "\x20\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb"), "unix"},
	{BYTES(V2 "\x20\x11\0\0"), "unix"},
	{BYTES(V2 "\x20\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
		  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\xdc\x04\x01\xbb"),
		"unix"},
};

static void a_header_names_the_client_and_its_own_length(void **state)
{
	char address[ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(headers); i++) {
		assert_int_equal(parse(headers[i].bytes, headers[i].len, address), headers[i].len);
		assert_string_equal(address, headers[i].address);
	}
}

static void what_follows_the_header_is_left_alone(void **state)
{
	char bytes[1024], address[ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(headers); i++) {
		for (size_t more = 1; more <= 512; more *= 8) {
			memset(bytes, '\n', sizeof(bytes));
			memcpy(bytes, headers[i].bytes, headers[i].len);
			assert_int_equal(
				parse(bytes, headers[i].len + more, address), headers[i].len);
			assert_string_equal(address, headers[i].address);
		}
	}
}

static void every_truncation_asks_for_more_bytes(void **state)
{
	char address[ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(headers); i++) {
		for (size_t len = 0; len < headers[i].len; len++) {
			assert_int_equal(parse(headers[i].bytes, len, address), 0);
			assert_string_equal(address, "unix");
		}
	}
}

static void what_is_no_header_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{BYTES("G")},
		{BYTES("GET / HTTP/1.1\r\n\r\n")},
		{BYTES("\x16\x03\x01\x02")},
		{BYTES("\0")},
		{BYTES("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n")},
		{BYTES("PROXY\r\n")},
		{BYTES("PROXY \r\n")},
		{BYTES("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n")},
		{BYTES("PROXY TCP 192.0.2.1 192.0.2.2 1 2\r\n")},
		{BYTES("PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n")},
		{BYTES("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n")},
		{BYTES("PROXY UNKNOWNS\r\n")},
		{BYTES("PROXY TCP4\r\n")},
		{BYTES("PROXY TCP4 \r\n")},
		{BYTES("PROXY TCP4 192.0.2.1\r\n")},
		{BYTES("PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n")},
		{BYTES("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n")},
		{BYTES("PROXY TCP4 example.org 192.0.2.2 1 2\r\n")},
		{BYTES("PROXY TCP4 192.0.2.1:80 192.0.2.2 1 2\r\n")},
		{BYTES("\r\n\r\n\0\r\nQUIT\r")},
		{BYTES("\r\n\r\n\r")},
		/* version 1, command 2, an address block that is too short, a header too long */
		{BYTES(V2 "\x11\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb")},
		{BYTES(V2 "\x22\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb")},
		{BYTES(V2 "\x21\x11\0\x0b\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01")},
		{BYTES(V2 "\x21\x11\0\0")},
		{BYTES(V2 "\x21\x21\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb")},
		{BYTES(V2 "\x21\x11\xff\xff")},
		{BYTES(V2 "\x20\0\x02\x09")},
	};
	char address[ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (parse(cases[i].bytes, cases[i].len, address) != -EPROTO) {
			fail_msg("case %zu", i);
		}
		assert_string_equal(address, "unix");
	}
}

static void a_version_1_line_ends_within_107_bytes(void **state)
{
	char line[200], address[ADDRESS_TEXT];

	(void)state;
	memset(line, ' ', sizeof(line));
	memcpy(line, "PROXY UNKNOWN", 13);
	for (size_t len = 15; len < sizeof(line) - 2; len++) {
		memcpy(line + len - 2, "\r\n", 2);
		assert_int_equal(
			parse(line, sizeof(line), address), len <= 107 ? (int)len : -EPROTO);
		line[len - 2] = ' ';
	}
	assert_int_equal(parse(line, 106, address), 0);
	assert_int_equal(parse(line, 107, address), -EPROTO);
}

static void the_longest_version_2_header_is_taken(void **state)
{
	unsigned char bytes[PROXY_HEADER_MAX] = V2 "\x21\x11";
	size_t body = sizeof(bytes) - 16;
	char address[ADDRESS_TEXT];

	(void)state;
	bytes[14] = (unsigned char)(body >> 8);
	bytes[15] = (unsigned char)body;
	bytes[16] = 10;
	assert_int_equal(parse(bytes, sizeof(bytes) - 1, address), 0);
	assert_int_equal(parse(bytes, sizeof(bytes), address), sizeof(bytes));
	assert_string_equal(address, "10.0.0.0");
}

/* Whatever the damage: a length within the bytes, a wish for more, or a refusal. */
static void every_change_of_one_byte_is_survived(void **state)
{
	char bytes[128], address[ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(headers); i++) {
		for (size_t at = 0; at < headers[i].len; at++) {
			for (int byte = 0; byte < 256; byte++) {
				int result;

				memcpy(bytes, headers[i].bytes, headers[i].len);
				bytes[at] = (char)byte;
				result = parse(bytes, headers[i].len, address);
				assert_true(result == -EPROTO || result >= 0);
				assert_true(result <= (int)headers[i].len);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_names_the_client_and_its_own_length),
		cmocka_unit_test(what_follows_the_header_is_left_alone),
		cmocka_unit_test(every_truncation_asks_for_more_bytes),
		cmocka_unit_test(what_is_no_header_is_refused),
		cmocka_unit_test(a_version_1_line_ends_within_107_bytes),
		cmocka_unit_test(the_longest_version_2_header_is_taken),
		cmocka_unit_test(every_change_of_one_byte_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
