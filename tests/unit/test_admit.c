/* admit: hosts that are ours, origins that may come in, subprotocols that are spoken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/options.h"
#include "nakodo/net/gate/admit.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define LIST(...)                                                                                  \
	((struct option_list){.items = (struct option_item[]){__VA_ARGS__},                        \
		.count =                                                                           \
			sizeof((struct option_item[]){__VA_ARGS__}) / sizeof(struct option_item)})
#define ITEM(text) {(char *)(text), (char *)"test"}

static const struct option_list nothing;

static void a_host_is_one_name_or_address_with_perhaps_a_port(void **state)
{
	static const char *const good[] = {"localhost", "localhost:3000", "example.org",
		"a-b.c_d.example:1", "EXAMPLE.org.", "192.0.2.1", "192.0.2.1:65535", "[::1]",
		"[::1]:3000", "[2001:db8::1]", "xn--1lq90i.example", "a:"};
	static const char *const bad[] = {"", ":80", " ", "a b", "a,b", "a/b", "a:b", "a:80:90",
		"a:80 ", "a:-1", "user@a", "a?b", "a#b", "a%41", "::1", "[::1", "[]", "[::1]3000",
		"[::1]:x", "[a]", "[192.0.2.1]", "http://a", "\"a\"", "a\\b", "a\tb", "<a>",
		"\xe5\x90\x8d", "a;b", "a=b", "*"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		if (!admit_host_is_valid(good[i])) {
			fail_msg("%s", good[i]);
		}
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (admit_host_is_valid(bad[i])) {
			fail_msg("%s", bad[i]);
		}
	}
}

static void a_host_has_at_most_255_bytes(void **state)
{
	char host[300];

	(void)state;
	memset(host, 'a', sizeof(host));
	memcpy(host + 255, ":3000", 6);
	assert_true(admit_host_is_valid(host));
	memcpy(host + 255, "a:3000", 7);
	assert_false(admit_host_is_valid(host));
}

static void a_loopback_listener_knows_its_own_names(void **state)
{
	static const char *const own[] = {"localhost", "LOCALHOST", "localhost:3000",
		"app.localhost", "a.b.LocalHost:80", "127.0.0.1", "127.0.0.1:3000",
		"127.255.255.254", "[::1]", "[::1]:3000", "[::ffff:127.0.0.1]", "rtc.example",
		"RTC.example:443"};
	static const char *const foreign[] = {"example.org", "example.org:3000", "192.0.2.1",
		"0.0.0.0", "[::]", "[2001:db8::1]", "localhost.example.org", "notlocalhost",
		".localhost", "localhost.localhost.com", "127.0.0.1.example.org", "127.1",
		"a127.0.0.1", "2130706433", "0x7f000001", "128.0.0.1", "[::2]", "a.rtc.example",
		"rtc.example.org", "rtc", ""};
	struct option_list names = LIST(ITEM("other.example"), ITEM("rtc.example"));

	(void)state;
	for (size_t i = 0; i < COUNT(own); i++) {
		if (!admit_loopback_host(own[i], &names)) {
			fail_msg("%s", own[i]);
		}
	}
	for (size_t i = 0; i < COUNT(foreign); i++) {
		if (admit_loopback_host(foreign[i], &names)) {
			fail_msg("%s", foreign[i]);
		}
	}
	assert_false(admit_loopback_host("rtc.example", &nothing));
}

static void who_sends_no_origin_is_no_page(void **state)
{
	static const char *const policies[] = {"same-host", "null", "any", "https://example.org"};

	(void)state;
	for (size_t i = 0; i < COUNT(policies); i++) {
		assert_true(admit_origin_one(policies[i], NULL, "example.org", ADMIT_NAME));
	}
	assert_true(admit_origin(&nothing, NULL, "example.org", ADMIT_NAME));
	assert_false(admit_origin(&nothing, "http://example.org", "example.org", ADMIT_NAME));
}

static void same_host_may_be_a_matter_of_the_name_alone(void **state)
{
	static const struct {
		const char *origin, *host;
		bool admitted;
	} cases[] = {
		{"http://localhost:3000", "localhost:3000", true},
		{"http://localhost:8080", "localhost:3000", true},
		{"https://example.org", "example.org", true},
		{"https://example.org", "example.org:3443", true},
		{"https://EXAMPLE.org", "example.ORG", true},
		{"http://[::1]:5000", "[::1]:3000", true},
		{"http://[::1]", "[::1]", true},
		{"http://192.0.2.1:80", "192.0.2.1", true},
		{"https://evil.example", "example.org", false},
		{"https://example.org.evil.example", "example.org", false},
		{"https://evil-example.org", "example.org", false},
		{"https://a.example.org", "example.org", false},
		{"https://example.or", "example.org", false},
		{"https://example.org", "a.example.org", false},
		{"http://localhost", "127.0.0.1", false},
		{"http://[::1]", "[::2]", false},
		{"http://[::1]", "[::1:2]", false},
		{"https://example.org@evil.example", "example.org", false},
		{"null", "null", false},
		{"", "example.org", false},
		{"example.org", "example.org", false},
		{"file://", "example.org", false},
		{"://", "example.org", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (admit_origin_one("same-host", cases[i].origin, cases[i].host, ADMIT_NAME) !=
			cases[i].admitted) {
			fail_msg("%s at %s", cases[i].origin, cases[i].host);
		}
	}
}

static void scheme_and_port_are_compared_where_they_are_known(void **state)
{
	static const struct {
		const char *origin, *host;
		bool port, http, https; /* admitted by ADMIT_PORT, ADMIT_HTTP, ADMIT_HTTPS */
	} cases[] = {
		{"http://example.org", "example.org", true, true, false},
		{"https://example.org", "example.org", true, false, true},
		{"http://example.org:80", "example.org", true, true, false},
		{"https://example.org", "example.org:443", true, false, true},
		{"https://example.org", "example.org:80", false, false, false},
		{"http://example.org:3000", "example.org:3000", true, true, false},
		{"HTTPS://EXAMPLE.org:3443", "example.org:3443", true, false, true},
		{"http://example.org:8080", "example.org:3000", false, false, false},
		{"http://example.org", "example.org:3000", false, false, false},
		{"http://[2001:db8::1]:3000", "[2001:db8::1]:3000", true, true, false},
		{"ftp://example.org:3000", "example.org:3000", false, false, false},
		{"http://evil.example:3000", "example.org:3000", false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *origin = cases[i].origin, *host = cases[i].host;

		assert_int_equal(
			admit_origin_one("same-host", origin, host, ADMIT_PORT), cases[i].port);
		assert_int_equal(
			admit_origin_one("same-host", origin, host, ADMIT_HTTP), cases[i].http);
		assert_int_equal(
			admit_origin_one("same-host", origin, host, ADMIT_HTTPS), cases[i].https);
		assert_false(admit_origin_one("same-host", origin, host, ADMIT_NONE));
		assert_true(admit_origin_one("any", origin, host, ADMIT_NONE));
	}
	assert_true(admit_origin_one("same-host", NULL, "example.org", ADMIT_NONE));
}

static void an_exact_origin_admits_itself_alone(void **state)
{
	static const char *const others[] = {"http://app.example", "https://app.example:444",
		"https://app.example/", "https://app.example.org", "https://a.app.example",
		"https://app.exampl", "null", ""};

	(void)state;
	assert_true(
		admit_origin_one("https://app.example", "https://app.example", "a", ADMIT_NAME));
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_false(admit_origin_one("https://app.example", others[i], "a", ADMIT_NAME));
	}
}

static void null_and_any_mean_what_they_say(void **state)
{
	(void)state;
	assert_true(admit_origin_one("null", "null", "a", ADMIT_NAME));
	assert_false(admit_origin_one("null", "http://a", "a", ADMIT_NAME));
	assert_false(admit_origin_one("same-host", "null", "a", ADMIT_NAME));
	assert_true(admit_origin_one("any", "null", "a", ADMIT_NAME));
	assert_true(admit_origin_one("any", "https://evil.example", "a", ADMIT_NAME));
}

static void one_policy_of_several_is_enough(void **state)
{
	struct option_list policies =
		LIST(ITEM("same-host"), ITEM("null"), ITEM("https://app.example"));

	(void)state;
	assert_true(admit_origin(&policies, NULL, "a", ADMIT_NAME));
	assert_true(admit_origin(&policies, "http://a:1", "a", ADMIT_NAME));
	assert_true(admit_origin(&policies, "null", "a", ADMIT_NAME));
	assert_true(admit_origin(&policies, "https://app.example", "a", ADMIT_NAME));
	assert_false(admit_origin(&policies, "https://other.example", "a", ADMIT_NAME));
}

static void the_first_known_subprotocol_is_selected(void **state)
{
	struct option_list known = LIST(ITEM("one"), ITEM("two"), ITEM("graphql-ws"));
	static const struct {
		const char *offered, *selected;
		bool any;
	} cases[] = {
		{"one", "one", true},
		{"two, one", "two", true},
		{"zero, two, one", "two", true},
		{"zero,one", "one", true},
		{" \tone\t ", "one", true},
		{",,two,,", "two", true},
		{"zero", NULL, true},
		{"on, tw, three", NULL, true},
		{"One", NULL, true},
		{"onetwo", NULL, true},
		{"graphql", NULL, true},
		{"", NULL, false},
		{" , ,", NULL, false},
	};
	bool any;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *selected = admit_subprotocol(&known, cases[i].offered, &any);

		assert_int_equal(any, cases[i].any);
		assert_string_equal(selected ? selected : "none",
			cases[i].selected ? cases[i].selected : "none");
	}
	assert_null(admit_subprotocol(&nothing, "one", &any));
	assert_true(any);
}

static void secrets_stand_among_the_subprotocols_and_are_not_shown(void **state)
{
	static const struct {
		const char *offered, *left, *taken;
	} cases[] = {
		{"nakodo.v1, nakodo.session.a-b_C", "nakodo.v1, nakodo.session.", "session=a-b_C;"},
		{"nakodo.token.x.y.z,nakodo.v1", "nakodo.token.,nakodo.v1", "token=x.y.z;"},
		{"nakodo.a.1, nakodo.b.2, nakodo.c.3", "nakodo.a., nakodo.b., nakodo.c.",
			"a=1;b=2;"},
		{" ,nakodo.session., ", " ,nakodo.session., ", "session=;"},
		{"nakodo.v1", "nakodo.v1", ""},
		{"nakodo., nakodo", "nakodo., nakodo", ""},
		{"Nakodo.session.x, xnakodo.session.x", "Nakodo.session.x, xnakodo.session.x", ""},
		{"nakodo, v.1", "nakodo, v.1", ""},
		{"", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *offered = strdup(cases[i].offered), *buf = malloc(strlen(offered) + 1);
		char taken[64] = "";
		const char *arguments[2];
		size_t count = admit_take_arguments(offered, buf, arguments, 2);

		for (size_t j = 0; j < count; j++) {
			snprintf(taken + strlen(taken), sizeof(taken) - strlen(taken), "%s;",
				arguments[j]);
		}
		assert_string_equal(offered, cases[i].left);
		assert_string_equal(taken, cases[i].taken);
		free(offered);
		free(buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_is_one_name_or_address_with_perhaps_a_port),
		cmocka_unit_test(a_host_has_at_most_255_bytes),
		cmocka_unit_test(a_loopback_listener_knows_its_own_names),
		cmocka_unit_test(who_sends_no_origin_is_no_page),
		cmocka_unit_test(same_host_may_be_a_matter_of_the_name_alone),
		cmocka_unit_test(scheme_and_port_are_compared_where_they_are_known),
		cmocka_unit_test(an_exact_origin_admits_itself_alone),
		cmocka_unit_test(null_and_any_mean_what_they_say),
		cmocka_unit_test(one_policy_of_several_is_enough),
		cmocka_unit_test(the_first_known_subprotocol_is_selected),
		cmocka_unit_test(secrets_stand_among_the_subprotocols_and_are_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
