/*
 * tunnel_greet: how a tunnel begins: with TLS and the head of a request, after which it is known
 * whose it is; or with both sides there.
 */
#include <ctype.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/sniff.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/tls/tls.h"
#include "nakodo/net/workers/tunnel.h"
#include "piece.h"
#include "tunnel_inside.h"
#include "tunnel_sides.h"

#define HEAD_MAX 4096 /* bytes of a request; libwebsockets has no room for more */
#define PAIR_ROOM 32768 /* bytes that the kernel keeps for the other end; it doubles that */
#define QUARTERS 4 /* of handshake-timeout; see conn_adopt() */

static bool open_owner(struct tunnel *tunnel)
{
	struct tunnels *tunnels = tunnel->tunnels;
	int ends[2], room = PAIR_ROOM;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends)) {
		return false;
	}
	/* What waits is to wait where it is counted. */
	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	tunnel->owner.fd = ends[0];
	return tunnels->decrypted(tunnels->cookie, &tunnel->accepted, ends[1]) &&
	       tunnel_attach(tunnel, &tunnel->owner);
}

/* Nobody can tell whose it is before the head is there; what is none is for the owner to refuse. */
static bool has_head(const struct piece *piece)
{
	return piece->to == piece->room || (piece->to && !isalpha(*piece->bytes)) ||
	       sniff_has_end((const char *)piece->bytes, piece->to);
}

static void read_head(struct tunnel *tunnel)
{
	struct piece *head = tunnel->owner.waits;
	ssize_t got;

	do {
		got = tunnel_get_client(tunnel, head->bytes + head->to, head->room - head->to);
		head->to += got > 0 ? (size_t)got : 0;
	} while (got > 0 && !has_head(head));
	if (got < 0 || (got > 0 && !open_owner(tunnel))) {
		tunnel_end(tunnel);
	} else if (got > 0) {
		tunnel_open(tunnel);
	} else {
		tunnel_watch(
			&tunnel->client, UV_READABLE | (tunnel->reading_writes ? UV_WRITABLE : 0));
	}
}

static void shake_hands(struct tunnel *tunnel)
{
	int done, error;

	ERR_clear_error();
	done = SSL_accept(tunnel->ssl);
	error = SSL_get_error(tunnel->ssl, done);
	if (tunnel->doomed) {
		tunnel_end(tunnel);
		return;
	}
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		tunnel_watch(
			&tunnel->client, error == SSL_ERROR_WANT_READ ? UV_READABLE : UV_WRITABLE);
		return;
	}
	tunnel_end_handshake(tunnel);
	tls_settle(tunnel->ssl);
	if (done != 1 || !piece_make(&tunnel->owner.waits, HEAD_MAX)) {
		tunnel_end(tunnel);
		return;
	}
	tunnel->greet = read_head;
	read_head(tunnel);
}

/* As in conn.c: what is costly has gone out, or there are too many of them. */
static void on_tls_message(
	int out, int version, int type, const void *bytes, size_t len, SSL *ssl, void *cookie)
{
	struct tunnel *tunnel = cookie;

	(void)ssl;
	if (out && tls_has_cost(version, type, bytes, len)) {
		tunnel_end_handshake(tunnel);
	}
	if (!out && type == SSL3_RT_HANDSHAKE && ++tunnel->tls_messages == TLS_MESSAGES) {
		meter_add(METER_TLS_MESSAGES, 1);
		tunnel->doomed = true; /* OpenSSL is at work with it just now */
	}
}

int tunnels_init(struct tunnels *tunnels, struct sockets *sockets, struct tls **tls)
{
	*tunnels = (struct tunnels){.sockets = sockets};
	tunnels->context = SSL_CTX_new(TLS_server_method());
	if (!tunnels->context) {
		return -ENOMEM;
	}
	tls_attach(tls, tunnels->context);
	tls_speak_http1(tunnels->context);
	/* Who ends its side without a word of TLS is answered, as by libwebsockets; whether all of
	 * a request has come its head tells. */
	SSL_CTX_set_options(tunnels->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(tunnels->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
						   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
						   SSL_MODE_RELEASE_BUFFERS);
	return 0;
}

static bool begin(struct tunnel *tunnel)
{
	tunnel->ssl = SSL_new(tunnel->tunnels->context);
	if (!tunnel->ssl || !SSL_set_fd(tunnel->ssl, tunnel->client.fd) ||
		!tunnel_attach(tunnel, &tunnel->client)) {
		return false;
	}
	SSL_set_msg_callback(tunnel->ssl, on_tls_message);
	SSL_set_msg_callback_arg(tunnel->ssl, tunnel);
	return true;
}

static struct deadlines *deadlines_of(const struct tunnel *tunnel)
{
	return tunnel->tunnels->sockets->deadlines;
}

static uint64_t quarter_of(const struct tunnel *tunnel)
{
	return tunnel->tunnels->sockets->options->handshake_timeout * 1000 / QUARTERS;
}

static void on_quarter(struct wheel_timer *timer)
{
	struct tunnel *tunnel =
		(struct tunnel *)(void *)((char *)timer - offsetof(struct tunnel, timer));

	if (tunnel->shakes_hands && census_is_crowded(tunnel->accepted.group)) {
		meter_add(METER_HANDSHAKES_GAVE_WAY, 1);
		tunnel_end(tunnel);
	} else if (tunnel->quarters--) {
		deadlines_set(deadlines_of(tunnel), timer, quarter_of(tunnel), on_quarter);
	} else {
		meter_add(METER_ACCEPT_LATE, 1);
		tunnel_end(tunnel);
	}
}

void tunnels_add(struct tunnels *tunnels, struct accepted *accepted)
{
	struct tunnel *tunnel = tunnel_create(tunnels, accepted, -1, shake_hands);

	if (!tunnel) {
		return;
	}
	if (!begin(tunnel)) {
		tunnel_end(tunnel);
		return;
	}
	census_begin_handshake(tunnel->accepted.group);
	tunnel->shakes_hands = true;
	tunnel->quarters = QUARTERS - 1;
	deadlines_set(deadlines_of(tunnel), &tunnel->timer, quarter_of(tunnel), on_quarter);
	shake_hands(tunnel);
}

void tunnels_join(struct tunnels *tunnels, struct accepted *accepted, int fd)
{
	struct tunnel *tunnel = tunnel_create(tunnels, accepted, fd, NULL);

	if (!tunnel) {
		close(fd);
	} else if (tunnel_attach(tunnel, &tunnel->client) &&
		   tunnel_attach(tunnel, &tunnel->owner)) {
		tunnel_open(tunnel);
	} else {
		tunnel_end(tunnel);
	}
}
