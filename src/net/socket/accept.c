/*
 * accept: owns an accepted socket until it is a conn. For a `proxy:` listener that is until its
 * PROXY header has been read, for a TLS listener until the client has shown that it speaks TLS, or
 * does not.
 */
#include "nakodo/net/socket/accept.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/gate/proxies.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/handshakes.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/proxy_header.h"
#include "nakodo/net/socket/sniff.h"
#include "nakodo/net/socket/sockets.h"

#define BATCH 64 /* accepts per turn, so that a flood of connects leaves time for others */
#define PAUSE 100 /* ms */
#define NOT_PEERS 64 /* connections an address may have on top of its peers: pages, handshakes */

static void on_readable(uv_poll_t *poll, int status, int events);

/* A connection whose PROXY header or first bytes have not come yet. */
struct waiting {
	struct accepted accepted;
	bool closed; /* the handle */
	bool done; /* they have come; else the socket is to be closed */
	unsigned char header[PROXY_HEADER_MAX];
	size_t len; /* of what has been read of it, or seen of a first line */
	struct wheel_timer timer;
	uv_poll_t poll;
	struct waiting *prev, *next;
};

static void on_resume(uv_timer_t *timer)
{
	struct listener *listener = timer->data;

	uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

/* guard emfile: leave connects in the kernel's queue for a while; polling on would only burn the
 * processor. */
static void pause_accepting(struct listener *listener, const char *why)
{
	static const struct address nobody = {{1}};

	uv_poll_stop(&listener->poll);
	uv_timer_start(&listener->pause, on_resume, PAUSE, 0);
	if (census_may_log(listener->sockets->gate->census, &nobody,
		    deadlines_now(listener->sockets->deadlines))) {
		log_warn("accept.pause", LOG_STR("reason", why),
			LOG_UINT("connections", listener->sockets->conn_count));
	}
}

static bool count(struct sockets *sockets, const struct address *address)
{
	uint64_t most = sockets->options->max_peers_per_address;
	char where[ADDRESS_TEXT];

	if (census_add_connection(sockets->gate->census, address, most ? most + NOT_PEERS : 0)) {
		return true;
	}
	if (census_may_log(sockets->gate->census, address, deadlines_now(sockets->deadlines))) {
		log_warn("accept.refuse", LOG_STR("address", address_format(address, where)),
			LOG_STR("reason", "too many connections of one address"),
			LOG_STR("option", "max-peers-per-address"));
	}
	return false;
}

/* Count it under its address. Behind a trusted proxy everybody has the proxy's; peers are counted
 * by theirs. False: it may not come in, and has been discarded. */
static bool enter(struct accepted *accepted)
{
	struct sockets *sockets = accepted->listener->sockets;
	bool proxied = proxies_has(sockets->options, &accepted->address);

	if (sockets->gate->draining || (!proxied && !count(sockets, &accepted->address))) {
		conn_discard(accepted);
		return false;
	}
	accepted->counted = !proxied;
	return true;
}

/* Its bytes have come, or never will, and no handle of ours watches it any more. */
static void let_go(struct waiting *waiting)
{
	struct accepted *accepted = &waiting->accepted;

	if (!waiting->done || accepted->listener->sockets->gate->draining) {
		conn_discard(accepted);
	} else if (!accepted->listener->endpoint.proxy || enter(accepted)) {
		if (accepted->tls) {
			handshakes_add(&accepted->listener->sockets->handshakes, accepted);
		} else {
			conn_adopt(accepted);
		}
	}
	free(waiting);
}

/* libuv closes the handles of a turn in the opposite order; clients are let in in that of their
 * arrival. */
static void on_waiting_closed(uv_handle_t *handle)
{
	struct waiting *waiting = handle->data;
	struct sockets *sockets = waiting->accepted.listener->sockets;

	waiting->closed = true;
	while (sockets->leaving && sockets->leaving->closed) {
		waiting = sockets->leaving;
		DL_DELETE(sockets->leaving, waiting);
		let_go(waiting);
	}
}

static void end_waiting(struct waiting *waiting, bool done)
{
	struct sockets *sockets = waiting->accepted.listener->sockets;

	waiting->done = done;
	deadlines_clear(sockets->deadlines, &waiting->timer);
	DL_DELETE(sockets->waiting, waiting);
	DL_APPEND(sockets->leaving, waiting);
	sockets->conn_count--;
	/* guard one-poll: libuv has one handle per descriptor, and libwebsockets does not notice
	 * that it got none. */
	uv_close((uv_handle_t *)&waiting->poll, on_waiting_closed);
}

static void on_late(struct wheel_timer *timer)
{
	end_waiting(
		(struct waiting *)(void *)((char *)timer - offsetof(struct waiting, timer)), false);
}

static void log_bad_header(const struct waiting *waiting)
{
	const struct address *address = &waiting->accepted.address;
	struct sockets *sockets = waiting->accepted.listener->sockets;
	char where[ADDRESS_TEXT];

	if (census_may_log(sockets->gate->census, address, deadlines_now(sockets->deadlines))) {
		log_warn("accept.refuse", LOG_STR("address", address_format(address, where)),
			LOG_STR("reason", "no PROXY protocol header on a proxy: listener"),
			LOG_STR("option", "listen"));
	}
}

/* Read up to the header's end and not further: what is behind it is for libwebsockets. 1: it is
 * read; 0: not yet; -EPROTO: it is none, or the connection has ended. */
static int read_header(struct waiting *waiting)
{
	unsigned char *to = waiting->header + waiting->len;
	ssize_t got =
		recv(waiting->accepted.fd, to, sizeof(waiting->header) - waiting->len, MSG_PEEK);
	int header;

	if (got <= 0) {
		return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPROTO;
	}
	header = proxy_header_parse(
		&waiting->accepted.address, waiting->header, waiting->len + (size_t)got);
	if (!header && waiting->len + (size_t)got == sizeof(waiting->header)) {
		header = -EPROTO;
	}
	if (header < 0) {
		log_bad_header(waiting);
		return -EPROTO;
	}
	/* An unfinished header is taken out of the socket too, or the poll would not rest. */
	got = header ? header - (ssize_t)waiting->len : got;
	if (recv(waiting->accepted.fd, to, (size_t)got, 0) != got) {
		return -EPROTO;
	}
	waiting->len += (size_t)got;
	return header > 0;
}

/* As read_header(). */
static int read_first(struct waiting *waiting)
{
	struct accepted *accepted = &waiting->accepted;
	enum sniff found = sniff(accepted->fd, &waiting->len, &accepted->target);

	accepted->tls = found == SNIFF_TLS;
	return found == SNIFF_ENDED ? -EPROTO : found != SNIFF_MORE;
}

static void on_bytes(uv_poll_t *poll, int status, int events)
{
	struct waiting *waiting = poll->data;
	int come;

	(void)events;
	if (status < 0) {
		come = -EPROTO;
	} else {
		come = waiting->accepted.listener->endpoint.proxy ? read_header(waiting)
								  : read_first(waiting);
	}
	if (come) {
		end_waiting(waiting, come > 0);
	}
}

static void wait_for_bytes(struct accepted *accepted)
{
	struct sockets *sockets = accepted->listener->sockets;
	struct waiting *waiting = calloc(1, sizeof(*waiting));

	if (!waiting || uv_poll_init(sockets->loop, &waiting->poll, accepted->fd)) {
		free(waiting);
		conn_discard(accepted);
		return;
	}
	waiting->accepted = *accepted;
	waiting->poll.data = waiting;
	DL_APPEND(sockets->waiting, waiting);
	sockets->conn_count++;
	deadlines_set(sockets->deadlines, &waiting->timer,
		sockets->options->handshake_timeout * 1000, on_late);
	uv_poll_start(&waiting->poll, UV_READABLE, on_bytes);
}

static void take(struct listener *listener, int fd, const struct sockaddr *from)
{
	struct sockets *sockets = listener->sockets;
	struct accepted accepted = {
		.listener = listener,
		.fd = fd,
		.deadline = deadlines_now(sockets->deadlines) +
			    sockets->options->handshake_timeout * 1000,
	};
	int one = 1;

	if (address_from_sockaddr(&accepted.address, from)) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	if (listener->endpoint.proxy) {
		wait_for_bytes(&accepted); /* the client's address is in the header */
	} else if (enter(&accepted)) {
		if (listener->endpoint.tls) {
			wait_for_bytes(&accepted);
		} else {
			conn_adopt(&accepted);
		}
	}
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct listener *listener = poll->data;
	struct sockets *sockets = listener->sockets;

	(void)status;
	(void)events;
	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_storage from = {0};
		socklen_t size = sizeof(from);
		int fd;

		if (sockets->conn_count >= sockets->max_conns) {
			pause_accepting(
				listener, "as many connections as there are descriptors for");
			return;
		}
		fd = accept4(listener->fd, (struct sockaddr *)&from, &size,
			SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			take(listener, fd, (struct sockaddr *)&from);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			pause_accepting(listener, log_errno_text(errno));
			return;
		} else if (errno != ECONNABORTED && errno != EINTR) {
			return;
		}
	}
}

int accept_start(struct listener *listener)
{
	return uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

void accept_end_waiting(struct sockets *sockets)
{
	while (sockets->waiting) {
		end_waiting(sockets->waiting, false);
	}
}
