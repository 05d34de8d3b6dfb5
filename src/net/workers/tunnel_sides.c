/* tunnel_sides: see the header. */
#include "tunnel_sides.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include "nakodo/net/socket/kernel.h"
#include "piece.h"
#include "tunnel_inside.h"

#define PIECE 16384 /* bytes: a record of TLS has no more */
#define PER_TURN 4 /* pieces of one connection */

/* Bytes that were taken, or that nobody will take; 0: none now. */
static size_t put_plain(int fd, const unsigned char *bytes, size_t len)
{
	ssize_t done = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (done < 0 && (errno == EAGAIN || errno == EINTR)) {
		return 0;
	}
	/* It has closed, and what it said before that is still to be read. */
	return done < 0 ? len : (size_t)done;
}

static size_t put_tls(struct tunnel *tunnel, const unsigned char *bytes, size_t len)
{
	int done;

	ERR_clear_error(); /* or SSL_get_error() tells of another connection */
	done = SSL_write(tunnel->ssl, bytes, (int)len);
	if (done > 0) {
		return (size_t)done;
	}
	switch (SSL_get_error(tunnel->ssl, done)) {
	case SSL_ERROR_WANT_READ:
		tunnel->writing_reads = true;
		return 0;
	case SSL_ERROR_WANT_WRITE:
		return 0;
	default:
		tunnel->deaf = true; /* it may have said something before, which is read */
		return len;
	}
}

static size_t put_client(struct tunnel *tunnel, const unsigned char *bytes, size_t len)
{
	size_t done;

	tunnel->writing_reads = false;
	if (tunnel->deaf) {
		return len;
	}
	done = tunnel->ssl ? put_tls(tunnel, bytes, len) : put_plain(tunnel->client.fd, bytes, len);
	tunnel->wrote |= done > 0;
	return done;
}

static size_t put(
	struct tunnel *tunnel, const struct side *side, const unsigned char *bytes, size_t len)
{
	return side == &tunnel->client ? put_client(tunnel, bytes, len)
				       : put_plain(tunnel->owner.fd, bytes, len);
}

static ssize_t get_plain(int fd, unsigned char *bytes, size_t size)
{
	ssize_t got = recv(fd, bytes, size, MSG_DONTWAIT);

	return got > 0 ? got : got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPIPE;
}

static ssize_t get_tls(struct tunnel *tunnel, unsigned char *bytes, size_t size)
{
	int got;

	ERR_clear_error();
	got = SSL_read(tunnel->ssl, bytes, (int)size);
	tunnel->reading_writes = false;
	if (tunnel->doomed) {
		return -EPIPE;
	}
	if (got > 0) {
		return got;
	}
	switch (SSL_get_error(tunnel->ssl, got)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_WANT_WRITE:
		tunnel->reading_writes = true;
		return 0;
	default:
		return -EPIPE;
	}
}

ssize_t tunnel_get_client(struct tunnel *tunnel, unsigned char *bytes, size_t size)
{
	return tunnel->ssl ? get_tls(tunnel, bytes, size)
			   : get_plain(tunnel->client.fd, bytes, size);
}

void tunnel_push(struct tunnel *tunnel, struct side *to)
{
	while (to->waits) {
		size_t done = put(tunnel, to, to->waits->bytes + to->waits->from,
			to->waits->to - to->waits->from);

		if (!done) {
			return;
		}
		to->waits->from += done;
		if (to->waits->from == to->waits->to) {
			piece_drop(&to->waits);
		}
	}
}

/* The loop tells of what is in the kernel, but not of the rest of a record that OpenSSL has. */
static bool has_more(const struct tunnel *tunnel, const struct side *from)
{
	return from->readable ||
	       (from == &tunnel->client && tunnel->ssl && SSL_pending(tunnel->ssl) > 0);
}

bool tunnel_pump(struct tunnel *tunnel, struct side *from, struct side *to)
{
	static unsigned char bytes[PIECE];

	for (int i = 0; i < PER_TURN && !from->ended && !to->waits && has_more(tunnel, from); i++) {
		ssize_t got = from == &tunnel->client
				      ? tunnel_get_client(tunnel, bytes, sizeof(bytes))
				      : get_plain(tunnel->owner.fd, bytes, sizeof(bytes));
		size_t done = got > 0 ? put(tunnel, to, bytes, (size_t)got) : 0;

		/* Behind less than that seldom is more, and then the loop tells. */
		from->readable = got == (ssize_t)sizeof(bytes);
		if (got < 0) {
			from->ended = true;
		}
		if (got <= 0) {
			break;
		}
		if (from == &tunnel->client) {
			tunnel->came += (size_t)got;
			tunnel->records++;
		}
		if (done < (size_t)got &&
			!piece_keep(&to->waits, bytes + done, (size_t)got - done)) {
			return false;
		}
	}
	return true;
}

void tunnel_part(struct tunnel *tunnel)
{
	if (tunnel->client.waits) {
		piece_drop(&tunnel->client.waits);
		tunnel->deaf = true;
	}
	if (!tunnel->owner.waits && !tunnel->parted) {
		shutdown(tunnel->owner.fd, SHUT_WR);
		tunnel->parted = true;
	}
}

bool tunnel_shut_client(struct tunnel *tunnel)
{
	int done;

	ERR_clear_error();
	done = tunnel->ssl ? SSL_shutdown(tunnel->ssl) : 0;
	if (done < 0 && SSL_get_error(tunnel->ssl, done) == SSL_ERROR_WANT_WRITE) {
		return false;
	}
	shutdown(tunnel->client.fd, SHUT_WR);
	return true;
}

bool tunnel_client_lags(struct tunnel *tunnel, uint64_t now)
{
	uint64_t mark = kernel_mark(tunnel->client.fd);

	if (mark != tunnel->mark) {
		tunnel->mark = mark;
		tunnel->moved = now;
	}
	return tunnel->client.waits || kernel_unacknowledged(tunnel->client.fd);
}

bool tunnel_owner_waits(const struct tunnel *tunnel)
{
	char byte;

	return recv(tunnel->owner.fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) > 0;
}
