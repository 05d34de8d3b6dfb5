/* spawn: see the header. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nakodo/base/options.h"
#include "nakodo/net/workers/channel.h"
#include "nakodo/net/workers/workers.h"

#define NUMBERS 7 /* as worker_read() has them */

/* What is on the disk may be other ones, not taken yet. */
int spawn_snapshot(const struct options *options)
{
	int fd = memfd_create("nakodo.options", MFD_CLOEXEC), copy;
	FILE *out;

	if (fd < 0) {
		return -errno;
	}
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	out = copy < 0 ? NULL : fdopen(copy, "w");
	if (!out) {
		close(fd);
		return -ENOMEM;
	}
	options_print_config(options, out);
	if (fclose(out)) {
		close(fd);
		return -EIO;
	}
	return fd;
}

/* Those that the first process is told, and which may be sent to all of them. */
static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

#define SIGNALS (sizeof(signals) / sizeof(*signals))

/* Until it is another program, the new process has the handlers of libuv, which write to a pipe
 * that is the first one's; and as one it would end by these signals before it says that it ignores
 * them. */
static pid_t fork_quietly(void)
{
	sigset_t quiet, before;
	pid_t pid;

	sigemptyset(&quiet);
	for (size_t i = 0; i < SIGNALS; i++) {
		sigaddset(&quiet, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &quiet, &before);
	pid = fork();
	for (size_t i = 0; i < SIGNALS && !pid; i++) {
		signal(signals[i], SIG_IGN); /* which stays so in the other program */
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

/* In the new process. */
static void become(const struct workers *workers, size_t index, int channel, int snapshot)
{
	const struct options *options = workers->options;
	char numbers[NUMBERS][16];
	const int values[NUMBERS] = {channel, workers->board, snapshot, (int)index,
		(int)workers->count, workers->keeps, (int)workers->most_peers};
	const char **argv = calloc((size_t)options->argc + NUMBERS + 3, sizeof(*argv));
	sigset_t none;
	int argc = 0;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!argv || fchdir(workers->home)) {
		_exit(EXIT_FAILURE);
	}
	argv[argc++] = options->argv[0];
	argv[argc++] = "worker";
	for (int i = 0; i < NUMBERS; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "%d", values[i]);
		argv[argc++] = numbers[i];
	}
	for (int i = 1; i < options->argc; i++) {
		argv[argc++] = options->argv[i];
	}
	fcntl(channel, F_SETFD, 0);
	fcntl(workers->board, F_SETFD, 0);
	fcntl(snapshot, F_SETFD, 0);
	execv("/proc/self/exe", (char *const *)argv);
	_exit(EXIT_FAILURE);
}

int spawn_worker(const struct workers *workers, size_t index, pid_t *ret_pid)
{
	int ends[2], room = 2 * CHANNEL_RECORD, snapshot = spawn_snapshot(workers->options),
		     error = 0;
	pid_t pid;

	if (snapshot < 0) {
		return snapshot;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends)) {
		error = -errno;
		close(snapshot);
		return error;
	}
	/* A record goes as a whole, and the largest is larger than what some systems allow by
	 * default. */
	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	pid = fork_quietly();
	if (!pid) {
		become(workers, index, ends[1], snapshot);
	}
	error = pid < 0 ? -errno : 0;
	close(ends[1]);
	close(snapshot);
	if (error) {
		close(ends[0]);
		return error;
	}
	*ret_pid = pid;
	return ends[0];
}
