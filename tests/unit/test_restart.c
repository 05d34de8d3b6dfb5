/* What several processes leave becomes one whole for the next. */
#include "nakodo/net/restart.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "nakodo/base/saved.h"
#include "scratch.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define FILE_NAME "nakodo.sessions"

/* Like what a worker with so many sessions leaves. */
static int leave(uint64_t sessions, bool torn)
{
	int fd = memfd_create("left", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	FILE *out = fdopen(fcntl(fd, F_DUPFD_CLOEXEC, 0), "w");
	struct stat st;
	struct save save;

	save_init(&save, out);
	save_begin(&save, SAVE_TIME);
	save_number(&save, 1);
	save_number(&save, 1);
	save_end(&save);
	for (uint64_t i = 0; i < sessions; i++) {
		save_begin(&save, SAVE_SEAT);
		save_number(&save, i);
		save_end(&save);
	}
	assert_int_equal(save_finish(&save), 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(ftruncate(fd, st.st_size - torn), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, SEALS), 0);
	return fd;
}

/* The sessions in the file. */
static size_t count_left(void)
{
	int fd = open(FILE_NAME, O_RDONLY | O_CLOEXEC);
	struct saved saved;
	struct stat st;
	void *bytes;
	size_t count = 0;

	if (fd < 0) {
		return 0;
	}
	assert_int_equal(fstat(fd, &st), 0);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_int_equal(saved_open(&saved, bytes, (size_t)st.st_size), 0);
	for (; saved_next(&saved); saved_skip(&saved)) {
		count += saved.kind == SAVE_SEAT;
	}
	munmap(bytes, (size_t)st.st_size);
	close(fd);
	return count;
}

static void leave_all(const int *fds, size_t count)
{
	const struct restart restart = {.directory = open(".", O_RDONLY | O_CLOEXEC)};
	const struct restart_source source = {.fds = fds, .fd_count = count};

	restart_leave(&restart, &source);
	close(restart.directory);
	for (size_t i = 0; i < count; i++) {
		close(fds[i]);
	}
}

static void what_several_leave_is_one(void **state)
{
	const int fds[] = {leave(2, false), leave(0, false), leave(3, false)};

	(void)state;
	leave_all(fds, 3);
	assert_int_equal(count_left(), 5);
}

static void what_is_of_no_use_costs_the_others_nothing(void **state)
{
	const int fds[] = {leave(2, false), leave(4, true), leave(3, false)};

	(void)state;
	leave_all(fds, 3);
	assert_int_equal(count_left(), 5);
}

static void without_sessions_nothing_lies_there(void **state)
{
	const int fds[] = {leave(0, false), leave(4, true)};

	(void)state;
	leave_all(fds, 2);
	assert_int_equal(access(FILE_NAME, F_OK), -1);
}

static void what_was_found_and_not_taken_lies_there_again(void **state)
{
	const int fds[] = {leave(2, false)};
	struct restart restart = {.directory = open(".", O_RDONLY | O_CLOEXEC)};
	int fd;

	(void)state;
	leave_all(fds, 1);
	fd = restart_find(&restart, UINT64_MAX);
	assert_true(fd >= 0);
	assert_int_equal(count_left(), 0);
	restart_undo(&restart, fd);
	close(fd);
	assert_int_equal(count_left(), 2);
	restart_finish(&restart);
}

static void what_was_left_meanwhile_is_not_replaced_by_it(void **state)
{
	const int before[] = {leave(2, false)}, after[] = {leave(3, false)};
	struct restart restart = {.directory = open(".", O_RDONLY | O_CLOEXEC)};
	int fd;

	(void)state;
	leave_all(before, 1);
	fd = restart_find(&restart, UINT64_MAX);
	leave_all(after, 1);
	restart_undo(&restart, fd);
	close(fd);
	assert_int_equal(count_left(), 3);
	restart_finish(&restart);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_several_leave_is_one),
		TEST(what_is_of_no_use_costs_the_others_nothing),
		TEST(without_sessions_nothing_lies_there),
		TEST(what_was_found_and_not_taken_lies_there_again),
		TEST(what_was_left_meanwhile_is_not_replaced_by_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
