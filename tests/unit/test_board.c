/* board: what two processes count is summed, and what one that has ended leaves is right. */
#include "nakodo/base/board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define BUSY 50000000 /* ns of processor time */

static int fd;
static uint64_t own[METER_COUNT]; /* what this process counts before it joins */

static int set_up(void **state)
{
	(void)state;
	fd = board_create(2);
	assert_true(fd >= 0);
	memset(own, 0, sizeof(own));
	meter_values = own;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(fd);
	return 0;
}

/* Let another process have row 1, and do that; what comes back is what it gives. Its process is
 * not waited for. */
static pid_t run_other(uint64_t (*act)(void), uint64_t *ret)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		uint64_t value = board_join(fd, 2, 1) ? 0 : act();

		_exit(write(ends[1], &value, sizeof(value)) != sizeof(value));
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], ret, sizeof(*ret)), sizeof(*ret));
	close(ends[0]);
	return pid;
}

static uint64_t count(void)
{
	meter_add(METER_ACCEPTED, 3);
	meter_set(METER_PEERS, 5);
	histogram_values[0].counts[0] += 2;
	histogram_values[0].sum += 20;
	return board_sum(METER_ACCEPTED);
}

static void what_each_counts_is_summed_for_both(void **state)
{
	uint64_t theirs;

	(void)state;
	meter_add(METER_ACCEPTED, 4); /* before it joins */
	assert_int_equal(board_join(fd, 2, 0), 0);
	assert_int_equal(board_sum(METER_ACCEPTED), 4);
	meter_values = (uint64_t[METER_COUNT]){0}; /* as after an exec */
	waitpid(run_other(count, &theirs), NULL, 0);
	assert_int_equal(theirs, 7);
	assert_int_equal(board_sum(METER_ACCEPTED), 7);
	assert_int_equal(board_sum(METER_PEERS), 5);
	assert_int_equal(board_histogram(0).counts[0], 2);
	assert_int_equal(board_histogram(0).sum, 20);
}

static void of_one_that_has_ended_the_counters_stay_and_the_gauges_go(void **state)
{
	uint64_t theirs;

	(void)state;
	waitpid(run_other(count, &theirs), NULL, 0);
	assert_int_equal(board_join(fd, 2, 0), 0);
	meter_set(METER_PEERS, 1);
	assert_int_equal(board_sum(METER_PEERS), 6);
	board_leave(1);
	assert_int_equal(board_sum(METER_PEERS), 1);
	assert_int_equal(board_sum(METER_ACCEPTED), 3);
	assert_int_equal(board_histogram(0).counts[0], 2);
}

static uint64_t queue(void)
{
	meter_add(METER_MESSAGES_QUEUED, 10);
	meter_add(METER_MESSAGES_OUT, 4);
	meter_add(METER_MESSAGES_DROPPED, 1);
	return 1;
}

static void what_waited_in_the_queues_of_one_that_has_ended_is_dropped(void **state)
{
	uint64_t theirs;

	(void)state;
	waitpid(run_other(queue, &theirs), NULL, 0);
	assert_int_equal(board_join(fd, 2, 0), 0);
	board_leave(1);
	assert_int_equal(board_sum(METER_MESSAGES_QUEUED), 10);
	assert_int_equal(board_sum(METER_MESSAGES_OUT), 4);
	assert_int_equal(board_sum(METER_MESSAGES_DROPPED), 6);
}

static void who_has_the_row_next_counts_on(void **state)
{
	uint64_t theirs;

	(void)state;
	waitpid(run_other(count, &theirs), NULL, 0);
	waitpid(run_other(count, &theirs), NULL, 0);
	assert_int_equal(theirs, 6);
}

static uint64_t spend(void)
{
	struct timespec now;

	do {
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	} while (!now.tv_sec && now.tv_nsec < BUSY);
	return 1;
}

static void the_processor_time_of_one_that_has_ended_stays(void **state)
{
	uint64_t theirs;
	siginfo_t info;
	pid_t pid;

	(void)state;
	pid = run_other(spend, &theirs);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(board_join(fd, 2, 0), 0);
	board_leave(1);
	waitpid(pid, NULL, 0);
	assert_true(board_processor_time() >= BUSY);
}

static uint64_t hash(void)
{
	return board_hash("a\0b", 3);
}

static void a_hash_is_the_same_in_all_and_another_on_another_board(void **state)
{
	uint64_t theirs;
	int other = board_create(1);

	(void)state;
	waitpid(run_other(hash, &theirs), NULL, 0);
	assert_int_equal(board_join(fd, 2, 0), 0);
	assert_int_equal(hash(), theirs);
	assert_int_not_equal(board_hash("a\0c", 3), theirs);
	assert_int_equal(board_join(other, 1, 0), 0);
	assert_int_not_equal(hash(), theirs);
	close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_each_counts_is_summed_for_both, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			of_one_that_has_ended_the_counters_stay_and_the_gauges_go, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			what_waited_in_the_queues_of_one_that_has_ended_is_dropped, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(who_has_the_row_next_counts_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_processor_time_of_one_that_has_ended_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_hash_is_the_same_in_all_and_another_on_another_board, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
