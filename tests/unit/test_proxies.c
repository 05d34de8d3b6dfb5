/* trust: who is a proxy of ours, and whom a chain of X-Forwarded-For entries comes from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/address.h"
#include "nakodo/base/options.h"
#include "nakodo/net/gate/proxies.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct option_item proxies[] = {
	{(char *)"10.0.0.0/8", (char *)"test"},
	{(char *)"192.0.2.1", (char *)"test"},
	{(char *)"fd00::/8", (char *)"test"},
};
static const struct options trusting = {.trusted_proxy = {proxies, COUNT(proxies)}};
static const struct options lonely;

static void only_listed_addresses_are_proxies(void **state)
{
	static const char *const trusted[] = {
		"10.1.2.3", "192.0.2.1", "fd12::1", "::ffff:10.0.0.1"};
	static const char *const others[] = {"11.0.0.1", "192.0.2.2", "fe80::1", "127.0.0.1"};
	struct address address, nobody = {{0}};

	(void)state;
	for (size_t i = 0; i < COUNT(trusted); i++) {
		assert_true(address_parse(&address, trusted[i], strlen(trusted[i])));
		assert_true(proxies_has(&trusting, &address));
		assert_false(proxies_has(&lonely, &address));
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_true(address_parse(&address, others[i], strlen(others[i])));
		assert_false(proxies_has(&trusting, &address));
	}
	assert_false(proxies_has(&trusting, &nobody));
}

static void the_last_entry_that_is_no_proxy_is_the_client(void **state)
{
	static const struct {
		const char *forwarded, *client;
	} cases[] = {
		{"198.51.100.7", "198.51.100.7"},
		{"  198.51.100.7\t", "198.51.100.7"},
		{"198.51.100.7, 10.0.0.1", "198.51.100.7"},
		{"198.51.100.7,10.0.0.1,192.0.2.1 , fd00::1", "198.51.100.7"},
		/* what a client claims about itself stands in front, and counts for nothing */
		{"127.0.0.1, 198.51.100.7, 10.0.0.1", "198.51.100.7"},
		{"10.0.0.9, 198.51.100.7, 10.0.0.1", "198.51.100.7"},
		{"<script>, 198.51.100.7", "198.51.100.7"},
		{",,, 198.51.100.7", "198.51.100.7"},
		{"2001:db8::7", "2001:db8::7"},
		{"2001:db8::7, fd00::1", "2001:db8::7"},
		/* as some proxies write it */
		{"198.51.100.7:4711", "198.51.100.7"},
		{"[2001:db8::7]:4711", "2001:db8::7"},
		{"[2001:db8::7]", "2001:db8::7"},
		{"198.51.100.7, 10.0.0.1:80, [fd00::1]:80", "198.51.100.7"},
		{"::ffff:198.51.100.7", "198.51.100.7"},
		/* somebody at a proxy's own machine */
		{"10.0.0.1", "10.0.0.1"},
		{"10.0.0.1, 192.0.2.1", "10.0.0.1"},
	};
	char buf[ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address client = {{0}};

		assert_true(proxies_find_client(&client, &trusting, cases[i].forwarded));
		assert_string_equal(address_format(&client, buf), cases[i].client);
	}
}

static void a_chain_without_a_client_is_refused(void **state)
{
	static const char *const chains[] = {"", " ", ",", ",10.0.0.1", "198.51.100.7, unknown",
		"198.51.100.7,", "198.51.100.7, , 10.0.0.1", "198.51.100.7, _hidden, 10.0.0.1",
		"198.51.100.7 10.0.0.1", "example.org", "198.51.100.7, 10.0.0.1, 10.0.0.256",
		"[2001:db8::7", "2001:db8::7]", "[]", "198.51.100", "for=198.51.100.7",
		"\"198.51.100.7\"", ":", "[", ":80"};

	(void)state;
	for (size_t i = 0; i < COUNT(chains); i++) {
		struct address client = {{7}}, before = client;

		if (proxies_find_client(&client, &trusting, chains[i])) {
			fail_msg("%s", chains[i]);
		}
		assert_memory_equal(&client, &before, sizeof(client));
	}
}

static void a_very_long_chain_is_followed_to_its_end(void **state)
{
	enum { LINKS = 2000 };
	static const char client[] = "198.51.100.7", proxy[] = ",10.0.0.1";
	char *chain = malloc(sizeof(client) + LINKS * (sizeof(proxy) - 1)), *at = chain;
	struct address address;
	char buf[ADDRESS_TEXT];

	(void)state;
	at = mempcpy(at, client, sizeof(client) - 1);
	for (int i = 0; i < LINKS; i++) {
		at = mempcpy(at, proxy, sizeof(proxy) - 1);
	}
	*at = '\0';
	assert_true(proxies_find_client(&address, &trusting, chain));
	assert_string_equal(address_format(&address, buf), client);
	free(chain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_listed_addresses_are_proxies),
		cmocka_unit_test(the_last_entry_that_is_no_proxy_is_the_client),
		cmocka_unit_test(a_chain_without_a_client_is_refused),
		cmocka_unit_test(a_very_long_chain_is_followed_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
