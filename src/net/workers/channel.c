/* channel: owns its socket and what waits for it. */
#include "nakodo/net/workers/channel.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#define PER_TURN 64 /* records that are taken in a turn */
#define CROWDED                                                                                    \
	5 /* ms until it is tried again to send a descriptor, while too many are under way */

struct channel_queued {
	struct channel_queued *prev, *next;
	int fds[CHANNEL_FDS];
	size_t fd_count, len;
	unsigned char bytes[];
};

union control {
	struct cmsghdr head; /* for its alignment */
	char bytes[CMSG_SPACE(sizeof(int) * CHANNEL_FDS)];
};

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		close(fds[i]);
	}
}

/* 0, or -errno. -EAGAIN: the socket is full. -ETOOMANYREFS: more descriptors are on their way than
 * this process may have open (unix(7)), which no event ends. */
static int put(int fd, const void *bytes, size_t len, const int *fds, size_t fd_count)
{
	struct iovec part = {(void *)bytes, len};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	union control control = {0};

	if (fd_count) {
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(&control.head), fds, sizeof(int) * fd_count);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
	}
	while (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno != EINTR) {
			return errno == ENOBUFS ? -EAGAIN : -errno;
		}
	}
	return 0;
}

/* 1: a record; 0: none now; -errno. */
static int get(int fd, int flags, struct channel_record *ret)
{
	static _Alignas(max_align_t) unsigned char bytes[CHANNEL_RECORD];
	static int fds[CHANNEL_FDS];
	struct iovec part = {bytes, sizeof(bytes)};
	union control control = {0};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t len = recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
	struct cmsghdr *head;

	if (len < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	if (!len) {
		return -EPIPE;
	}
	memset(fds, -1, sizeof(fds)); /* what there was no descriptor left for */
	*ret = (struct channel_record){.bytes = bytes, .len = (size_t)len, .fds = fds};
	head = CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_type == SCM_RIGHTS) {
		ret->fd_count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(head), ret->fd_count * sizeof(int));
	}
	return 1;
}

int channel_wait(int fd, struct channel_record *ret)
{
	struct pollfd state = {.fd = fd, .events = POLLIN};
	int got;

	do {
		if (poll(&state, 1, -1) < 0 && errno != EINTR) {
			return -errno;
		}
		got = get(fd, MSG_DONTWAIT, ret);
	} while (!got);
	return got < 0 ? got : 0;
}

static void drop_queue(struct channel *channel)
{
	struct channel_queued *queued, *next;

	DL_FOREACH_SAFE (channel->queue, queued, next) {
		close_all(queued->fds, queued->fd_count);
		free(queued);
	}
	channel->queue = NULL;
	channel->queued = 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct channel *channel = handle->data;

	close(channel->fd);
	channel->fd = -1;
	if (channel->ended) {
		channel->ended(channel->cookie);
	}
}

static void end(struct channel *channel)
{
	if (!uv_is_closing((uv_handle_t *)&channel->poll)) {
		drop_queue(channel);
		uv_close((uv_handle_t *)&channel->again, NULL);
		uv_close((uv_handle_t *)&channel->poll, on_closed);
	}
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void watch(struct channel *channel)
{
	bool waits = channel->queue && !uv_is_active((uv_handle_t *)&channel->again);

	uv_poll_start(&channel->poll, UV_READABLE | (waits ? UV_WRITABLE : 0), on_ready);
}

static void on_again(uv_timer_t *again);

static bool is_full(struct channel *channel, int error)
{
	if (error == -ETOOMANYREFS) {
		uv_timer_start(&channel->again, on_again, CROWDED, 0);
	}
	return error == -EAGAIN || error == -ETOOMANYREFS;
}

static void write_on(struct channel *channel)
{
	while (channel->queue) {
		struct channel_queued *first = channel->queue;
		int error = put(channel->fd, first->bytes, first->len, first->fds, first->fd_count);

		if (is_full(channel, error)) {
			break;
		}
		if (error) {
			end(channel);
			return;
		}
		DL_DELETE(channel->queue, first);
		channel->queued -= first->len;
		close_all(first->fds, first->fd_count);
		free(first);
	}
	watch(channel);
}

static void on_again(uv_timer_t *again)
{
	write_on(again->data);
}

static void read_rest(struct channel *channel);

static void read_on(struct channel *channel)
{
	for (int i = 0; i < PER_TURN; i++) {
		struct channel_record record;
		int got = get(channel->fd, MSG_DONTWAIT, &record);

		if (got < 0) {
			read_rest(channel);
		}
		if (got <= 0) {
			return;
		}
		channel->take(channel->cookie, &record);
		if (uv_is_closing((uv_handle_t *)&channel->poll)) {
			return;
		}
	}
}

/* The other side has gone, perhaps without having read what we said last: the kernel tells of that
 * first, and what it said itself is still there. */
static void read_rest(struct channel *channel)
{
	struct channel_record record;
	bool told = false;
	int got;

	do {
		got = get(channel->fd, MSG_DONTWAIT, &record);
		if (got > 0) {
			channel->take(channel->cookie, &record);
		} else if (got == -ECONNRESET && !told) {
			told = true;
			got = 1;
		}
	} while (got > 0 && !uv_is_closing((uv_handle_t *)&channel->poll));
	end(channel);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct channel *channel = poll->data;

	if (status < 0) {
		read_rest(channel);
		return;
	}
	if (events & UV_READABLE) {
		read_on(channel);
	}
	if (!uv_is_closing((uv_handle_t *)poll) && (events & UV_WRITABLE)) {
		write_on(channel);
	}
}

int channel_start(struct channel *channel, uv_loop_t *loop, int fd)
{
	int error = uv_poll_init(loop, &channel->poll, fd);

	if (error) {
		close(fd);
		channel->fd = -1;
		return error;
	}
	channel->fd = fd;
	channel->poll.data = channel->again.data = channel;
	uv_timer_init(loop, &channel->again);
	watch(channel);
	return 0;
}

static int wait_in_queue(
	struct channel *channel, const void *bytes, size_t len, const int *fds, size_t fd_count)
{
	struct channel_queued *queued;

	if (channel->queued + len > CHANNEL_QUEUE) {
		return -ENOBUFS;
	}
	queued = malloc(sizeof(*queued) + len);
	if (!queued) {
		return -ENOMEM;
	}
	queued->len = len;
	queued->fd_count = fd_count;
	memcpy(queued->bytes, bytes, len);
	for (size_t i = 0; i < fd_count; i++) {
		queued->fds[i] = fds[i];
	}
	DL_APPEND(channel->queue, queued);
	channel->queued += len;
	watch(channel);
	return 0;
}

int channel_send(
	struct channel *channel, const void *bytes, size_t len, const int *fds, size_t fd_count)
{
	bool open = channel->fd >= 0 && !uv_is_closing((uv_handle_t *)&channel->poll);
	int error = open ? channel->queue ? -EAGAIN : put(channel->fd, bytes, len, fds, fd_count)
			 : -EPIPE;

	if (is_full(channel, error)) {
		error = wait_in_queue(channel, bytes, len, fds, fd_count);
		if (!error) {
			return 0;
		}
	}
	close_all(fds, fd_count);
	return error;
}

int channel_send_wait(int fd, const void *bytes, size_t len, const int *fds, size_t fd_count)
{
	struct pollfd state = {.fd = fd, .events = POLLOUT};
	int error;

	for (;;) {
		error = put(fd, bytes, len, fds, fd_count);
		if (error == -EAGAIN) {
			poll(&state, 1, -1);
		} else if (error == -ETOOMANYREFS) {
			poll(NULL, 0, CROWDED);
		} else {
			break;
		}
	}
	close_all(fds, fd_count);
	return error;
}

void channel_close(struct channel *channel)
{
	channel->ended = NULL;
	if (channel->fd >= 0) {
		end(channel);
	}
}
