/* log: what a line looks like in each format, what a peer's text can do to it, and the file. */
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "nakodo/base/json.h"
#include "nakodo/base/log.h"
#include "nakodo/base/meter.h"
#include "scratch.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define TIME "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3}Z"

static char text[65536]; /* what read_log() found */

static int leave(void **state)
{
	log_close();
	return scratch_leave(state);
}

static const char *read_log(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (len < 0) {
		fail_msg("%s: %s", path, strerror(errno));
	}
	close(fd);
	text[len] = '\0';
	return text;
}

/* The one line of a new log in that format. */
static const char *line_of(enum log_format format, const struct log_field *fields, int count)
{
	assert_int_equal(log_open("log", LOG_LEVEL_DEBUG, format), 0);
	log_write(LOG_LEVEL_WARN, "some.event", fields, count);
	log_close();
	read_log("log");
	unlink("log");
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	return text;
}

static void assert_matches(const char *line, const char *pattern)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&regex, line, 0, NULL, 0)) {
		fail_msg("%s is not\n%s", line, pattern);
	}
	regfree(&regex);
}

static const struct log_field plain[] = {LOG_UINT("conn", 7), LOG_STR("address", "192.0.2.1"),
	LOG_STR("why", "it is so"), LOG_STR("nothing", "")};

static void a_text_line_has_time_level_event_and_fields(void **state)
{
	(void)state;
	assert_matches(line_of(LOG_FORMAT_TEXT, plain, COUNT(plain)),
		"^" TIME " warn some\\.event conn=7 address=192\\.0\\.2\\.1 why=\"it is so\" "
		"nothing=\"\"\n$");
}

static void a_json_line_is_one_object(void **state)
{
	(void)state;
	assert_matches(line_of(LOG_FORMAT_JSON, plain, COUNT(plain)),
		"^\\{\"time\":\"" TIME
		"\",\"level\":\"warn\",\"event\":\"some\\.event\",\"conn\":7,"
		"\"address\":\"192\\.0\\.2\\.1\",\"why\":\"it is so\",\"nothing\":\"\"\\}\n$");
}

static void a_journal_line_has_a_priority_and_no_time(void **state)
{
	(void)state;
	assert_string_equal(line_of(LOG_FORMAT_JOURNAL, plain, COUNT(plain)),
		"<4>some.event conn=7 address=192.0.2.1 why=\"it is so\" nothing=\"\"\n");
}

static void each_level_has_its_priority(void **state)
{
	(void)state;
	assert_int_equal(log_open("log", LOG_LEVEL_DEBUG, LOG_FORMAT_JOURNAL), 0);
	log_error("a", LOG_UINT("n", 1));
	log_warn("b", LOG_UINT("n", 2));
	log_info("c", LOG_UINT("n", 3));
	log_debug("d", LOG_UINT("n", 4));
	assert_string_equal(read_log("log"), "<3>a n=1\n<4>b n=2\n<6>c n=3\n<7>d n=4\n");
}

static void what_is_below_the_level_is_not_written(void **state)
{
	(void)state;
	assert_int_equal(log_open("log", LOG_LEVEL_WARN, LOG_FORMAT_JOURNAL), 0);
	log_error("a", LOG_UINT("n", 1));
	log_warn("b", LOG_UINT("n", 2));
	log_info("c", LOG_UINT("n", 3));
	log_debug("d", LOG_UINT("n", 4));
	assert_string_equal(read_log("log"), "<3>a n=1\n<4>b n=2\n");
}

static void a_value_cannot_leave_its_quotes(void **state)
{
	static const struct {
		const char *value, *written;
	} cases[] = {
		{"a\nb", "\"a\\u000ab\""},
		{"a\r\n<3>b", "\"a\\u000d\\u000a<3>b\""},
		{"say \"no\"", "\"say \\\"no\\\"\""},
		{"a\\b", "\"a\\\\b\""},
		{"a=b", "\"a=b\""},
		{"\x1b[2J", "\"\\u001b[2J\""},
		{"\x7f", "\"\\u007f\""},
		{"\xc2\x9b"
		 "2J",
			"\"\\u00c2\\u009b2J\""},
		{"\xff", "\"\\u00ff\""},
		{"\t", "\"\\u0009\""},
	};
	char expected[64];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct log_field field = LOG_STR("key", cases[i].value);

		snprintf(expected, sizeof(expected), "<4>some.event key=%s\n", cases[i].written);
		assert_string_equal(line_of(LOG_FORMAT_JOURNAL, &field, 1), expected);
		assert_matches(line_of(LOG_FORMAT_TEXT, &field, 1), "^" TIME " warn some");
		snprintf(expected, sizeof(expected), "\"key\":%s}\n", cases[i].written);
		assert_non_null(strstr(line_of(LOG_FORMAT_JSON, &field, 1), expected));
	}
}

/* Any value, in any number: the line stays whole, and its last field, which is ours, is there. */
static void long_values_are_cut_and_the_line_stays_whole(void **state)
{
	static const char bytes[] = {'x', ' ', '"', '\\', '\n', '\x7f', '\xff'};
	struct json_member option = {.name = "option"};
	char value[5000];

	(void)state;
	for (size_t i = 0; i < COUNT(bytes); i++) {
		const struct log_field fields[] = {LOG_STR("host", value), LOG_STR("origin", value),
			LOG_STR("subprotocol", value), LOG_STR("path", value),
			LOG_STR("option", "origin")};

		memset(value, bytes[i], sizeof(value) - 1);
		value[sizeof(value) - 1] = '\0';
		assert_matches(line_of(LOG_FORMAT_TEXT, fields, COUNT(fields)),
			" host=\".+\" origin=\".+\" subprotocol=\".+\" path=\".+\" "
			"option=origin\n$");
		line_of(LOG_FORMAT_JSON, fields, COUNT(fields));
		assert_int_equal(json_scan(text, strlen(text), &option, 1), JSON_OK);
		assert_true(json_equals(&option.value, "origin"));
		assert_in_range(strlen(text), 1, 4096); /* what write(2) keeps together in a pipe */
	}
}

static void lines_are_appended_for_nobody_else_to_read(void **state)
{
	struct stat st;

	(void)state;
	umask(0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(log_open("log", LOG_LEVEL_INFO, LOG_FORMAT_JOURNAL), 0);
		log_info("line", LOG_UINT("n", 1));
		log_close();
	}
	assert_string_equal(read_log("log"), "<6>line n=1\n<6>line n=1\n");
	assert_int_equal(stat("log", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void a_file_that_was_moved_is_left_at_reopen(void **state)
{
	(void)state;
	assert_int_equal(log_open("log", LOG_LEVEL_INFO, LOG_FORMAT_JOURNAL), 0);
	log_info("before", LOG_UINT("n", 1));
	assert_int_equal(rename("log", "log.1"), 0);
	log_info("between", LOG_UINT("n", 2));
	assert_int_equal(chdir("/"), 0); /* as the daemon does: the path was relative */
	assert_int_equal(log_reopen(), 0);
	assert_int_equal(chdir(scratch_path()), 0);
	log_info("after", LOG_UINT("n", 3));
	assert_string_equal(read_log("log.1"), "<6>before n=1\n<6>between n=2\n");
	assert_string_equal(read_log("log"), "<6>after n=3\n");
}

static void a_reopen_that_fails_keeps_the_old_file(void **state)
{
	(void)state;
	assert_int_equal(mkdir("sub", 0700), 0);
	assert_int_equal(log_open("sub/log", LOG_LEVEL_INFO, LOG_FORMAT_JOURNAL), 0);
	assert_int_equal(rename("sub", "moved"), 0);
	assert_int_equal(log_reopen(), -ENOENT);
	log_info("still", LOG_UINT("n", 1));
	assert_string_equal(read_log("moved/log"), "<6>still n=1\n");
}

static void an_open_that_fails_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(log_open("log", LOG_LEVEL_INFO, LOG_FORMAT_JOURNAL), 0);
	assert_int_equal(log_open("missing/log", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT), -ENOENT);
	assert_int_equal(log_threshold(), LOG_LEVEL_INFO);
	log_info("still", LOG_UINT("n", 1));
	assert_string_equal(read_log("log"), "<6>still n=1\n");
}

static void stderr_needs_no_reopening(void **state)
{
	(void)state;
	assert_int_equal(log_open("", LOG_LEVEL_INFO, LOG_FORMAT_TEXT), 0);
	assert_int_equal(log_reopen(), 0);
}

static void the_journal_is_known_by_the_stream_it_named(void **state)
{
	char stream[64];
	struct stat st;

	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	unsetenv("JOURNAL_STREAM");
	assert_false(log_is_journal());
	snprintf(stream, sizeof(stream), "%lu:%lu", st.st_dev, st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	assert_true(log_is_journal());
	snprintf(stream, sizeof(stream), "%lu:%lu", st.st_dev, st.st_ino + 1);
	setenv("JOURNAL_STREAM", stream, 1);
	assert_false(log_is_journal());
	setenv("JOURNAL_STREAM", "nonsense", 1);
	assert_false(log_is_journal());
	unsetenv("JOURNAL_STREAM");
}

/* A limit on the size is what a full disk looks like. */
static void limit_size(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void lines_that_did_not_fit_are_told_of_when_one_does(void **state)
{
	uint64_t before = meter_values[METER_LOG_DROPPED];

	(void)state;
	assert_int_equal(log_open("log", LOG_LEVEL_ERROR, LOG_FORMAT_JOURNAL), 0);
	log_error("line", LOG_UINT("n", 1));
	limit_size(strlen("<3>line n=1\n"));
	for (uint64_t i = 2; i < 6; i++) {
		log_error("line", LOG_UINT("n", i));
		log_info("below", LOG_UINT("n", i));
	}
	limit_size(RLIM_INFINITY);
	log_error("line", LOG_UINT("n", 6));
	log_error("line", LOG_UINT("n", 7));
	assert_string_equal(
		read_log("log"), "<3>line n=1\n<4>log.dropped count=4\n<3>line n=6\n<3>line n=7\n");
	assert_int_equal(meter_values[METER_LOG_DROPPED] - before, 4);
}

static void lines_that_did_not_fit_are_told_of_at_the_end(void **state)
{
	(void)state;
	assert_int_equal(log_open("log", LOG_LEVEL_INFO, LOG_FORMAT_JOURNAL), 0);
	limit_size(0);
	log_info("line", LOG_UINT("n", 1));
	limit_size(RLIM_INFINITY);
	log_close();
	assert_string_equal(read_log("log"), "<4>log.dropped count=1\n");
}

static void a_file_that_cannot_be_written_is_told_of_once_on_stderr(void **state)
{
	int kept = dup(STDERR_FILENO);

	(void)state;
	assert_ptr_equal(freopen("stderr", "w", stderr), stderr);
	for (int opened = 0; opened < 2; opened++) {
		assert_int_equal(log_open("/dev/full", LOG_LEVEL_INFO, LOG_FORMAT_TEXT), 0);
		for (uint64_t i = 0; i < 3; i++) {
			log_info("line", LOG_UINT("n", i));
		}
	}
	log_close();
	assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
	close(kept);
	assert_string_equal(read_log("stderr"),
		"nakodo: cannot write log-file `/dev/full`: No space left on device; lines are "
		"left out until it can be written\n"
		"nakodo: cannot write log-file `/dev/full`: No space left on device; lines are "
		"left out until it can be written\n");
}

static void an_error_has_its_text_with_either_sign(void **state)
{
	(void)state;
	assert_string_equal(log_errno_text(-ENOENT), "No such file or directory");
	assert_string_equal(log_errno_text(ENOENT), "No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_text_line_has_time_level_event_and_fields, scratch_enter, leave),
		cmocka_unit_test_setup_teardown(a_json_line_is_one_object, scratch_enter, leave),
		cmocka_unit_test_setup_teardown(
			a_journal_line_has_a_priority_and_no_time, scratch_enter, leave),
		cmocka_unit_test_setup_teardown(each_level_has_its_priority, scratch_enter, leave),
		cmocka_unit_test_setup_teardown(
			what_is_below_the_level_is_not_written, scratch_enter, leave),
		cmocka_unit_test_setup_teardown(
			a_value_cannot_leave_its_quotes, scratch_enter, leave),
		cmocka_unit_test_setup_teardown(
			long_values_are_cut_and_the_line_stays_whole, scratch_enter, leave),
		cmocka_unit_test_setup_teardown(
			lines_are_appended_for_nobody_else_to_read, scratch_enter, leave),
		cmocka_unit_test_setup_teardown(
			a_file_that_was_moved_is_left_at_reopen, scratch_enter, leave),
		cmocka_unit_test_setup_teardown(
			a_reopen_that_fails_keeps_the_old_file, scratch_enter, leave),
		cmocka_unit_test_setup_teardown(
			an_open_that_fails_changes_nothing, scratch_enter, leave),
		cmocka_unit_test_setup_teardown(stderr_needs_no_reopening, scratch_enter, leave),
		cmocka_unit_test_setup_teardown(
			the_journal_is_known_by_the_stream_it_named, scratch_enter, leave),
		cmocka_unit_test_setup_teardown(
			lines_that_did_not_fit_are_told_of_when_one_does, scratch_enter, leave),
		cmocka_unit_test_setup_teardown(
			lines_that_did_not_fit_are_told_of_at_the_end, scratch_enter, leave),
		cmocka_unit_test_setup_teardown(
			a_file_that_cannot_be_written_is_told_of_once_on_stderr, scratch_enter,
			leave),
		cmocka_unit_test_setup_teardown(
			an_error_has_its_text_with_either_sign, scratch_enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
