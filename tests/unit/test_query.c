/* query: what is found, decoded and refused in a=1&b=2. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/query.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct found {
	const char *query, *name, *value;
};

static void expect_found(const struct found *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t need = strlen(cases[i].value) + 1;

		for (size_t size = 0; size <= need + 1; size++) {
			char *buf =
				malloc(size ? size : 1); /* its end is where a sanitizer looks */
			long got = query_get(cases[i].query, cases[i].name, buf, size);

			if (size < need) {
				assert_int_equal(got, -ENOSPC);
			} else {
				assert_int_equal(got, need - 1);
				assert_string_equal(buf, cases[i].value);
			}
			free(buf);
		}
	}
}

static void a_value_is_found_wherever_it_stands(void **state)
{
	static const struct found cases[] = {
		{"room=a", "room", "a"},
		{"room=a&frames=text", "room", "a"},
		{"room=a&frames=text", "frames", "text"},
		{"a=1&b=2&c=3", "b", "2"},
		{"&&a=1&&b=2&", "b", "2"},
		{"room=a=b", "room", "a=b"},
		{"room=?x", "room", "?x"},
		{"roomy=1&Room=2&room=3", "room", "3"},
		{"roo=1&room=2", "room", "2"},
	};

	(void)state;
	expect_found(cases, COUNT(cases));
}

static void the_first_of_two_wins(void **state)
{
	static const struct found cases[] = {
		{"a=1&a=2", "a", "1"},
		{"a&a=2", "a", ""},
		{"%61=1&a=2", "a", "1"},
	};

	(void)state;
	expect_found(cases, COUNT(cases));
}

static void a_name_alone_has_an_empty_value(void **state)
{
	static const struct found cases[] = {
		{"a", "a", ""},
		{"a=", "a", ""},
		{"a&b=1", "a", ""},
		{"b=1&a", "a", ""},
		{"=1", "", "1"},
	};

	(void)state;
	expect_found(cases, COUNT(cases));
}

static void values_and_names_are_decoded(void **state)
{
	static const struct found cases[] = {
		{"a=%41%4a%4A", "a", "AJJ"},
		{"a=x+y%20z%2B", "a", "x y z+"},
		{"a=1%262%3d3", "a", "1&2=3"},
		{"a=%E5%90%8d", "a", "\xe5\x90\x8d"},
		{"a=\xe5\x90\x8d", "a", "\xe5\x90\x8d"},
		{"a=%25%32%35", "a", "%25"},
		{"a=%01%7f%ff%10", "a", "\x01\x7f\xff\x10"},
		{"r%6fom=1", "room", "1"},
		{"a+b=1", "a b", "1"},
		{"%3D=1", "=", "1"},
	};

	(void)state;
	expect_found(cases, COUNT(cases));
}

static void an_absent_name_is_told(void **state)
{
	static const char *const queries[] = {"", "&", "&&", "b=1", "aa=1", "b=a", "b=1&c=a=1",
		"A=1", "%41=1", "a%00=1", "%00a=1", "a%=1", "%6=1", "a%zz", "=a"};
	char buf[8];

	(void)state;
	for (size_t i = 0; i < COUNT(queries); i++) {
		assert_int_equal(query_get(queries[i], "a", buf, sizeof(buf)), -ENOENT);
	}
	assert_int_equal(query_get("&a&&", "", buf, sizeof(buf)), -ENOENT);
}

static void a_value_that_cannot_be_decoded_is_refused(void **state)
{
	static const char *const queries[] = {"a=%00", "a=x%00y", "a=%", "a=%4", "a=%4&b=1",
		"a=%&41", "a=%g1", "a=%1g", "a=%2g", "a=%+1", "a=%-1", "a=% 1", "a=%%41",
		"a=1%4&a=2"};
	char buf[8];

	(void)state;
	for (size_t i = 0; i < COUNT(queries); i++) {
		assert_int_equal(query_get(queries[i], "a", buf, sizeof(buf)), -EINVAL);
		assert_int_equal(query_get(queries[i], "a", NULL, 0), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_found_wherever_it_stands),
		cmocka_unit_test(the_first_of_two_wins),
		cmocka_unit_test(a_name_alone_has_an_empty_value),
		cmocka_unit_test(values_and_names_are_decoded),
		cmocka_unit_test(an_absent_name_is_told),
		cmocka_unit_test(a_value_that_cannot_be_decoded_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
