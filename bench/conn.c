/* Owns the sockets: connect, TLS, handshake, frames in and out, ping and close. It knows nothing of
 * rooms or of what is measured: the workloads do. */
#include "conn.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter.h"
#include "wire.h"

#define READ_SIZE (128 * 1024)
#define EVENTS_PER_TURN 256
#define SOURCE_ADDRESSES 64 /* most senders have one of their own, as people do */
#define SOURCES_OF_NETWORK 4

struct buffer {
	unsigned char *data;
	size_t len, size;
};

enum conn_state { CONNECTING, SECURING, REQUESTED, OPEN, CLOSED };

struct conn {
	struct net *net;
	void *cookie;
	SSL *ssl; /* NULL without TLS */
	int fd; /* -1 once closed */
	enum conn_state state;
	uint32_t interest; /* what epoll watches for */
	struct buffer rest; /* the begin of a frame whose end has not come */
	struct buffer unsent; /* at first the handshake's request */
	bool corked;
	struct conn *next_corked;
	struct conn *next;
};

struct net {
	const struct conn_events *events;
	int epoll;
	unsigned port;
	unsigned opened; /* connections ever started */
	unsigned sources; /* addresses that they come from */
	SSL_CTX *tls;
	struct conn *conns;
	struct conn *corked; /* those with something to send when the read is over */
	uint64_t now;
	unsigned char in[WIRE_FRAME_MAX + READ_SIZE];
};

static void buffer_append(struct buffer *b, const void *data, size_t len)
{
	if (b->len + len > b->size) {
		b->size = 2 * b->size > b->len + len ? 2 * b->size : b->len + len;
		b->data = realloc(b->data, b->size);
		if (!b->data) {
			err(2, "buffer");
		}
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void conn_fail(struct conn *c, const char *why)
{
	if (c->state == CLOSED) {
		return;
	}
	c->state = CLOSED;
	close(c->fd);
	c->fd = -1;
	c->net->events->failed(c->cookie, why);
}

void conn_cut(struct conn *c)
{
	const struct linger at_once = {.l_onoff = 1};

	if (c->state != CLOSED) {
		c->state = CLOSED;
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
		close(c->fd);
		c->fd = -1;
	}
}

static void conn_watch(struct conn *c, uint32_t interest)
{
	struct epoll_event e = {.events = interest, .data.ptr = c};

	if (interest != c->interest) {
		c->interest = interest;
		if (epoll_ctl(c->net->epoll, EPOLL_CTL_MOD, c->fd, &e) < 0) {
			err(2, "epoll_ctl");
		}
	}
}

/* What a failed TLS call means: -EAGAIN for "later", else the connection is lost. */
static ssize_t conn_tls_error(struct conn *c, int result)
{
	int reason = SSL_get_error(c->ssl, result);

	ERR_clear_error();
	if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) {
		return -EAGAIN;
	}
	return reason == SSL_ERROR_ZERO_RETURN ? 0 : -EPROTO;
}

/* Bytes read, 0 at the end of the stream, or -errno. */
static ssize_t conn_recv(struct conn *c, unsigned char *data, size_t size)
{
	ssize_t n;

	if (c->ssl) {
		n = SSL_read(c->ssl, data, (int)size);
		return n > 0 ? n : conn_tls_error(c, (int)n);
	}
	n = recv(c->fd, data, size, 0);
	return n < 0 ? -errno : n;
}

static ssize_t conn_write(struct conn *c, const unsigned char *data, size_t len)
{
	ssize_t n;

	if (c->ssl) {
		n = SSL_write(c->ssl, data, (int)len);
		return n > 0 ? n : conn_tls_error(c, (int)n);
	}
	n = send(c->fd, data, len, MSG_NOSIGNAL);
	return n < 0 ? -errno : n;
}

/* Writes until all has gone or the socket is full. */
static void conn_flush(struct conn *c)
{
	size_t done = 0;
	ssize_t n;

	while (done < c->unsent.len) {
		n = conn_write(c, c->unsent.data + done, c->unsent.len - done);
		if (n == -EAGAIN) {
			break;
		}
		if (n <= 0) {
			conn_fail(c, n ? strerror((int)-n) : "closed while sending");
			return;
		}
		done += (size_t)n;
	}
	c->unsent.len -= done;
	memmove(c->unsent.data, c->unsent.data + done, c->unsent.len);
	conn_watch(c, c->unsent.len ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void conn_send(struct conn *c, const void *frames, size_t len)
{
	if (c->state == CLOSED) {
		return;
	}
	buffer_append(&c->unsent, frames, len);
	if (!c->corked) {
		c->corked = true;
		c->next_corked = c->net->corked;
		c->net->corked = c;
	}
}

void conn_ping(struct conn *c)
{
	unsigned char out[WIRE_HEADER_MAX];

	conn_send(c, out, wire_write(out, WIRE_PING, NULL, 0));
}

static void conn_frame_came(struct conn *c, const struct wire_frame *f)
{
	unsigned char out[125 + WIRE_HEADER_MAX];
	char why[160];

	switch (f->opcode) {
	case WIRE_TEXT:
	case WIRE_BINARY:
		c->net->events->message(c->cookie, f->payload, f->len);
		break;
	case WIRE_PING:
		conn_send(c, out,
			wire_write(out, WIRE_PONG, f->payload, f->len < 125 ? f->len : 125));
		break;
	case WIRE_PONG:
		c->net->events->pong(c->cookie);
		break;
	case WIRE_CLOSE:
		if (f->len < 2) {
			conn_fail(c, "closed by the server");
			break;
		}
		snprintf(why, sizeof why, "closed by the server: %u %.*s",
			f->payload[0] << 8 | f->payload[1], (int)(f->len - 2), f->payload + 2);
		conn_fail(c, why);
		break;
	default:
		conn_fail(c, "unknown opcode");
	}
}

/* Reports what is whole in the bytes that came; returns how many those were. */
static size_t conn_consume(struct conn *c, const unsigned char *data, size_t len)
{
	struct wire_frame f;
	size_t done = 0;
	ssize_t n;

	if (c->state == REQUESTED) {
		n = wire_answer(data, len);
		if (n < 0) {
			conn_fail(c, "handshake refused");
		}
		if (n <= 0) {
			return 0;
		}
		done = (size_t)n;
		c->state = OPEN;
		c->net->events->opened(c->cookie);
	}
	while (c->state == OPEN) {
		n = wire_parse(data + done, len - done, &f);
		if (n < 0) {
			conn_fail(c, "malformed frame");
		}
		if (n <= 0) {
			break;
		}
		done += (size_t)n;
		conn_frame_came(c, &f);
	}
	return done;
}

static void conn_read(struct conn *c)
{
	struct net *net = c->net;
	size_t len, done;
	ssize_t n;

	do {
		len = c->rest.len;
		if (len) {
			memcpy(net->in, c->rest.data, len);
		}
		n = conn_recv(c, net->in + len, READ_SIZE);
		if (n == -EAGAIN) {
			break;
		}
		if (n <= 0) {
			conn_fail(c, n ? strerror((int)-n) : "connection ended");
			return;
		}
		net->now = meter_now();
		len += (size_t)n;
		done = conn_consume(c, net->in, len);
		c->rest.len = 0;
		if (done < len) {
			buffer_append(&c->rest, net->in + done, len - done);
		}
		/* epoll tells of what is left in the socket, but not of what OpenSSL holds. */
	} while (c->state != CLOSED && c->ssl && SSL_has_pending(c->ssl));
}

/* Takes a connection to where the request has been sent; true when it is there. */
static bool conn_establish(struct conn *c)
{
	socklen_t size = sizeof(int);
	int error = 0, result;

	if (c->state == CONNECTING) {
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error) {
			conn_fail(c, strerror(error));
			return false;
		}
		c->state = c->ssl ? SECURING : REQUESTED;
	}
	if (c->state == SECURING) {
		result = SSL_do_handshake(c->ssl);
		if (result != 1) {
			if (conn_tls_error(c, result) != -EAGAIN) {
				conn_fail(c, "TLS handshake failed");
			} else {
				conn_watch(
					c, SSL_want_write(c->ssl) ? EPOLLIN | EPOLLOUT : EPOLLIN);
			}
			return false;
		}
		c->state = REQUESTED;
	}
	conn_flush(c);
	return c->state == REQUESTED;
}

static void conn_event(struct conn *c, uint32_t events)
{
	if (c->state == CLOSED || (c->state < REQUESTED && !conn_establish(c))) {
		return;
	}
	if (events & EPOLLOUT && c->unsent.len) {
		conn_flush(c);
	}
	if (events & ~(uint32_t)EPOLLOUT && c->state != CLOSED) {
		conn_read(c);
	}
}

static int conn_socket(unsigned source)
{
	struct sockaddr_in from = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source / SOURCES_OF_NETWORK * 256 +
					 source % SOURCES_OF_NETWORK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	/* BIND_ADDRESS_NO_PORT: or the kernel would pick one port for all destinations at once. */
	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0 ||
		bind(fd, (struct sockaddr *)&from, sizeof from) < 0) {
		err(2, "socket");
	}
	return fd;
}

struct conn *conn_open(struct net *n, const char *path, void *cookie)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)n->port)};
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT};
	struct conn *c = calloc(1, sizeof *c);
	char request[2048];
	size_t len;

	if (!c) {
		err(2, "connection");
	}
	*c = (struct conn){.net = n, .cookie = cookie, .interest = e.events, .next = n->conns};
	n->conns = c;
	c->fd = conn_socket(n->opened++ % n->sources);
	if (n->tls) {
		c->ssl = SSL_new(n->tls);
		if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1) {
			errx(2, "SSL_new failed");
		}
		SSL_set_connect_state(c->ssl);
	}
	len = wire_request(request, sizeof request, path, n->port);
	buffer_append(&c->unsent, request, len);
	e.data.ptr = c;
	/* An error of connect() comes back as an event, like one found later. */
	if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) {
		warn("connect");
	}
	if (epoll_ctl(n->epoll, EPOLL_CTL_ADD, c->fd, &e) < 0) {
		err(2, "epoll_ctl");
	}
	return c;
}

/* One cipher and one curve, so that each server does the same work. */
static SSL_CTX *net_tls(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (!tls || SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
		SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256") != 1 ||
		SSL_CTX_set1_groups_list(tls, "X25519") != 1) {
		errx(2, "no TLS 1.3");
	}
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(tls, 1);
	return tls;
}

struct net *net_create(unsigned port, bool tls, const struct conn_events *events)
{
	struct net *n = calloc(1, sizeof *n);

	if (!n) {
		err(2, "net");
	}
	n->events = events;
	n->port = port;
	n->sources = SOURCE_ADDRESSES;
	n->tls = tls ? net_tls() : NULL;
	n->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (n->epoll < 0) {
		err(2, "epoll");
	}
	return n;
}

void net_set_sources(struct net *n, unsigned count)
{
	n->sources = count;
}

void net_destroy(struct net *n)
{
	struct conn *c;

	while ((c = n->conns)) {
		n->conns = c->next;
		SSL_free(c->ssl);
		if (c->fd >= 0) {
			close(c->fd);
		}
		free(c->rest.data);
		free(c->unsent.data);
		free(c);
	}
	SSL_CTX_free(n->tls);
	close(n->epoll);
	free(n);
}

static void net_flush(struct net *n)
{
	struct conn *c;

	while ((c = n->corked)) {
		n->corked = c->next_corked;
		c->corked = false;
		if (c->state == OPEN) {
			conn_flush(c);
		}
	}
}

void net_turn(struct net *n, int timeout_ms)
{
	struct epoll_event events[EVENTS_PER_TURN];
	int i, count;

	net_flush(n);
	count = epoll_wait(n->epoll, events, EVENTS_PER_TURN, timeout_ms);
	if (count < 0 && errno != EINTR) {
		err(2, "epoll_wait");
	}
	for (i = 0; i < count; i++) {
		conn_event(events[i].data.ptr, events[i].events);
		net_flush(n);
	}
}

uint64_t net_now(const struct net *n)
{
	return n->now;
}
