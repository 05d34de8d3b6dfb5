/*
 * accept: owns an accepted socket until handshakes.c takes it: when its PROXY header has been read
 * (on a `proxy:` listener), when its turn has come (of an address that connects too often), and
 * when it has sent the first bytes of TLS or the whole head of a request.
 */
#include "nakodo/net/socket/accept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "nakodo/base/log.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/hub/audit.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/gate/proxies.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/handshakes.h"
#include "nakodo/net/socket/kernel.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/proxy_header.h"
#include "nakodo/net/socket/sniff.h"
#include "nakodo/net/socket/sockets.h"

#define BATCH 64 /* accepts per turn, so that a flood of connects leaves time for others */
#define PAUSE 100 /* ms */
#define PAUSE_TOLD 60000 /* ms for which the log has been told of pauses */
#define NOT_PEERS 64 /* connections an address may have on top of its peers: pages, handshakes */
#define TURN_MAX 10000 /* ms that a connection may have to wait for its turn */

/* What a connection waits for. */
enum wait {
	WAIT_TURN, /* by connect-rate */
	WAIT_HEADER, /* the PROXY header */
	WAIT_FIRST, /* what it begins with (sniff.h) */
	WAIT_AGAIN, /* to be looked at again (accept_look_again()) */
};

static void on_readable(uv_poll_t *handle, int status, int events);
static void wait_for_bytes(struct accepted *accepted, enum wait wait, size_t known);

/* A connection that is not handed on yet. Nothing watches its socket while it waits for its turn.
 */
struct waiting {
	struct accepted accepted;
	bool closed; /* the handle */
	enum wait wait;
	bool done; /* it has come; else the socket is to be closed */
	struct address source; /* of the socket; the accepted one's is what a PROXY header says */
	size_t len; /* of what has been read of the header, or seen of a first line */
	struct wheel_timer timer;
	uv_poll_t poll; /* not for WAIT_TURN */
	struct waiting *prev, *next;
	size_t room;
	unsigned char header[]; /* so many bytes; none unless it waits for one */
};

static bool is_polled(const struct waiting *waiting)
{
	return waiting->wait == WAIT_HEADER || waiting->wait == WAIT_FIRST;
}

static size_t cost(const struct waiting *waiting)
{
	return sizeof(*waiting) + waiting->room;
}

static void on_resume(uv_timer_t *timer)
{
	struct listener *listener = timer->data;

	uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

/* guard emfile: leave connects in the kernel's queue for a while; polling on would only burn the
 * processor. */
static void pause_accepting(struct listener *listener, const char *why)
{
	struct sockets *sockets = listener->sockets;
	uint64_t now = deadlines_now(sockets->deadlines);

	uv_poll_stop(&listener->poll);
	uv_timer_start(&listener->pause, on_resume, PAUSE, 0);
	meter_add(METER_ACCEPT_PAUSED, 1);
	if (now >= sockets->pause_told) {
		sockets->pause_told = now + PAUSE_TOLD;
		log_warn("accept.pause", LOG_STR("reason", why),
			LOG_UINT("connections", sockets->count));
	}
}

static void log_refusal(struct sockets *sockets, const struct address *address, const char *event,
	const char *reason, const char *option)
{
	char where[ADDRESS_TEXT];

	if (census_may_log(sockets->gate->census, address, deadlines_now(sockets->deadlines))) {
		log_warn(event, LOG_STR("address", address_format(address, where)),
			LOG_STR("reason", reason), LOG_STR("option", option));
	}
}

/* Count it under its address. False: there are too many of it. */
static bool count(struct accepted *accepted, uint64_t most)
{
	struct sockets *sockets = accepted->listener->sockets;

	if (census_add_connection(
		    sockets->gate->census, &accepted->address, most, &accepted->group)) {
		return true;
	}
	meter_add(METER_ACCEPT_CAPPED, 1);
	log_refusal(sockets, &accepted->address, "accept.refuse",
		"too many connections of one address", "max-peers-per-address");
	return false;
}

static uint64_t most_of_one(const struct sockets *sockets)
{
	uint64_t most = sockets->options->max_peers_per_address;

	return most ? most + NOT_PEERS : 0;
}

static struct waiting *wait_for(struct accepted *accepted, enum wait wait, uint64_t delay);

/* Look at what has come; `known` is how much was seen of it before. As read_header(). */
static int look(struct accepted *accepted, size_t *known)
{
	char *target = NULL;
	enum sniff found = sniff(accepted->fd, known, &target);

	if (accepted->listener->endpoint.tls && !accepted->decrypted) {
		accepted->tls = found == SNIFF_TLS;
		free(accepted->target); /* it may have been looked at before */
		accepted->target = target;
	} else {
		free(target); /* for a redirect only */
	}
	return found == SNIFF_ENDED ? -EPROTO : found != SNIFF_MORE;
}

static void hand_on(struct accepted *accepted)
{
	struct sockets *sockets = accepted->listener->sockets;
	size_t known = 0;
	int come = look(accepted, &known);

	if (come > 0) {
		sockets->take(sockets, accepted);
	} else if (come < 0) {
		conn_discard(accepted);
	} else {
		wait_for_bytes(accepted, WAIT_FIRST, known);
	}
}

/* One that connects too often waits for its turn: in the crowd that comes back after a restart
 * nobody is turned away, and whoever connects in a loop costs no more than that rate. */
static void take_turn(struct accepted *accepted)
{
	struct sockets *sockets = accepted->listener->sockets;
	uint64_t wait;

	if (!census_connect(accepted->group, sockets->options->connect_rate,
		    deadlines_now(sockets->deadlines), TURN_MAX, &wait)) {
		meter_add(METER_ACCEPT_TOO_OFTEN, 1);
		log_refusal(sockets, &accepted->address, "accept.refuse", "connects too often",
			"connect-rate");
		conn_discard(accepted);
	} else if (!wait) {
		hand_on(accepted);
	} else {
		meter_add(METER_ACCEPT_DELAYED, 1);
		log_refusal(sockets, &accepted->address, "accept.delay", "connects too often",
			"connect-rate");
		if (!wait_for(accepted, WAIT_TURN, wait)) {
			conn_discard(accepted);
		}
	}
}

void accept_go_on(struct accepted *accepted)
{
	const struct sockets *sockets = accepted->listener->sockets;

	accepted->deadline =
		deadlines_now(sockets->deadlines) + sockets->options->handshake_timeout * 1000;
	hand_on(accepted);
}

/* Behind a trusted proxy everybody has the proxy's address; they are counted by their own when it
 * is known. What the proxy says for itself counts as its own. */
static void enter(struct accepted *accepted)
{
	struct sockets *sockets = accepted->listener->sockets;
	bool proxied = !accepted->direct && proxies_has(sockets->options, &accepted->address);

	if (sockets->gate->draining || (!proxied && !count(accepted, most_of_one(sockets)))) {
		conn_discard(accepted);
	} else {
		take_turn(accepted);
	}
}

/* The header has said who it is. */
static void enter_by_header(struct accepted *accepted, const struct address *source)
{
	census_remove_connection(accepted->listener->sockets->gate->census, accepted->group);
	accepted->group = NULL;
	accepted->direct = !memcmp(source, &accepted->address, sizeof(*source));
	enter(accepted);
}

static void finish_waiting(struct waiting *waiting)
{
	struct accepted *accepted = &waiting->accepted;
	struct sockets *sockets = accepted->listener->sockets;

	if (!waiting->done) {
		conn_discard(accepted);
	} else if (waiting->wait == WAIT_HEADER) {
		enter_by_header(accepted, &waiting->source);
	} else if (waiting->wait == WAIT_AGAIN) {
		hand_on(accepted);
	} else if (waiting->wait == WAIT_TURN) {
		accepted->deadline = deadlines_now(sockets->deadlines) +
				     sockets->options->handshake_timeout * 1000;
		hand_on(accepted);
	} else {
		sockets->take(sockets, accepted);
	}
	memory_give(MEMORY_CONNECTIONS, cost(waiting));
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
		finish_waiting(waiting);
	}
}

static void end_waiting(struct waiting *waiting, bool done)
{
	struct sockets *sockets = waiting->accepted.listener->sockets;

	waiting->done = done;
	deadlines_clear(sockets->deadlines, &waiting->timer);
	DL_DELETE(sockets->waiting, waiting);
	sockets->count--;
	if (!is_polled(waiting)) {
		finish_waiting(waiting);
		return;
	}
	DL_APPEND(sockets->leaving, waiting);
	/* guard one-poll: libuv has one handle per descriptor, and libwebsockets does not notice
	 * that it got none. */
	uv_close((uv_handle_t *)&waiting->poll, on_waiting_closed);
}

static void on_time(struct wheel_timer *timer)
{
	struct waiting *waiting =
		(struct waiting *)(void *)((char *)timer - offsetof(struct waiting, timer));

	if (is_polled(waiting)) {
		meter_add(METER_ACCEPT_LATE, 1);
	}
	end_waiting(waiting, !is_polled(waiting));
}

/* Read up to the header's end and not further: what is behind it is for libwebsockets. 1: it is
 * read; 0: not yet; -EPROTO: it is none, or the connection has ended. */
static int read_header(struct waiting *waiting)
{
	unsigned char *to = waiting->header + waiting->len;
	ssize_t got = recv(waiting->accepted.fd, to, waiting->room - waiting->len, MSG_PEEK);
	int header;

	if (got <= 0) {
		return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPROTO;
	}
	header = proxy_header_parse(
		&waiting->accepted.address, waiting->header, waiting->len + (size_t)got);
	if (!header && waiting->len + (size_t)got == waiting->room) {
		header = -EPROTO;
	}
	if (header < 0) {
		meter_add(METER_ACCEPT_BAD_HEADER, 1);
		log_refusal(waiting->accepted.listener->sockets, &waiting->source, "accept.refuse",
			"no PROXY protocol header on a proxy: listener", "listen");
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

static void on_bytes(uv_poll_t *poll, int status, int events)
{
	struct waiting *waiting = poll->data;
	int come;

	(void)events;
	if (status < 0) {
		come = -EPROTO;
	} else {
		come = waiting->wait == WAIT_HEADER ? read_header(waiting)
						    : look(&waiting->accepted, &waiting->len);
	}
	if (come) {
		end_waiting(waiting, come > 0);
	}
}

/* NULL: no memory; nothing is taken over then. */
static struct waiting *wait_for(struct accepted *accepted, enum wait wait, uint64_t delay)
{
	struct sockets *sockets = accepted->listener->sockets;
	size_t room = wait == WAIT_HEADER ? PROXY_HEADER_MAX : 0;
	struct waiting *waiting = calloc(1, sizeof(*waiting) + room);

	if (waiting) {
		waiting->room = room;
		memory_take(MEMORY_CONNECTIONS, cost(waiting));
		waiting->accepted = *accepted;
		waiting->wait = wait;
		waiting->source = accepted->address;
		DL_APPEND(sockets->waiting, waiting);
		sockets->count++;
		deadlines_set(sockets->deadlines, &waiting->timer, delay, on_time);
	}
	return waiting;
}

/* `known`: so many bytes have been seen. */
static void wait_for_bytes(struct accepted *accepted, enum wait wait, size_t known)
{
	struct sockets *sockets = accepted->listener->sockets;
	struct waiting *waiting =
		wait_for(accepted, wait, sockets->options->handshake_timeout * 1000);

	if (!waiting) {
		conn_discard(accepted);
	} else if (uv_poll_init(sockets->loop, &waiting->poll, accepted->fd)) {
		waiting->wait = WAIT_TURN; /* there is no handle to be closed */
		end_waiting(waiting, false);
	} else {
		waiting->len = known;
		waiting->poll.data = waiting;
		uv_poll_start(&waiting->poll, UV_READABLE, on_bytes);
	}
}

void accept_look_again(struct accepted *accepted, uint64_t delay)
{
	if (deadlines_now(accepted->listener->sockets->deadlines) > accepted->deadline) {
		meter_add(METER_ACCEPT_LATE, 1);
		conn_discard(accepted);
	} else if (!wait_for(accepted, WAIT_AGAIN, delay)) {
		conn_discard(accepted);
	}
}

/* Until its header has come, a connection counts for whoever has made it: that is a proxy, which
 * writes the header at once, or somebody who holds connections without saying anything. Without
 * `trusted-proxy` the listener is one for this machine alone. */
static void take_proxied(struct accepted *accepted)
{
	struct sockets *sockets = accepted->listener->sockets;
	bool trusted = proxies_has(sockets->options, &accepted->address);

	if (!trusted && sockets->options->trusted_proxy.count) {
		meter_add(METER_ACCEPT_UNTRUSTED, 1);
		log_refusal(sockets, &accepted->address, "accept.refuse",
			"not a trusted proxy, on a proxy: listener", "trusted-proxy");
		conn_discard(accepted);
	} else if (!count(accepted, trusted ? sockets->max_count / 2 : most_of_one(sockets))) {
		conn_discard(accepted);
	} else {
		wait_for_bytes(accepted, WAIT_HEADER, 0);
	}
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

	listener_hold(listener);
	meter_add(METER_ACCEPTED, 1);
	if (address_from_sockaddr(&accepted.address, from)) {
		kernel_set_tcp(fd);
	}
	if (listener->endpoint.proxy) {
		take_proxied(&accepted);
	} else {
		enter(&accepted);
	}
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
	struct listener *listener = handle->data;
	struct sockets *sockets = listener->sockets;

	(void)events;
	if (status < 0) {
		listener->broken(listener, status);
		return;
	}
	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_storage from = {0};
		socklen_t size = sizeof(from);
		int fd;

		if (sockets_descriptors(sockets) >= sockets->max_count) {
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
			int error = -errno;

			if (!i && kernel_is_hung_up(listener->fd)) {
				listener->broken(listener, error);
			}
			return;
		}
	}
}

int accept_start(struct listener *listener)
{
	return uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

void accept_waiting(struct listener *listener)
{
	on_readable(&listener->poll, 0, UV_READABLE);
}

#ifdef NAKODO_AUDIT
void accept_audit(const struct sockets *sockets, struct audit *audit)
{
	const struct waiting *waiting;

	DL_FOREACH (sockets->waiting, waiting) {
		audit_bytes(audit, MEMORY_CONNECTIONS, cost(waiting));
	}
	DL_FOREACH (sockets->leaving, waiting) {
		audit_bytes(audit, MEMORY_CONNECTIONS, cost(waiting));
	}
}
#endif

void accept_end_waiting(struct sockets *sockets)
{
	struct waiting *waiting;

	DL_FOREACH (sockets->leaving, waiting) {
		waiting->done = false;
	}
	while (sockets->waiting) {
		end_waiting(sockets->waiting, false);
	}
}
