/* channel: records come whole and in order with their descriptors, and nothing of what was not
 * taken is left over. */
#include "nakodo/net/workers/channel.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define RECORDS 200

struct side {
	struct channel channel;
	size_t taken;
	int ended;
};

static uv_loop_t loop;
static int ends[2];
static struct side near, far;
static unsigned char bytes[CHANNEL_RECORD];

static void count_end(void *cookie)
{
	((struct side *)cookie)->ended++;
}

static void count_record(void *cookie, const struct channel_record *record)
{
	(void)record;
	((struct side *)cookie)->taken++;
}

static int set_up(void **state)
{
	(void)state;
	uv_loop_init(&loop);
	near = far = (struct side){.channel = {.take = count_record, .ended = count_end}};
	near.channel.cookie = &near;
	far.channel.cookie = &far;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
}

static int tear_down(void **state)
{
	(void)state;
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0); /* no handle is left */
	return 0;
}

static void start_both(void)
{
	assert_int_equal(channel_start(&near.channel, &loop, ends[0]), 0);
	assert_int_equal(channel_start(&far.channel, &loop, ends[1]), 0);
}

/* How long record `i` is; the last is as long as one may be. */
static size_t len_of(size_t i)
{
	return i + 1 < RECORDS ? sizeof(i) + i * 7919 % (CHANNEL_RECORD - sizeof(i))
			       : CHANNEL_RECORD;
}

/* How many descriptors it has. */
static size_t fds_of(size_t i)
{
	return i + 1 < RECORDS ? i % 3 : CHANNEL_FDS;
}

static const unsigned char *make(size_t i)
{
	memset(bytes, (int)i, len_of(i));
	memcpy(bytes, &i, sizeof(i));
	return bytes;
}

/* A descriptor from which the two numbers can be read once. */
static int make_fd(size_t i, size_t j)
{
	const size_t numbers[] = {i, j};
	int pair[2];

	assert_int_equal(pipe(pair), 0);
	assert_int_equal(write(pair[1], numbers, sizeof(numbers)), sizeof(numbers));
	close(pair[1]);
	return pair[0];
}

static void check_record(void *cookie, const struct channel_record *record)
{
	struct side *side = cookie;
	size_t i = side->taken++, numbers[2];

	assert_int_equal(record->len, len_of(i));
	assert_memory_equal(record->bytes, make(i), record->len);
	assert_int_equal(record->fd_count, fds_of(i));
	for (size_t j = 0; j < record->fd_count; j++) {
		assert_int_equal(read(record->fds[j], numbers, sizeof(numbers)), sizeof(numbers));
		assert_int_equal(numbers[0], i);
		assert_int_equal(numbers[1], j);
		close(record->fds[j]);
	}
}

static void records_and_descriptors_come_whole_and_in_order_when_the_socket_is_full(void **state)
{
	int fds[CHANNEL_FDS];
	size_t most = 0;

	(void)state;
	far.channel.take = check_record;
	start_both();
	for (size_t i = 0; i < RECORDS; i++) {
		for (size_t j = 0; j < fds_of(i); j++) {
			fds[j] = make_fd(i, j);
		}
		assert_int_equal(
			channel_send(&near.channel, make(i), len_of(i), fds, fds_of(i)), 0);
		most = near.channel.queued > most ? near.channel.queued : most;
		while (near.channel.queued > CHANNEL_QUEUE / 2) {
			uv_run(&loop, UV_RUN_ONCE);
		}
	}
	assert_true(most > CHANNEL_QUEUE / 2);
	while (far.taken < RECORDS) {
		uv_run(&loop, UV_RUN_ONCE);
	}
	assert_int_equal(near.channel.queued, 0);
	channel_close(&near.channel);
	channel_close(&far.channel);
}

static void the_other_sides_end_is_told_once_and_behind_its_last_record(void **state)
{
	int pair[2];
	char byte;

	(void)state;
	start_both();
	assert_int_equal(channel_send(&near.channel, "last", 4, NULL, 0), 0);
	channel_close(&near.channel);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(far.taken, 1);
	assert_int_equal(far.ended, 1);
	assert_int_equal(near.ended, 0); /* it was its own will */
	assert_int_equal(far.channel.fd, -1);
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(channel_send(&far.channel, "late", 4, &pair[1], 1), -EPIPE);
	assert_int_equal(read(pair[0], &byte, 1), 0); /* the descriptor was taken over */
	close(pair[0]);
	channel_close(&far.channel);
}

/* Fill the socket; then one record more with a descriptor, the end of the pipe that is returned. */
static int let_wait(void)
{
	int pair[2];

	while (!near.channel.queued) {
		assert_int_equal(channel_send(&near.channel, bytes, sizeof(bytes), NULL, 0), 0);
	}
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(channel_send(&near.channel, "waits", 5, &pair[1], 1), 0);
	return pair[0];
}

static void no_more_waits_than_it_may(void **state)
{
	int error = 0, count = 0;

	(void)state;
	start_both();
	for (; !error; count++) {
		error = channel_send(&near.channel, bytes, sizeof(bytes), NULL, 0);
	}
	assert_int_equal(error, -ENOBUFS);
	assert_true(near.channel.queued > CHANNEL_QUEUE - sizeof(bytes));
	assert_true(near.channel.queued <= CHANNEL_QUEUE);
	while (near.channel.queued) {
		uv_run(&loop, UV_RUN_ONCE);
	}
	assert_int_equal(channel_send(&near.channel, "more", 4, NULL, 0), 0);
	while (far.taken < (size_t)count) {
		uv_run(&loop, UV_RUN_ONCE);
	}
	channel_close(&near.channel);
	channel_close(&far.channel);
}

static void close_its_descriptor(void *cookie, const struct channel_record *record)
{
	count_record(cookie, record);
	close(record->fds[0]);
}

/* More descriptors than one who is not root may have on their way (unix(7)). */
static void too_many_descriptors_wait_without_keeping_the_loop_awake(void **state)
{
	struct rlimit limit, tight;
	struct pollfd watched;
	size_t count = 0;
	int fd;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &limit);
	tight = (struct rlimit){64, limit.rlim_max};
	setrlimit(RLIMIT_NOFILE, &tight);
	assert_int_equal(seteuid(getuid() ? getuid() : 65534), 0);
	far.channel.take = close_its_descriptor;
	assert_int_equal(channel_start(&near.channel, &loop, ends[0]), 0);
	while (!near.channel.queued) {
		fd = make_fd(count++, 0);
		assert_int_equal(channel_send(&near.channel, "x", 1, &fd, 1), 0);
	}
	watched = (struct pollfd){.fd = uv_backend_fd(&loop), .events = POLLIN};
	uv_run(&loop, UV_RUN_NOWAIT); /* begins to watch what is to be watched */
	assert_int_equal(poll(&watched, 1, 0), 0);
	assert_int_equal(channel_start(&far.channel, &loop, ends[1]), 0);
	while (far.taken < count) {
		uv_run(&loop, UV_RUN_ONCE);
	}
	assert_int_equal(seteuid(getuid()), 0);
	setrlimit(RLIMIT_NOFILE, &limit);
	channel_close(&near.channel);
	channel_close(&far.channel);
}

static void assert_other_end_is_closed(int fd)
{
	struct pollfd state = {.fd = fd};

	assert_int_equal(poll(&state, 1, 0), 1);
	assert_true(state.revents & POLLHUP);
	close(fd);
}

static void what_waits_is_freed_when_it_is_closed(void **state)
{
	int pipe_end;

	(void)state;
	start_both();
	pipe_end = let_wait();
	channel_close(&near.channel);
	assert_int_equal(near.channel.queued, 0);
	assert_other_end_is_closed(pipe_end);
	channel_close(&far.channel);
}

static void what_waits_is_freed_when_the_other_side_ends(void **state)
{
	int pipe_end;

	(void)state;
	assert_int_equal(channel_start(&near.channel, &loop, ends[0]), 0);
	pipe_end = let_wait();
	close(ends[1]);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(near.ended, 1);
	assert_other_end_is_closed(pipe_end);
}

static void a_channel_that_its_taker_closes_takes_no_more(void **state)
{
	(void)state;
	start_both();
	for (int i = 0; i < 3; i++) {
		channel_send(&near.channel, "x", 1, NULL, 0);
	}
	far.channel.take = count_record;
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(far.taken, 3);
	channel_send(&near.channel, "x", 1, NULL, 0);
	channel_close(&far.channel);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(far.taken, 3);
	assert_int_equal(far.ended, 0);
	assert_int_equal(near.ended, 1);
}

static void what_comes_without_its_descriptors_has_minus_one_for_them(void **state)
{
	struct channel_record record;
	struct rlimit limit, tight;
	int fd = make_fd(1, 2);

	(void)state;
	assert_int_equal(channel_send_wait(ends[0], "first", 5, &fd, 1), 0);
	fd = make_fd(3, 4);
	assert_int_equal(channel_send_wait(ends[0], "second", 6, &fd, 1), 0);
	assert_int_equal(channel_wait(ends[1], &record), 0);
	assert_int_equal(record.fd_count, 1);
	fd = record.fds[0];
	getrlimit(RLIMIT_NOFILE, &limit);
	tight = (struct rlimit){1, limit.rlim_max}; /* poll(2) wants one */
	setrlimit(RLIMIT_NOFILE, &tight);
	assert_int_equal(channel_wait(ends[1], &record), 0);
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_int_equal(record.len, 6);
	assert_int_equal(record.fd_count, 0);
	assert_int_equal(record.fds[0], -1);
	close(fd);
	close(ends[0]);
	close(ends[1]);
}

static void without_a_loop_a_record_and_the_end_are_waited_for(void **state)
{
	struct channel_record record;
	int fd = make_fd(1, 2);

	(void)state;
	assert_int_equal(channel_send_wait(ends[0], "early", 5, &fd, 1), 0);
	close(ends[0]);
	assert_int_equal(channel_wait(ends[1], &record), 0);
	assert_int_equal(record.len, 5);
	assert_memory_equal(record.bytes, "early", 5);
	assert_int_equal(record.fd_count, 1);
	close(record.fds[0]);
	assert_int_equal(channel_wait(ends[1], &record), -EPIPE);
	assert_int_equal(channel_send_wait(ends[1], "late", 4, NULL, 0), -EPIPE);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			records_and_descriptors_come_whole_and_in_order_when_the_socket_is_full,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_other_sides_end_is_told_once_and_behind_its_last_record, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(no_more_waits_than_it_may, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			too_many_descriptors_wait_without_keeping_the_loop_awake, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			what_waits_is_freed_when_it_is_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_waits_is_freed_when_the_other_side_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_channel_that_its_taker_closes_takes_no_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_comes_without_its_descriptors_has_minus_one_for_them, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			without_a_loop_a_record_and_the_end_are_waited_for, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
