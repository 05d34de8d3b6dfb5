/* What is saved is read back as it was, and nothing else is taken for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "nakodo/base/save.h"
#include "nakodo/base/saved.h"

static char *bytes;
static size_t size;

/* Three records, the second without anything in it. */
static int set_up(void **state)
{
	FILE *out = open_memstream(&bytes, &size);
	struct save save;

	(void)state;
	save_init(&save, out);
	save_begin(&save, SAVE_FRAME);
	save_number(&save, UINT64_MAX);
	save_text(&save, "日本");
	save_text(&save, NULL);
	save_text(&save, "");
	save_bytes(&save, "\0\1", 2);
	save_end(&save);
	save_begin(&save, SAVE_MOUNT_END);
	save_end(&save);
	save_begin(&save, SAVE_SEAT);
	save_number(&save, 1);
	save_end(&save);
	assert_int_equal(save_finish(&save), 0);
	fclose(out);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(bytes);
	return 0;
}

static void what_was_saved_is_read_back(void **state)
{
	struct saved saved;
	unsigned char two[2];

	(void)state;
	assert_int_equal(saved_open(&saved, bytes, size), 0);
	assert_true(saved_next(&saved));
	assert_int_equal(saved.kind, SAVE_FRAME);
	assert_int_equal(saved_number(&saved), UINT64_MAX);
	assert_string_equal(saved_text(&saved), "日本");
	assert_null(saved_text(&saved));
	assert_string_equal(saved_text(&saved), "");
	saved_copy(&saved, two, sizeof(two));
	assert_memory_equal(two, "\0\1", 2);
	assert_true(saved_next(&saved));
	assert_int_equal(saved.kind, SAVE_MOUNT_END);
	assert_true(saved_next(&saved));
	assert_int_equal(saved_number(&saved), 1);
	assert_false(saved_next(&saved));
	assert_false(saved.bad);
}

static void each_cut_and_each_changed_byte_is_noticed(void **state)
{
	struct saved saved;

	(void)state;
	for (size_t len = 0; len < size; len++) {
		/* A copy of its own, so that a sanitizer sees what is read behind it. */
		char *copy = malloc(len ? len : 1);

		memcpy(copy, bytes, len);
		assert_int_not_equal(saved_open(&saved, copy, len), 0);
		free(copy);
	}
	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= 0x10;
		assert_int_equal(
			saved_open(&saved, bytes, size), i < SAVE_MAGIC_SIZE ? -ENOMSG : -EBADMSG);
		bytes[i] ^= 0x10;
	}
	assert_int_equal(saved_open(&saved, bytes, size), 0);
}

static void something_behind_the_end_is_noticed(void **state)
{
	struct saved saved;
	char *longer = calloc(1, size + 1);

	(void)state;
	memcpy(longer, bytes, size);
	assert_int_equal(saved_open(&saved, longer, size + 1), -EBADMSG);
	free(longer);
}

static void what_is_not_there_makes_all_bad(void **state)
{
	struct saved saved;
	size_t len;

	(void)state;
	saved_open(&saved, bytes, size);
	saved_next(&saved);
	assert_null(saved_bytes(&saved, &len)); /* so many bytes there are not */
	assert_int_equal(len, 0);
	assert_true(saved.bad);
	assert_int_equal(saved_number(&saved), 0);
	assert_false(saved_next(&saved));

	saved_open(&saved, bytes, size);
	saved_next(&saved);
	assert_int_equal(saved_count(&saved, 1), 0);
	assert_true(saved.bad);

	saved_open(&saved, bytes, size);
	saved_next(&saved);
	assert_int_equal(saved_number_up_to(&saved, 1), 0);
	assert_true(saved.bad);
}

static void what_is_left_of_a_record_makes_all_bad(void **state)
{
	struct saved saved;

	(void)state;
	saved_open(&saved, bytes, size);
	assert_true(saved_next(&saved));
	assert_false(saved_next(&saved));
	assert_true(saved.bad);

	saved_open(&saved, bytes, size);
	assert_true(saved_next(&saved));
	saved_skip(&saved);
	assert_true(saved_next(&saved));
}

static void the_rest_of_a_record_is_given_as_it_is(void **state)
{
	struct saved saved;
	const char *rest;
	size_t len;

	(void)state;
	saved_open(&saved, bytes, size);
	saved_next(&saved);
	saved_number(&saved);
	rest = saved_rest(&saved, &len);
	/* a text with its NUL, none, an empty one, and two bytes, each behind its length */
	assert_int_equal(len, 8 + sizeof("日本") + 8 + 8 + sizeof("") + 8 + 2);
	assert_memory_equal(rest + 8, "日本", sizeof("日本"));
	assert_memory_equal(rest + len - 2, "\0\1", 2);
	saved_rest(&saved, &len);
	assert_int_equal(len, 0);
	assert_true(saved_next(&saved));
	saved_rest(&saved, &len);
	assert_int_equal(len, 0);
	assert_true(saved_next(&saved));
	assert_false(saved.bad);
}

static void a_full_disk_is_told(void **state)
{
	FILE *out = fopen("/dev/full", "w");
	struct save save;

	(void)state;
	save_init(&save, out);
	assert_int_equal(save_finish(&save), -ENOSPC);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_saved_is_read_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			each_cut_and_each_changed_byte_is_noticed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			something_behind_the_end_is_noticed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_there_makes_all_bad, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_left_of_a_record_makes_all_bad, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_rest_of_a_record_is_given_as_it_is, set_up, tear_down),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
