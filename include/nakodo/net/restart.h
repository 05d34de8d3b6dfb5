/*
 * restart: what one process leaves for the next: the sessions of its dialects (dialect.save), in
 * systemd's store of descriptors as a sealed memfd, or in a file in state-dir. They lie there until
 * the next process has read them, which is the last that it does before it is ready: one which
 * fails to start costs nothing. One that ends while it reads them costs them, so that the one after
 * it does start: the file is kept in state-dir under another name, until a later one is taken over.
 *
 * Of several processes a worker that ends while it reads them, or cannot use them, costs those of
 * its rooms, and the file is kept in that way at once. A daemon that ends before each worker has
 * begun to read them, and none has ended meanwhile, leaves them as they were.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct dialect_table;
struct notify;
struct options;
struct problem;

struct restart {
	int directory; /* state-dir; -1: none */
	bool store; /* systemd may have one: there is no state-dir, but systemd is there */
	bool elsewhere; /* the first of several processes keeps them */
	/* Of the first of several processes, between restart_find() and restart_settle() or
	 * restart_undo(). */
	const char *name; /* what lies in state-dir */
	bool found; /* something lies there, */
	bool well; /* and nothing is wrong with it */
	uint64_t elapsed; /* ms old; 0: nothing of use */
};

/* What is to be left: what the dialects have, or what other processes have made of theirs. */
struct restart_source {
	const struct dialect_table *dialects; /* NULL: none */
	const int *fds; /* of restart_make() */
	size_t fd_count;
};

/* Could sessions be kept where the options say? Nothing is made. 0, or -EINVAL with a sentence. */
int restart_check(const struct options *options, struct problem *problem);
/* Find out where sessions are kept; state-dir is made if it is missing. 0, or -EINVAL with a
 * sentence. restart_finish() in either case. */
int restart_init(struct restart *restart, const struct options *options, struct problem *problem);
/* Will sessions go on after a restart? */
bool restart_keeps(const struct restart *restart);
/* Take over what the process before has left, if it is at most so many bytes. What cannot be used
 * is one warning in the log. It is gone then: nothing must fail any more. This waits up to some
 * seconds for systemd if that has kept something, and brings the loop's time up to now. */
void restart_take_over(const struct restart *restart, struct dialect_table *dialects,
	struct notify *notify, uv_loop_t *loop, uint64_t most);
/* No peer is left: leave what the next process needs. This waits up to some seconds for systemd. */
void restart_leave(const struct restart *restart, const struct restart_source *source);

/* Several processes: the first one finds what was left (a descriptor, or -1), each of its workers
 * takes over what is its own of a copy of that descriptor, which it closes (false: it could not,
 * which is told), and when all have, nothing of it is needed any more; `well`: all of them could.
 */
int restart_find(struct restart *restart, uint64_t most);
bool restart_take(int fd, struct dialect_table *dialects, uint64_t most);
void restart_settle(struct restart *restart, struct notify *notify, bool well);
/* Instead, when the loop has ended: the next process shall find it as it was; `fd` is that of
 * restart_find(), and stays the caller's. After restart_settle() nothing happens. */
void restart_undo(struct restart *restart, int fd);
/* What a worker leaves, for the first process: a descriptor, or -errno. */
int restart_make(const struct restart_source *source);
void restart_finish(struct restart *restart);
