/*
 * notify: owns what systemd has not been told yet. sd_notify(3) would wait for a systemd that does
 * not read, and all peers with it.
 */
#include "nakodo/net/loop/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#define FORGET "FDSTOREREMOVE=1\nFDNAME=" NOTIFY_STORED
#define RETRY 500 /* ms */
#define LAST_WAIT 5000 /* ms, for what has to be told before the end */
#define LAST_PAUSE 50 /* ms */

/* Where systemd listens; 0: nowhere. */
static socklen_t find_systemd(struct sockaddr_un *ret)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len = name ? strlen(name) : 0;

	if (!len || len > sizeof(ret->sun_path)) {
		return 0;
	}
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(ret->sun_path, name, len);
	if (*name == '@') {
		ret->sun_path[0] = '\0'; /* an abstract one (unix(7)) */
	}
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

bool notify_is_heard(void)
{
	struct sockaddr_un to;

	return find_systemd(&to);
}

/* With a descriptor, or -1. False if there is no room for it now. */
static bool put_with(const char *text, int with)
{
	struct sockaddr_un to;
	socklen_t size = find_systemd(&to);
	struct iovec part = {(void *)text, strlen(text)};
	union {
		struct cmsghdr head; /* for its alignment */
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {
		.msg_name = &to, .msg_namelen = size, .msg_iov = &part, .msg_iovlen = 1};
	ssize_t done;
	int fd;

	if (!size) {
		return true;
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return false;
	}
	if (with >= 0) {
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &with, sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	done = sendmsg(fd, &message, MSG_NOSIGNAL);
	if (done < 0) {
		done = -errno;
	}
	close(fd);
	return done != -EAGAIN && done != -ENOBUFS;
}

static bool put(const char *text)
{
	return put_with(text, -1);
}

static void on_retry(uv_timer_t *timer)
{
	struct notify *notify = timer->data;

	if (notify->forget && !put(FORGET)) {
		return;
	}
	notify->forget = false;
	if (!*notify->untold || put(notify->untold)) {
		*notify->untold = '\0';
		uv_timer_stop(timer);
	}
}

static void retry(struct notify *notify)
{
	uv_timer_start(&notify->retry, on_retry, RETRY, RETRY);
	on_retry(&notify->retry);
}

/* Only what we have become counts, so the last one stands for those before it. */
static void tell(struct notify *notify, const char *text)
{
	snprintf(notify->untold, sizeof(notify->untold), "%s", text);
	retry(notify);
}

void notify_ready(struct notify *notify, size_t listeners)
{
	char text[sizeof(notify->untold)];

	snprintf(text, sizeof(text), "READY=1\nSTATUS=Listening on %zu sockets", listeners);
	tell(notify, text);
}

void notify_reloading(struct notify *notify)
{
	struct timespec now;
	char text[sizeof(notify->untold)];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		(uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	tell(notify, text);
}

void notify_not_reloaded(struct notify *notify)
{
	tell(notify, "READY=1\nSTATUS=Not reloaded, since something is wrong: see the log");
}

void notify_stopping(struct notify *notify, uint64_t ms)
{
	char text[sizeof(notify->untold)];

	snprintf(text, sizeof(text),
		"STOPPING=1\nSTATUS=Closing connections\nEXTEND_TIMEOUT_USEC=%" PRIu64, ms * 1000);
	tell(notify, text);
}

void notify_forget_stored(struct notify *notify)
{
	notify->forget = true;
	retry(notify);
}

/* Nobody is left who would wait with us. */
static int put_at_last(const char *text, int with)
{
	const struct timespec pause = {.tv_nsec = LAST_PAUSE * 1000000};

	for (int i = 0; !put_with(text, with); i++) {
		if (i == LAST_WAIT / LAST_PAUSE) {
			return -ETIMEDOUT;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Else systemd may read the message when we are gone, and not know any more whose it was: wait
 * until it closes the pipe that it is sent (sd_notify_barrier(3)). */
static int wait_until_read(void)
{
	int ends[2], error;
	struct pollfd wait;

	if (pipe2(ends, O_CLOEXEC)) {
		return -errno;
	}
	error = put_at_last("BARRIER=1", ends[1]);
	close(ends[1]);
	wait = (struct pollfd){.fd = ends[0]};
	if (!error && poll(&wait, 1, LAST_WAIT) < 1) {
		error = -ETIMEDOUT;
	}
	close(ends[0]);
	return error;
}

int notify_store(int fd)
{
	int error = put_at_last("FDSTORE=1\nFDNAME=" NOTIFY_STORED, fd);

	return error ? error : wait_until_read();
}

int notify_replace_stored(int fd)
{
	int error = put_at_last(FORGET, -1);

	return error ? error : notify_store(fd);
}

static void on_watchdog(uv_timer_t *timer)
{
	(void)timer;
	put("WATCHDOG=1");
}

uint64_t notify_watchdog(void)
{
	uint64_t period = 0;

	return sd_watchdog_enabled(0, &period) > 0 ? period / 1000 : 0;
}

void notify_start(struct notify *notify, uv_loop_t *loop)
{
	uint64_t period = notify_watchdog();

	uv_timer_init(loop, &notify->watchdog);
	uv_timer_init(loop, &notify->retry);
	notify->retry.data = notify;
	if (period) {
		uv_timer_start(&notify->watchdog, on_watchdog, 0, period / 2);
	}
}

void notify_finish(struct notify *notify)
{
	uv_close((uv_handle_t *)&notify->watchdog, NULL);
	uv_close((uv_handle_t *)&notify->retry, NULL);
}
