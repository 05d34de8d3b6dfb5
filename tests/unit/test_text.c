/* What was added comes out as one string, or nothing does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/text.h"

static void what_was_added_comes_out(void **state)
{
	struct text text = {0};
	size_t len = 0;
	char *all;

	(void)state;
	text_add(&text, "one");
	text_add_bytes(&text, ", two!", 5);
	text_print(&text, " and %d%s", 3, "");
	all = text_take(&text, &len);
	assert_string_equal(all, "one, two and 3");
	assert_int_equal(len, strlen(all));
	assert_null(text.at);
	free(all);
}

static void an_empty_text_is_an_empty_string(void **state)
{
	struct text text = {0};
	char *all;

	(void)state;
	all = text_take(&text, NULL);
	assert_string_equal(all, "");
	free(all);
}

static void it_grows_as_far_as_it_must(void **state)
{
	struct text text = {0};
	size_t len = 0;
	char *all;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		text_print(&text, "%04d", i);
	}
	all = text_take(&text, &len);
	assert_int_equal(len, 40000);
	assert_memory_equal(all + 4 * 1234, "1234", 4);
	assert_string_equal(all + 4 * 9999, "9999");
	free(all);
}

static void a_text_that_lost_a_part_is_none(void **state)
{
	struct text text = {0};

	(void)state;
	text_add(&text, "before");
	text.failed = true; /* as after a part for which there was no memory */
	text_add(&text, "after");
	assert_null(text_take(&text, NULL));
	assert_false(text.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_comes_out),
		cmocka_unit_test(an_empty_text_is_an_empty_string),
		cmocka_unit_test(it_grows_as_far_as_it_must),
		cmocka_unit_test(a_text_that_lost_a_part_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
