/* endpoint: what each form of `listen` means, and that what is refused is explained. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/endpoint.h"
#include "nakodo/base/problem.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static struct endpoint parse(const char *text)
{
	struct endpoint endpoint;
	struct problem problem;

	if (endpoint_parse(&endpoint, text, &problem) != 0) {
		fail_msg("%s: %s", text, problem.text);
	}
	return endpoint;
}

static void every_form_is_understood(void **state)
{
	static const struct {
		const char *text;
		struct endpoint endpoint;
	} cases[] = {
		{"localhost:3000", {.port = 3000, .host = "localhost"}},
		{"tls:*:443", {.tls = true, .port = 443, .host = "*"}},
		{"proxy:10.0.0.1:80", {.proxy = true, .port = 80, .host = "10.0.0.1"}},
		{"[::]:65535", {.port = 65535, .host = "::"}},
		{"tls:[2001:db8::1]:0", {.tls = true, .host = "2001:db8::1"}},
		{"[::ffff:127.0.0.1]:08080", {.port = 8080, .host = "::ffff:127.0.0.1"}},
		{"My-Host_1.example.:1", {.port = 1, .host = "My-Host_1.example."}},
		{"tls:proxy:443", {.tls = true, .port = 443, .host = "proxy"}},
		{"unix:/run/nakodo/socket", {.kind = ENDPOINT_UNIX, .path = "/run/nakodo/socket"}},
		{"unix:tls:x", {.kind = ENDPOINT_UNIX, .path = "tls:x"}},
		{"systemd", {.kind = ENDPOINT_SYSTEMD}},
		{"localhost:1?", {.port = 1, .host = "localhost"}},
		{"localhost:1?origin=any", {.port = 1, .host = "localhost", .origin = "any"}},
		{"systemd?dialect=relay", {.kind = ENDPOINT_SYSTEMD, .dialect = "relay"}},
		{"systemd?name=tls-a&dialect=chat",
			{.kind = ENDPOINT_SYSTEMD, .name = "tls-a", .dialect = "chat"}},
		{"unix:s?&dialect=chat&&origin=https://a.example:8443&",
			{.kind = ENDPOINT_UNIX,
				.path = "s",
				.origin = "https://a.example:8443",
				.dialect = "chat"}},
		{"127.0.0.1:1?metrics&origin=any",
			{.port = 1, .host = "127.0.0.1", .origin = "any", .metrics = true}},
		{"*:1?metrics", {.port = 1, .host = "*", .metrics = true}},
		{"unix:s?metrics", {.kind = ENDPOINT_UNIX, .path = "s", .metrics = true}},
		{"*:1?origin=http%3a//a%26b", {.port = 1, .host = "*", .origin = "http://a&b"}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct endpoint *expected = &cases[i].endpoint;
		struct endpoint endpoint = parse(cases[i].text);

		assert_int_equal(endpoint.kind, expected->kind);
		assert_int_equal(endpoint.tls, expected->tls);
		assert_int_equal(endpoint.proxy, expected->proxy);
		assert_int_equal(endpoint.port, expected->port);
		assert_string_equal(endpoint.host, expected->host);
		assert_string_equal(endpoint.path, expected->path);
		assert_string_equal(endpoint.origin, expected->origin);
		assert_string_equal(endpoint.dialect, expected->dialect);
		assert_int_equal(endpoint.metrics, expected->metrics);
	}
}

/* Each of `texts` is refused in one line that says `why`, and in which every form shown as
 * "as in FORM" is right. */
static void expect_refused(const char *const *texts, size_t count, const char *why)
{
	for (size_t i = 0; i < count; i++) {
		struct endpoint endpoint = {.port = 7};
		struct problem problem;
		const char *example;
		char form[256];

		if (endpoint_parse(&endpoint, texts[i], &problem) != -EINVAL) {
			fail_msg("%s was not refused", texts[i]);
		}
		assert_int_equal(endpoint.port, 7);
		if (!strstr(problem.text, why)) {
			fail_msg("%s: %s", texts[i], problem.text);
		}
		assert_null(strchr(problem.text, '\n'));
		example = strstr(problem.text, "as in ");
		for (assert_non_null(example); example; example = strstr(example, "as in ")) {
			example += strlen("as in ");
			snprintf(form, sizeof(form), "%.*s", (int)strcspn(example, ", "), example);
			parse(form);
		}
	}
}

#define EXPECT_REFUSED(why, ...)                                                                   \
	expect_refused((const char *const[]){__VA_ARGS__},                                         \
		COUNT(((const char *const[]){__VA_ARGS__})), why)

static void a_host_or_port_that_is_missing_is_explained(void **state)
{
	(void)state;
	EXPECT_REFUSED("host or the port is missing", "", "3000", "localhost", "tls:3000",
		"tls:", "127.0.0.1", "unix", "tls:systemd", "SYSTEMD", "?origin=any");
	EXPECT_REFUSED("host is missing", ":3000", "tls::443", "proxy::80", ":");
	EXPECT_REFUSED("bracket and the port", "[::1]", "[::1]3000", "[::1", "[", "[]", "[::1] :1");
	EXPECT_REFUSED("path is missing", "unix:", "unix:?origin=any");
}

static void a_host_that_cannot_be_one_is_explained(void **state)
{
	(void)state;
	EXPECT_REFUSED("too many colons", "::1:3000", "::", "http://localhost:3000", "a:1:2",
		"fe80::1:80", "systemd:x:1");
	EXPECT_REFUSED("in brackets must be", "[]:1", "[127.0.0.1]:1", "[localhost]:1", "[:::]:1",
		"[1:2:3:4:5:6:7:8:9]:1", "[fe80::1%eth0]:1", "[[::1]:1",
		"[" HUNDRED HUNDRED HUNDRED "]:1");
	EXPECT_REFUSED("host must be", "256.0.0.1:1", "127.1:1", "1.2.3.4.5:1", "010.0.0.1:1",
		"0:1", ".:1", "**:1", "*.example:1", "a b:1", "a/b:1", "a@b:1", "\xe5\x90\x8d:1",
		"a\n:1", HUNDRED HUNDRED HUNDRED "a:1");
	EXPECT_REFUSED("too long", HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED ":1");
}

static void a_port_out_of_range_is_explained(void **state)
{
	(void)state;
	EXPECT_REFUSED("from 0 to 65535", "a:", "a:65536", "a:18446744073709551696", "a:-1", "a:+1",
		"a:0x50", "a:http", "a: 80", "a:80 ", "a:80/", "a:8\n0", "[::1]:", "[::1]:65536",
		"[::1]:1:2", "tls:a:x", "systemd:x", "TLS:x");
}

static void two_prefixes_are_explained(void **state)
{
	(void)state;
	EXPECT_REFUSED("only one of", "proxy:tls:localhost:1", "tls:proxy:localhost:1",
		"tls:tls:localhost:1", "tls:unix:/run/s", "proxy:unix:/run/s", "proxy:tls:[::1]:1");
}

static void a_socket_path_fits_the_systems_or_is_refused(void **state)
{
	struct endpoint endpoint = parse("unix:" HUNDRED "1234567");

	(void)state;
	assert_int_equal(strlen(endpoint.path), sizeof(endpoint.path) - 1);
	EXPECT_REFUSED("longer than the 107 bytes", "unix:" HUNDRED "12345678");
}

static void parameters_are_known_single_and_filled(void **state)
{
	(void)state;
	EXPECT_REFUSED("only the parameters auth, dialect, origin and metrics", "a:1?orgin=any",
		"a:1?Origin=any", "a:1?origin=any&frames=text", "a:1?=x", "a:1?origins=x", "a:1?o",
		"a:1?%6frigin=any", "systemd?x", "unix:s?a=1");
	EXPECT_REFUSED("origin stands twice", "a:1?origin=any&origin=null",
		"a:1?origin=any&dialect=x&origin");
	EXPECT_REFUSED("dialect stands twice", "a:1?dialect=x&dialect=x");
	EXPECT_REFUSED("origin must have a value", "a:1?origin",
		"a:1?origin=", "a:1?origin=&dialect=x", "a:1?origin=%", "a:1?origin=%00",
		"a:1?origin=" HUNDRED HUNDRED HUNDRED);
	EXPECT_REFUSED(
		"dialect must have a value", "a:1?origin=any&dialect", "a:1?dialect=" HUNDRED);
}

static void metrics_have_no_value_and_are_of_no_dialect(void **state)
{
	(void)state;
	EXPECT_REFUSED("has no value", "localhost:1?metrics=", "localhost:1?metrics=yes");
	EXPECT_REFUSED("has no pages", "localhost:1?metrics&dialect=relay",
		"localhost:1?dialect=relay&metrics");
	EXPECT_REFUSED("only the parameters", "localhost:1?Metrics", "localhost:1?metric",
		"localhost:1?metricss");
}

static void loopback_is_what_only_this_machine_can_reach(void **state)
{
	static const char *const inside[] = {"localhost:1", "LocalHost:1", "a.localhost:1",
		"a.b.LOCALHOST:1", "127.0.0.1:1", "127.255.1.2:1", "[::1]:1", "[0:0:0:0:0:0:0:1]:1",
		"tls:localhost:1", "unix:/run/s", "unix:s"};
	static const char *const outside[] = {"*:1", "0.0.0.0:1", "[::]:1", "128.0.0.1:1",
		"126.255.255.255:1", "10.127.0.1:1", "[::2]:1", "[1::1]:1", "[fe80::1]:1",
		"example:1", "localhost.example:1", "notlocalhost:1", "localhos:1",
		"127.0.0.1.example:1", "proxy:127.0.0.1:1", "systemd"};

	(void)state;
	for (size_t i = 0; i < COUNT(inside); i++) {
		struct endpoint endpoint = parse(inside[i]);

		assert_true(endpoint_is_loopback(&endpoint));
	}
	for (size_t i = 0; i < COUNT(outside); i++) {
		struct endpoint endpoint = parse(outside[i]);

		assert_false(endpoint_is_loopback(&endpoint));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_understood),
		cmocka_unit_test(a_host_or_port_that_is_missing_is_explained),
		cmocka_unit_test(a_host_that_cannot_be_one_is_explained),
		cmocka_unit_test(a_port_out_of_range_is_explained),
		cmocka_unit_test(two_prefixes_are_explained),
		cmocka_unit_test(a_socket_path_fits_the_systems_or_is_refused),
		cmocka_unit_test(parameters_are_known_single_and_filled),
		cmocka_unit_test(metrics_have_no_value_and_are_of_no_dialect),
		cmocka_unit_test(loopback_is_what_only_this_machine_can_reach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
