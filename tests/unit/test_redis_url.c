/* redis_url: what each form of `cluster` means, and that what is refused is explained. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/problem.h"
#include "nakodo/base/redis_url.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void every_form_is_understood(void **state)
{
	static const struct {
		const char *text;
		struct redis_url url;
	} cases[] = {
		{"redis://localhost", {.hosts = {{"localhost", 6379}}, .host_count = 1}},
		{"redis://10.0.0.1:7000/", {.hosts = {{"10.0.0.1", 7000}}, .host_count = 1}},
		{"redis://[2001:db8::1]:7000/15",
			{.hosts = {{"2001:db8::1", 7000}}, .host_count = 1, .db = 15}},
		{"redis://[::1]", {.hosts = {{"::1", 6379}}, .host_count = 1}},
		{"redis://:p%40s%3as@h",
			{.hosts = {{"h", 6379}}, .host_count = 1, .password = "p@s:s"}},
		{"redis://me:a@b:c@h", {.hosts = {{"h", 6379}},
					       .host_count = 1,
					       .user = "me",
					       .password = "a@b:c"}},
		{"rediss://h?ca=/etc/ca.pem", {.hosts = {{"h", 6379}},
						      .host_count = 1,
						      .tls = true,
						      .ca = "/etc/ca.pem"}},
		{"redis+unix:///run/redis.sock", {.path = "/run/redis.sock"}},
		{"redis+unix://:x@/run/a%20b?db=3", {.path = "/run/a b", .password = "x", .db = 3}},
		{"redis+sentinel://a,b:1,[::1]:2/mymaster/4",
			{.hosts = {{"a", 26379}, {"b", 1}, {"::1", 2}},
				.host_count = 3,
				.master = "mymaster",
				.db = 4}},
		{"rediss+sentinel://a/m",
			{.hosts = {{"a", 26379}}, .host_count = 1, .master = "m", .tls = true}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct redis_url url;
		struct problem problem;

		if (redis_url_parse(&url, cases[i].text, &problem)) {
			fail_msg("%s: %s", cases[i].text, problem.text);
		}
		if (memcmp(&url, &cases[i].url, sizeof(url)) != 0) {
			fail_msg("%s is understood as something else", cases[i].text);
		}
	}
}

static void what_is_wrong_is_explained_without_the_password(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "begins with redis://"},
		{"http://h", "begins with redis://"},
		{"redis:h", "begins with redis://"},
		{"redis://", "host or the port"},
		{"redis://h:", "host or the port"},
		{"redis://h:0", "host or the port"},
		{"redis://h:65536", "host or the port"},
		{"redis://h:6379x", "host or the port"},
		{"redis://[::1", "host or the port"},
		{"redis://[::1]x", "host or the port"},
		{"redis://h/x", "number of the database"},
		{"redis://h/1/2", "number of the database"},
		{"redis://geheim@h", "there is a colon"},
		{"redis://:geheim%4@h", "hex digits"},
		{"redis://:geheim%00@h", "hex digits"},
		{"redis://a,b", "only of Sentinels"},
		{"redis+sentinel://a", "name of their master"},
		{"redis+sentinel://a/", "name of their master"},
		{"redis+sentinel://a,b,c,d,e,f,g,h,i/m", "eight Sentinels"},
		{"redis+unix://run/x", "begins with a slash"},
		{"rediss+unix:///run/x", "begins with a slash"},
		{"redis+unix:///run/x?db=y", "number of the database"},
		{"redis://h?ca=/x", "belongs to rediss://"},
		{"redis://h?db=5", "ca= alone"},
		{"rediss://h?ca=/x&cafile=/y", "ca= alone"},
		{"redis+unix:///run/x?ca=/x", "db= alone"},
		{"rediss://h?ca=x", "whole path"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct redis_url url;
		struct problem problem;

		if (redis_url_parse(&url, cases[i].text, &problem) != -EINVAL) {
			fail_msg("%s is no refusal", cases[i].text);
		}
		if (!strstr(problem.text, cases[i].why)) {
			fail_msg("%s: %s", cases[i].text, problem.text);
		}
		assert_null(strstr(problem.text, "geheim"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_understood),
		cmocka_unit_test(what_is_wrong_is_explained_without_the_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
