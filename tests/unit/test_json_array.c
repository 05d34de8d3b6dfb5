/* json_next: every element of an array once, with its kind and span, and an end to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/json.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* An array is walked through where its memory ends; the elements, each followed by its kind. */
static void expect_elements(const char *array, const char *expected)
{
	static const char kinds[] = "-nb1sao"; /* by enum json_kind */
	struct json_member member = {.name = "list"};
	struct json_value item = {0};
	char text[512], got[512] = "", *copy;
	size_t len, used = 0;

	len = (size_t)snprintf(text, sizeof(text), "{\"list\":%s}", array);
	assert_in_range(len, 0, sizeof(text) - 1);
	copy = memcpy(malloc(len), text, len);
	assert_int_equal(json_scan(copy, len, &member, 1), JSON_OK);
	while (json_next(&member.value, &item)) {
		assert_in_range(item.at - copy, 0, len - 1);
		assert_in_range(item.len, 1, copy + len - item.at);
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%.*s%c ", (int)item.len,
			item.at, kinds[item.kind]);
	}
	assert_string_equal(got, expected);
	assert_false(json_next(&member.value, &item)); /* it stays at the end */
	free(copy);
}

static void each_element_comes_once_and_in_order(void **state)
{
	static const struct {
		const char *array, *elements;
	} cases[] = {
		{"[]", ""},
		{"[ \n\t]", ""},
		{"[1]", "11 "},
		{"[0,-1.5e3 , 7]", "01 -1.5e31 71 "},
		{"[ \"a\" ]", "\"a\"s "},
		{"[\"a,b\",\"]\",\"\\\"\",\"\"]", "\"a,b\"s \"]\"s \"\\\"\"s \"\"s "},
		{"[null,true,\r\nfalse]", "nulln trueb falseb "},
		{"[[1,2],[],[[\"]\"]]]", "[1,2]a []a [[\"]\"]]a "},
		{"[{\"a\":[1,{}]},{ }]", "{\"a\":[1,{}]}o { }o "},
		{"[\"\xe6\x9c\x9d\",5,\"\\u671d\"]", "\"\xe6\x9c\x9d\"s 51 \"\\u671d\"s "},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		expect_elements(cases[i].array, cases[i].elements);
	}
}

static void what_is_no_array_has_no_elements(void **state)
{
	static const char *const values[] = {"null", "true", "12", "\"[1]\"", "{\"a\":[1]}"};

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		expect_elements(values[i], "");
	}
	assert_false(json_next(&(struct json_value){0}, &(struct json_value){0}));
}

static void an_element_may_be_as_deep_as_a_message_allows(void **state)
{
	char array[2 * JSON_MAX_DEPTH], expected[2 * JSON_MAX_DEPTH];
	size_t depth = JSON_MAX_DEPTH - 1; /* the object is around it */

	(void)state;
	memset(array, '[', depth);
	memset(array + depth, ']', depth);
	array[2 * depth] = '\0';
	snprintf(expected, sizeof(expected), "%.*sa ", (int)(2 * depth - 2), array + 1);
	expect_elements(array, expected);
}

static void a_hundred_thousand_elements_are_walked_through_at_once(void **state)
{
	size_t count = 100000, seen = 0, len = 2 * count + 1;
	struct json_value array = {.len = len, .kind = JSON_ARRAY}, item = {0};
	char *text = malloc(len);

	(void)state;
	memset(text, ',', len);
	for (size_t i = 1; i < len; i += 2) {
		text[i] = '1';
	}
	text[0] = '[';
	text[len - 1] = ']';
	assert_int_equal(json_scan(text, len, NULL, 0), JSON_NOT_OBJECT);
	array.at = text;
	while (json_next(&array, &item)) {
		seen++;
	}
	assert_int_equal(seen, count);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_element_comes_once_and_in_order),
		cmocka_unit_test(what_is_no_array_has_no_elements),
		cmocka_unit_test(an_element_may_be_as_deep_as_a_message_allows),
		cmocka_unit_test(a_hundred_thousand_elements_are_walked_through_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
