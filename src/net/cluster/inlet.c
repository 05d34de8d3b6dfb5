/* inlet: owns the listening socket, and connections until their line has come. */
#include "nakodo/net/cluster/inlet.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "nakodo/base/log.h"
#include "nakodo/base/meter.h"
#include "nakodo/net/cluster/dial.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/listener.h"

#define CALLS_MOST 256
#define BATCH 64
#define PATIENCE 5000 /* ms for a line, and for the answer */
#define PAUSE 100 /* ms */

struct inlet_call {
	struct inlet *inlet;
	struct inlet_call *prev, *next;
	uv_poll_t poll;
	struct wheel_timer timer;
	int fd; /* -1: it is not ours any more */
	void *state;
	bool said; /* the line has come */
	char line[RELAY_LINE];
	size_t len;
};

void **inlet_state(struct inlet_call *call)
{
	return &call->state;
}

static void on_closed(uv_handle_t *handle)
{
	struct inlet_call *call = handle->data;

	if (call->fd >= 0) {
		close(call->fd);
	}
	free(call);
}

static void end(struct inlet_call *call)
{
	DL_DELETE(call->inlet->calls, call);
	call->inlet->count--;
	deadlines_clear(call->inlet->deadlines, &call->timer);
	uv_close((uv_handle_t *)&call->poll, on_closed);
}

static void give_up(struct inlet_call *call)
{
	if (call->said) {
		call->inlet->gone(call->inlet->cookie, call);
	}
	end(call);
}

int inlet_take(struct inlet_call *call)
{
	const char answer = RELAY_TAKEN;
	int fd = call->fd;

	if (send(fd, &answer, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) {
		fd = -1;
	} else {
		call->fd = -1;
	}
	end(call);
	return fd;
}

void inlet_answer(struct inlet_call *call, char answer)
{
	send(call->fd, &answer, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	end(call);
}

static void on_late(struct wheel_timer *timer)
{
	give_up((struct inlet_call *)(void *)((char *)timer - offsetof(struct inlet_call, timer)));
}

static void take_line(struct inlet_call *call)
{
	struct inlet *inlet = call->inlet;
	struct relay_line line;

	call->line[call->len - 1] = '\0';
	if (!relay_line_parse(&line, call->line) ||
		CRYPTO_memcmp(line.token, inlet->token, sizeof(line.token)) != 0) {
		meter_add(METER_CLUSTER_STRANGERS, 1);
		end(call);
		return;
	}
	call->said = true;
	inlet->called(inlet->cookie, call, &line);
}

/* A node says nothing behind its line before it is answered. */
static void on_bytes(uv_poll_t *poll, int status, int events)
{
	struct inlet_call *call = poll->data;
	ssize_t got = recv(call->fd, call->line + call->len, sizeof(call->line) - call->len, 0);

	(void)events;
	if (got < 0 && status >= 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (got <= 0 || call->said) {
		give_up(call);
		return;
	}
	call->len += (size_t)got;
	if (call->line[call->len - 1] == '\n') {
		take_line(call);
	} else if (call->len == sizeof(call->line)) {
		end(call);
	}
}

/* Who has said nothing yet, for the longest time, gives way. */
static void make_room(struct inlet *inlet)
{
	struct inlet_call *call;

	DL_SEARCH_SCALAR(inlet->calls, call, said, false);
	if (call) {
		end(call);
	}
}

static void take(struct inlet *inlet, int fd)
{
	struct inlet_call *call;

	if (inlet->count >= CALLS_MOST) {
		make_room(inlet);
	}
	call = inlet->count < CALLS_MOST ? calloc(1, sizeof(*call)) : NULL;

	if (!call || uv_poll_init(inlet->loop, &call->poll, fd)) {
		free(call);
		close(fd);
		return;
	}
	dial_set_socket(fd, inlet->options);
	call->inlet = inlet;
	call->fd = fd;
	call->poll.data = call;
	DL_APPEND(inlet->calls, call);
	inlet->count++;
	uv_poll_start(&call->poll, UV_READABLE, on_bytes);
	deadlines_set(inlet->deadlines, &call->timer, PATIENCE, on_late);
}

static void on_call(uv_poll_t *poll, int status, int events);

static void on_pause(struct wheel_timer *timer)
{
	struct inlet *inlet =
		(struct inlet *)(void *)((char *)timer - offsetof(struct inlet, pause));

	uv_poll_start(&inlet->poll, UV_READABLE, on_call);
}

static void on_call(uv_poll_t *poll, int status, int events)
{
	struct inlet *inlet = poll->data;

	(void)status;
	(void)events;
	for (int i = 0; i < BATCH; i++) {
		int fd = accept4(inlet->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
				make_room(inlet); /* there are no descriptors */
				uv_poll_stop(poll);
				deadlines_set(inlet->deadlines, &inlet->pause, PAUSE, on_pause);
			}
			return;
		}
		take(inlet, fd);
	}
}

static int bind_at(const char *address, uint16_t port)
{
	struct sockaddr_in four;
	struct sockaddr_in6 six;
	int error = uv_ip4_addr(address, port, &four);

	if (!error) {
		return listener_bind((const struct sockaddr *)&four, sizeof(four), false);
	}
	error = uv_ip6_addr(address, port, &six);
	return error ? error : listener_bind((const struct sockaddr *)&six, sizeof(six), false);
}

/* Of a machine without IPv6 every address is one of IPv4. */
static int bind_every(uint16_t port)
{
	int fd = bind_at("::", port);

	return fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL ? bind_at("0.0.0.0", port) : fd;
}

int inlet_start(struct inlet *inlet, const char *address, uint16_t port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} bound = {0};
	socklen_t size = sizeof(bound);
	int error;

	inlet->fd = strcmp(address, "*") != 0 ? bind_at(address, port) : bind_every(port);
	if (inlet->fd < 0) {
		return inlet->fd;
	}
	error = uv_poll_init(inlet->loop, &inlet->poll, inlet->fd);
	if (error || getsockname(inlet->fd, &bound.any, &size)) {
		error = error ? error : -errno;
		close(inlet->fd);
		inlet->fd = -1;
		return error;
	}
	inlet->poll.data = inlet;
	inlet->started = true;
	uv_poll_start(&inlet->poll, UV_READABLE, on_call);
	return ntohs(bound.any.sa_family == AF_INET ? bound.four.sin_port : bound.six.sin6_port);
}

static void on_socket_closed(uv_handle_t *handle)
{
	struct inlet *inlet = handle->data;

	close(inlet->fd);
	inlet->fd = -1;
}

void inlet_finish(struct inlet *inlet)
{
	struct inlet_call *call, *next;

	if (!inlet->started) {
		return;
	}
	DL_FOREACH_SAFE (inlet->calls, call, next) {
		give_up(call);
	}
	deadlines_clear(inlet->deadlines, &inlet->pause);
	uv_close((uv_handle_t *)&inlet->poll, on_socket_closed);
}
