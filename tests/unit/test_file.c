/* file: what is no file keeps nobody waiting, and a path stays good when the directory is left. */
#include "nakodo/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"

static void a_file_is_opened(void **state)
{
	FILE *file;

	(void)state;
	scratch_write("file", "x", 1, 0600);
	file = file_open(AT_FDCWD, "file");
	assert_non_null(file);
	assert_int_equal(fgetc(file), 'x');
	fclose(file);
}

static void a_file_is_read_whole_or_not_at_all(void **state)
{
	size_t len;
	mode_t mode;
	char *text;

	(void)state;
	scratch_write("file", "a\0b", 3, 0640);
	text = file_read("file", 3, &len, &mode);
	assert_non_null(text);
	assert_int_equal(len, 3);
	assert_memory_equal(text, "a\0b", 4);
	assert_int_equal(mode & 07777, 0640);
	free(text);
	assert_null(file_read("file", 2, &len, &mode));
	assert_int_equal(errno, EFBIG);
	assert_null(file_read("none", 2, &len, &mode));
	assert_int_equal(errno, ENOENT);
}

static void what_is_no_file_is_refused_at_once(void **state)
{
	static const struct {
		const char *path;
		int error;
	} cases[] = {{"fifo", ENOTSUP}, {".", EISDIR}, {"/dev/zero", ENOTSUP}, {"none", ENOENT}};

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_null(file_open(AT_FDCWD, cases[i].path));
		assert_int_equal(errno, cases[i].error);
	}
	assert_string_equal(file_error_text(ENOTSUP), "it is no regular file");
	assert_string_equal(file_error_text(ENOENT), "No such file or directory");
}

static void a_relative_path_stays_good_when_the_directory_is_left(void **state)
{
	char *path = file_absolute("file"), *same = file_absolute("/a/b");
	char *resolved = realpath(".", NULL), expected[PATH_MAX];

	(void)state;
	snprintf(expected, sizeof(expected), "%s/file", resolved);
	assert_string_equal(path, expected);
	assert_string_equal(same, "/a/b");
	free(path);
	free(same);
	free(resolved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_opened, scratch_enter, scratch_leave),
		cmocka_unit_test_setup_teardown(
			a_file_is_read_whole_or_not_at_all, scratch_enter, scratch_leave),
		cmocka_unit_test_setup_teardown(
			what_is_no_file_is_refused_at_once, scratch_enter, scratch_leave),
		cmocka_unit_test_setup_teardown(
			a_relative_path_stays_good_when_the_directory_is_left, scratch_enter,
			scratch_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
