/* address: what is an address, what lies in a range, who counts as one, and how it is written. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "nakodo/base/address.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct address address_of(const char *text)
{
	struct address address;

	if (!address_parse(&address, text, strlen(text))) {
		fail_msg("%s is an address", text);
	}
	return address;
}

static void an_address_is_written_in_its_shortest_form(void **state)
{
	static const struct {
		const char *text, *form;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"::1", "::1"},
		{"[::1]", "::1"},
		{"2001:0DB8:0:0:0:0:0:00Aa", "2001:db8::aa"},
		{"2001:db8::1:0:0:1", "2001:db8::1:0:0:1"},
		{"[fe80::1]", "fe80::1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"::ffff:c000:201", "192.0.2.1"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};
	char buf[ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address address = address_of(cases[i].text);

		assert_true(address_is_known(&address));
		assert_ptr_equal(address_format(&address, buf), buf);
		assert_string_equal(buf, cases[i].form);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const texts[] = {"", "[]", "[", "]", "1", "1.2.3", "1.2.3.4.5",
		"1.2.3.256", "1.2.3.4 ", " 1.2.3.4", "01.2.3.4", "0x1.2.3.4", "1.2.3.4:80", ":",
		"1:2", "::1::", "[::1", "::1]", "[::1]:80", "fe80::1%eth0", "localhost", "::g",
		"[192.0.2.1]", "[[::1]]", "1:2:3:4:5:6:7:8:9",
		"12345::", "1111:2222:3333:4444:5555:6666:7777:8888:9999:0"};
	struct address address;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		size_t len = strlen(texts[i]);
		char *copy = malloc(len + 1); /* its end is where a sanitizer looks */

		memcpy(copy, texts[i], len);
		if (address_parse(&address, copy, len)) {
			fail_msg("%s", texts[i]);
		}
		free(copy);
	}
}

static void only_so_many_bytes_are_looked_at(void **state)
{
	struct address address;
	char buf[ADDRESS_TEXT];

	(void)state;
	assert_true(address_parse(&address, "192.0.2.123", 10));
	assert_string_equal(address_format(&address, buf), "192.0.2.12");
	assert_false(address_parse(&address, "192.0.2.1\0x", 11));
}

static void a_sockaddr_of_either_family_is_understood(void **state)
{
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	struct address address;
	char buf[ADDRESS_TEXT];

	(void)state;
	inet_pton(AF_INET, "192.0.2.7", &four.sin_addr);
	assert_true(address_from_sockaddr(&address, (struct sockaddr *)&four));
	assert_string_equal(address_format(&address, buf), "192.0.2.7");
	inet_pton(AF_INET6, "2001:db8::7", &six.sin6_addr);
	assert_true(address_from_sockaddr(&address, (struct sockaddr *)&six));
	assert_string_equal(address_format(&address, buf), "2001:db8::7");
	inet_pton(AF_INET6, "::ffff:192.0.2.7", &six.sin6_addr);
	assert_true(address_from_sockaddr(&address, (struct sockaddr *)&six));
	assert_string_equal(address_format(&address, buf), "192.0.2.7");
	assert_false(address_from_sockaddr(&address, (struct sockaddr *)&local));
	assert_false(address_is_known(&address));
	assert_string_equal(address_format(&address, buf), "unix");
}

static void loopback_is_127_and_one(void **state)
{
	static const char *const loopback[] = {
		"127.0.0.1", "127.0.0.0", "127.255.255.255", "::1", "::ffff:127.1.2.3"};
	static const char *const others[] = {"126.255.255.255", "128.0.0.1", "0.0.0.0", "10.0.0.1",
		"::2", "::", "::127.0.0.1", "fe80::1", "7f00::1", "1::1"};
	struct address address;

	(void)state;
	for (size_t i = 0; i < COUNT(loopback); i++) {
		address = address_of(loopback[i]);
		assert_true(address_is_loopback(&address));
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		address = address_of(others[i]);
		assert_false(address_is_loopback(&address));
	}
}

static void a_network_is_a_24_of_ipv4_or_a_48_of_ipv6(void **state)
{
	static const struct {
		const char *one, *other;
		bool same;
	} cases[] = {
		{"192.0.2.1", "192.0.2.254", true},
		{"192.0.2.1", "192.0.3.1", false},
		{"2001:db8:1:2::1", "2001:db8:1:ffff::", true},
		{"2001:db8:1::1", "2001:db8:2::1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct address one, other;

		assert_true(address_parse(&one, cases[i].one, strlen(cases[i].one)));
		assert_true(address_parse(&other, cases[i].other, strlen(cases[i].other)));
		one = address_network(&one);
		other = address_network(&other);
		assert_int_equal(!memcmp(&one, &other, sizeof(one)), cases[i].same);
	}
}

static void a_group_is_one_ipv4_address_or_a_64_of_ipv6(void **state)
{
	static const struct {
		const char *one, *other;
		bool same;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"2001:db8:1:2::1", "2001:db9:1:2::1", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address one = address_of(cases[i].one), other = address_of(cases[i].other);

		one = address_group(&one);
		other = address_group(&other);
		assert_int_equal(!memcmp(&one, &other, sizeof(one)), cases[i].same);
	}
}

static void a_range_holds_what_shares_its_first_bits(void **state)
{
	static const struct {
		const char *range, *in, *out;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", "192.0.2.0"},
		{"192.0.2.1/32", "192.0.2.1", "192.0.2.2"},
		{"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
		{"10.0.0.0/8", "10.0.0.0", "9.255.255.255"},
		{"10.1.2.3/8", "10.9.9.9", "11.1.2.3"},
		{"172.16.0.0/12", "172.31.255.255", "172.32.0.0"},
		{"172.16.0.0/12", "172.16.0.0", "172.15.255.255"},
		{"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
		{"192.0.2.2/31", "192.0.2.3", "192.0.2.4"},
		{"0.0.0.0/0", "255.1.2.3", "2001:db8::1"},
		{"0.0.0.0/1", "127.255.255.255", "128.0.0.0"},
		{"::1", "::1", "::"},
		{"[::1]/128", "::1", "::2"},
		{"fd00::/8", "fdff::1", "fe00::1"},
		{"fd00::/8", "fd00::", "10.0.0.1"},
		{"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
		{"2001:db8::/127", "2001:db8::1", "2001:db8::2"},
		{"::ffff:10.0.0.0/104", "10.1.1.1", "11.1.1.1"},
		{"::/1", "7fff::1", "8000::"},
	};
	struct address_range range;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address in = address_of(cases[i].in), out = address_of(cases[i].out);

		assert_true(address_range_parse(&range, cases[i].range));
		if (!address_in_range(&in, &range) || address_in_range(&out, &range)) {
			fail_msg("%s %s %s", cases[i].range, cases[i].in, cases[i].out);
		}
	}
}

static void everything_is_in_the_range_of_no_bits(void **state)
{
	static const char *const texts[] = {"::", "::1", "192.0.2.1", "ffff::"};
	struct address_range range;

	(void)state;
	assert_true(address_range_parse(&range, "::/0"));
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct address address = address_of(texts[i]);

		assert_true(address_in_range(&address, &range));
	}
}

static void what_is_no_range_is_refused(void **state)
{
	static const char *const texts[] = {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33",
		"10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/ 8", "10.0.0.0/8 ", "10.0.0.0/8x",
		"10.0.0.0/8/8", "10.0.0.0/99999999999999999999", "10.0.0/8", "10/8", "::/129",
		"::1/0x10", "host/8", "10.0.0.0-10.0.0.9"};
	struct address_range range;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		if (address_range_parse(&range, texts[i])) {
			fail_msg("%s", texts[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_written_in_its_shortest_form),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(only_so_many_bytes_are_looked_at),
		cmocka_unit_test(a_sockaddr_of_either_family_is_understood),
		cmocka_unit_test(loopback_is_127_and_one),
		cmocka_unit_test(a_network_is_a_24_of_ipv4_or_a_48_of_ipv6),
		cmocka_unit_test(a_group_is_one_ipv4_address_or_a_64_of_ipv6),
		cmocka_unit_test(a_range_holds_what_shares_its_first_bits),
		cmocka_unit_test(everything_is_in_the_range_of_no_bits),
		cmocka_unit_test(what_is_no_range_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
