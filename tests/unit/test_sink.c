/* sink: it never waits, never changes what it was given, and never puts a line inside another. */
#include "nakodo/base/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"

#define LINE 1000 /* bytes: no divisor of a page or of what a file is limited to */
#define MOST 1000000 /* lines, far more than anything here takes */

static int enter(void **state)
{
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	return scratch_enter(state);
}

static int write_numbered(struct sink *sink, size_t number)
{
	char line[LINE + 1];

	snprintf(line, sizeof(line), "%0*zu\n", LINE - 1, number);
	return sink_write(sink, line, LINE);
}

/* Write lines 0, 1, … until one is refused; how many were not. */
static size_t fill(struct sink *sink, int *ret_error)
{
	size_t count = 0;

	while (count < MOST && !(*ret_error = write_numbered(sink, count))) {
		count++;
	}
	return count;
}

/* The next whole line must be that one. */
static void assert_next(FILE *in, size_t number)
{
	char line[LINE + 2];

	assert_non_null(fgets(line, sizeof(line), in));
	assert_int_equal(strlen(line), LINE);
	assert_int_equal(strtoul(line, NULL, 10), number);
}

/* Fill it, read half, and write again: what can be read are whole lines, in order. */
static void assert_lines_stay_whole(struct sink *sink, int reader)
{
	FILE *in = fdopen(reader, "r");
	int error;
	size_t count = fill(sink, &error);

	assert_non_null(in);
	setvbuf(in, NULL, _IONBF, 0);
	assert_int_equal(error, -EAGAIN);
	assert_in_range(count, 8, MOST - 1);
	for (size_t i = 0; i < count - 1; i++) {
		assert_next(in, i);
	}
	assert_int_equal(write_numbered(sink, 7777), 0);
	assert_true(sink_finish(sink));
	assert_next(in, count - 1);
	assert_next(in, 7777);
	fclose(in);
}

static void a_pipe_that_nobody_reads_refuses_at_once(void **state)
{
	struct sink sink;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	sink_init(&sink, ends[1]);
	assert_lines_stay_whole(&sink, ends[0]);
	close(ends[1]);
}

static void a_pipe_that_is_not_ours_to_open_anew_does_so_too(void **state)
{
	struct sink sink = {.way = SINK_POLL};
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	sink.fd = ends[1];
	assert_lines_stay_whole(&sink, ends[0]);
	close(ends[1]);
}

static void a_socket_does_so_too(void **state)
{
	struct sink sink;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	sink_init(&sink, ends[1]);
	assert_lines_stay_whole(&sink, ends[0]);
	close(ends[1]);
}

static void a_terminal_does_so_too(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), terminal, error;
	struct sink sink;

	(void)state;
	assert_true(master >= 0);
	assert_int_equal(grantpt(master) || unlockpt(master), 0);
	terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(terminal >= 0);
	sink_init(&sink, terminal);
	assert_in_range(fill(&sink, &error), 1, MOST - 1);
	assert_int_equal(error, -EAGAIN);
	sink_finish(&sink);
	close(terminal);
	close(master);
}

static void what_was_inherited_stays_as_it_was(void **state)
{
	struct sink sink;
	int ends[2], error;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	sink_init(&sink, ends[1]);
	fill(&sink, &error);
	assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	sink_finish(&sink);
	assert_int_not_equal(fcntl(ends[1], F_GETFL), -1); /* still open */
	close(ends[0]);
	close(ends[1]);
}

static void who_has_no_reader_any_more_is_refused(void **state)
{
	struct sink sink;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	sink_init(&sink, ends[1]);
	assert_int_equal(write_numbered(&sink, 1), -EPIPE);
	close(ends[1]);
	sink_finish(&sink);
	sink_init(&sink, ends[1]);
	assert_int_equal(write_numbered(&sink, 1), -EBADF);
	/* Another file with its number is none of the sink's business. */
	assert_int_equal(open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), ends[0]);
	assert_int_equal(dup2(ends[0], ends[1]), ends[1]);
	assert_int_equal(write_numbered(&sink, 1), -EBADF);
	close(ends[0]);
	close(ends[1]);
}

/* A limit on the size is what a full disk looks like: a short write, then an error. */
static void limit_size(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_cuts_no_line(void **state)
{
	struct sink sink;
	FILE *in;
	int error;

	(void)state;
	assert_int_equal(sink_open(&sink, "file"), 0);
	limit_size(LINE * 5 / 2);
	assert_int_equal(fill(&sink, &error), 3);
	assert_int_equal(error, -EFBIG);
	limit_size(RLIM_INFINITY);
	assert_int_equal(write_numbered(&sink, 9), 0);
	assert_true(sink_finish(&sink));
	in = fopen("file", "re");
	assert_non_null(in);
	for (size_t i = 0; i < 3; i++) {
		assert_next(in, i);
	}
	assert_next(in, 9);
	assert_int_equal(fgetc(in), EOF);
	fclose(in);
}

static void half_a_line_is_told_of_at_the_end(void **state)
{
	struct sink sink;

	(void)state;
	assert_int_equal(sink_open(&sink, "file"), 0);
	limit_size(LINE / 2);
	assert_int_equal(write_numbered(&sink, 1), 0);
	assert_false(sink_finish(&sink));
	limit_size(RLIM_INFINITY);
}

static void opening_never_waits(void **state)
{
	struct sink sink;

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(sink_open(&sink, "fifo"), -ENXIO);
	assert_int_equal(sink_open(&sink, scratch_path()), -EISDIR);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, enter, scratch_leave)
	const struct CMUnitTest tests[] = {
		test(a_pipe_that_nobody_reads_refuses_at_once),
		test(a_pipe_that_is_not_ours_to_open_anew_does_so_too),
		test(a_socket_does_so_too),
		test(a_terminal_does_so_too),
		test(what_was_inherited_stays_as_it_was),
		test(who_has_no_reader_any_more_is_refused),
		test(a_full_disk_cuts_no_line),
		test(half_a_line_is_told_of_at_the_end),
		test(opening_never_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
