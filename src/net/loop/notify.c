/*
 * notify: owns what systemd has not been told yet. sd_notify(3) would wait for a systemd that does
 * not read, and all peers with it.
 */
#include "nakodo/net/loop/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#define RETRY 500 /* ms */

/* False if there is no room for it now. */
static bool put(const char *text)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len = name ? strlen(name) : 0;
	ssize_t done;
	int fd;

	if (!len || len > sizeof(to.sun_path)) {
		return true;
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return false;
	}
	memcpy(to.sun_path, name, len);
	if (*name == '@') {
		to.sun_path[0] = '\0'; /* an abstract one (unix(7)) */
	}
	done = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	if (done < 0) {
		done = -errno;
	}
	close(fd);
	return done != -EAGAIN && done != -ENOBUFS;
}

static void on_retry(uv_timer_t *timer)
{
	struct notify *notify = timer->data;

	if (put(notify->untold)) {
		*notify->untold = '\0';
		uv_timer_stop(timer);
	}
}

/* Only what we have become counts, so the last one stands for those before it. */
static void tell(struct notify *notify, const char *text)
{
	snprintf(notify->untold, sizeof(notify->untold), "%s", text);
	uv_timer_start(&notify->retry, on_retry, RETRY, RETRY);
	on_retry(&notify->retry);
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

void notify_stopping(struct notify *notify)
{
	tell(notify, "STOPPING=1\nSTATUS=Closing connections");
}

static void on_watchdog(uv_timer_t *timer)
{
	(void)timer;
	put("WATCHDOG=1");
}

void notify_start(struct notify *notify, uv_loop_t *loop)
{
	uint64_t period = 0;

	uv_timer_init(loop, &notify->watchdog);
	uv_timer_init(loop, &notify->retry);
	notify->retry.data = notify;
	if (sd_watchdog_enabled(0, &period) > 0) {
		uv_timer_start(&notify->watchdog, on_watchdog, 0, period / 2000);
	}
}

void notify_finish(struct notify *notify)
{
	uv_close((uv_handle_t *)&notify->watchdog, NULL);
	uv_close((uv_handle_t *)&notify->retry, NULL);
}
