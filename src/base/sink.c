/*
 * sink: see the header.
 *
 * O_NONBLOCK belongs to the open file description, which we share with whoever gave us standard
 * output and standard error: set there, a shell or the other programs of its pipeline would
 * suddenly fail to write. So it is only ever set on a description of our own; where we cannot have
 * one, we ask before each write.
 */
#include "nakodo/base/sink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPEND (O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)

/* The same pipe or terminal under a description of our own. Not possible without /proc, or when it
 * was another user's before we changed ours. */
static int reopen(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, APPEND);
}

void sink_init(struct sink *sink, int fd)
{
	struct stat st;
	int own;

	*sink = (struct sink){.fd = fd, .way = SINK_WRITE};
	if (fstat(fd, &st)) {
		sink->fd = -1; /* it was closed; the next file or socket may get its number */
	} else if (S_ISSOCK(st.st_mode)) {
		sink->way = SINK_SEND;
	} else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		/* Not a file: a description of our own would begin at its start. */
		own = reopen(fd);
		sink->fd = own < 0 ? fd : own;
		sink->own = own >= 0;
		sink->way = own < 0 ? SINK_POLL : SINK_WRITE;
	}
}

int sink_open(struct sink *sink, const char *path)
{
	int fd = open(path, APPEND | O_CREAT, 0640);

	if (fd < 0) {
		return -errno;
	}
	*sink = (struct sink){.fd = fd, .own = true, .way = SINK_WRITE};
	return 0;
}

/* How much was taken, at least one byte, or -errno. */
static ssize_t put(const struct sink *sink, const char *bytes, size_t len)
{
	struct pollfd ready = {.fd = sink->fd, .events = POLLOUT};
	ssize_t done;

	/* A pipe with room takes a line; only if somebody else fills it at this very moment does
	 * the write wait for its reader. */
	if (sink->way == SINK_POLL && poll(&ready, 1, 0) <= 0) {
		return -EAGAIN;
	}
	do {
		done = sink->way == SINK_SEND
			       ? send(sink->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL)
			       : write(sink->fd, bytes, len);
	} while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : done ? done : -EAGAIN;
}

static int put_rest(struct sink *sink)
{
	while (sink->rest_len) {
		ssize_t done = put(sink, sink->rest, sink->rest_len);

		if (done < 0) {
			return (int)done;
		}
		sink->rest_len -= (size_t)done;
		memmove(sink->rest, sink->rest + done, sink->rest_len);
	}
	return 0;
}

int sink_write(struct sink *sink, const char *line, size_t len)
{
	ssize_t done = put_rest(sink);

	assert(len <= SINK_LINE_MAX);
	done = done ? done : put(sink, line, len);
	if (done < 0) {
		return (int)done;
	}
	sink->rest_len = len - (size_t)done;
	memcpy(sink->rest, line + done, sink->rest_len);
	put_rest(sink);
	return 0;
}

bool sink_finish(struct sink *sink)
{
	bool whole = !put_rest(sink);

	if (sink->own) {
		close(sink->fd);
	}
	sink->fd = -1;
	sink->own = false;
	return whole;
}
