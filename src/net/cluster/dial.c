/* dial: see the header. */
#include "nakodo/net/cluster/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nakodo/base/options.h"
#include "nakodo/net/cluster/lease.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/kernel.h"

#define PATIENCE 2000 /* ms */
#define SLOWER 5000 /* ms */
/* Bytes that the kernel keeps until they are read; it doubles that. What waits for a client that
 * reads slowly is to wait where it is counted: by default the kernel takes megabytes, and says
 * that there is room again only when much of that has been read. */
#define ROOM 131072

void dial_set_socket(int fd, const struct options *options)
{
	/* It says how long for idle connections too (tcp(7)). Who reads slowly is looked after by
	 * the worker that has it, before that. */
	unsigned dead = (unsigned)(options->slow_seconds * 1000 + SLOWER);
	int on = 1, idle = 5, interval = 2, count = 3, room = ROOM;

	kernel_set_tcp(fd);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	/* A machine that has lost its power says nothing. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof(dead));
}

static void on_closed(uv_handle_t *handle)
{
	struct dial *dial = handle->data;

	dial->closed(dial);
}

static void end(struct dial *dial)
{
	dial->under_way = false;
	deadlines_clear(dial->deadlines, &dial->timer);
	uv_close((uv_handle_t *)&dial->poll, on_closed);
}

static void finish(struct dial *dial, int result)
{
	end(dial);
	if (result < 0) {
		close(dial->fd);
	}
	dial->done(dial, result);
}

static void on_late(struct wheel_timer *timer)
{
	finish((struct dial *)(void *)((char *)timer - offsetof(struct dial, timer)), -ETIMEDOUT);
}

static void on_ready(uv_poll_t *poll, int status, int events);

static int say(struct dial *dial)
{
	ssize_t done;
	int error = 0;
	socklen_t size = sizeof(error);

	getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		return error == ECONNREFUSED ? -EHOSTDOWN : -error;
	}
	done = send(dial->fd, dial->line + dial->sent, dial->len - dial->sent, MSG_NOSIGNAL);
	if (done < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	dial->sent += (size_t)done;
	if (dial->sent == dial->len) {
		dial->said = true;
		uv_poll_start(&dial->poll, UV_READABLE, on_ready);
	}
	return 0;
}

static void hear(struct dial *dial)
{
	char answer;
	ssize_t got = recv(dial->fd, &answer, 1, 0);

	if (got == 1) {
		finish(dial, answer == RELAY_TAKEN    ? dial->fd
			     : answer == RELAY_UNABLE ? -EBUSY
						      : -ECONNREFUSED);
	} else if (!got || (errno != EAGAIN && errno != EINTR)) {
		finish(dial, got ? -errno : -ECONNRESET);
	}
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct dial *dial = poll->data;
	int error = 0;

	(void)events;
	if (status < 0 || !dial->said) {
		error = say(dial); /* which finds out what the error is */
		error = status < 0 && !error ? -ECONNRESET : error;
	} else {
		hear(dial);
		return;
	}
	if (error) {
		finish(dial, error);
	}
}

static int begin(struct dial *dial, const struct sockaddr *address, socklen_t size)
{
	dial->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (dial->fd < 0) {
		return -errno;
	}
	dial_set_socket(dial->fd, dial->options);
	if (connect(dial->fd, address, size) && errno != EINPROGRESS) {
		int error = -errno;

		close(dial->fd);
		return error;
	}
	return 0;
}

int dial_start(
	struct dial *dial, uv_loop_t *loop, const struct node *node, const struct relay_line *line)
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;
	int error = uv_ip4_addr(node->address, node->port, &four);

	dial->len = relay_line_print(line, dial->line);
	dial->sent = 0;
	dial->said = false;
	if (!error) {
		error = begin(dial, (const struct sockaddr *)&four, sizeof(four));
	} else {
		error = uv_ip6_addr(node->address, node->port, &six);
		error = error ? error : begin(dial, (const struct sockaddr *)&six, sizeof(six));
	}
	if (error) {
		return error;
	}
	error = uv_poll_init(loop, &dial->poll, dial->fd);
	if (error) {
		close(dial->fd);
		return error;
	}
	dial->poll.data = dial;
	dial->under_way = true;
	uv_poll_start(&dial->poll, UV_WRITABLE, on_ready);
	deadlines_set(dial->deadlines, &dial->timer, PATIENCE, on_late);
	return 0;
}

void dial_cancel(struct dial *dial)
{
	if (dial->under_way) {
		end(dial);
		close(dial->fd);
	}
}
