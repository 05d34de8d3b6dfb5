/*
 * channel: records between the first process and one of its workers, in order and each whole, with
 * descriptors that go along. Both ends are SOCK_SEQPACKET sockets of one pair.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#define CHANNEL_RECORD (160 << 10) /* bytes of a record at most */
#define CHANNEL_QUEUE (4 << 20) /* bytes at most that wait for who does not read */
#define CHANNEL_FDS 65 /* descriptors of a record at most */

struct channel_queued;

/* What came. The descriptors are the taker's; behind them is -1, up to CHANNEL_FDS: those that did
 * not come, since this process may have no more. */
struct channel_record {
	const void *bytes;
	size_t len;
	const int *fds;
	size_t fd_count;
};

struct channel {
	int fd; /* -1: it has ended */
	uv_poll_t poll;
	uv_timer_t again; /* runs while too many descriptors are on their way */
	struct channel_queued *queue; /* what the socket has not taken yet (utlist DL) */
	size_t queued; /* bytes in it */
	void (*take)(void *cookie, const struct channel_record *record);
	void (*ended)(void *cookie); /* the other side is gone; called once */
	void *cookie;
};

/* Before the loop runs: wait for a record. 0, or -errno (-EPIPE: the other side is gone). The
 * record lives until the next one is asked for. */
int channel_wait(int fd, struct channel_record *ret);
/* Take `fd` over, which must not block. `channel` has its callbacks already. 0 or -errno. */
int channel_start(struct channel *channel, uv_loop_t *loop, int fd);
/* Send a record. Its descriptors are taken over, also on failure. What the socket cannot take waits
 * in memory. 0 or -errno: nothing was sent. -ENOBUFS: too much waits already. */
int channel_send(
	struct channel *channel, const void *bytes, size_t len, const int *fds, size_t fd_count);
/* The loop has ended, or does not run yet: wait until the record is sent. The descriptors are taken
 * over. 0 or -errno. */
int channel_send_wait(int fd, const void *bytes, size_t len, const int *fds, size_t fd_count);
/* End it; nothing is told. */
void channel_close(struct channel *channel);
