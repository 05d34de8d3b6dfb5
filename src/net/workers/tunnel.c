/* tunnel: owns the client's socket, its TLS, and one end of the socket to whom it belongs. */
#include "nakodo/net/workers/tunnel.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/hub/audit.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/kernel.h"
#include "nakodo/net/socket/sniff.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/tls/tls.h"
#include "piece.h"
#include "tunnel_sides.h"

#define HEAD_MAX 4096 /* bytes of a request; libwebsockets has no room for more */
#define PAIR_ROOM 32768 /* bytes that the kernel keeps for the other end; it doubles that */
#define COST 12288 /* bytes: what one takes here and in OpenSSL */
#define QUARTERS 4 /* of handshake-timeout; see conn_adopt() */
#define GOODBYE 2000 /* ms for the client to close its side when we have closed ours */
#define AROUND 16 /* bytes at most that are around a message (RFC 6455 section 5.2) */
#define RECORD 256 /* bytes: what one of TLS costs besides; a message has one or two */
#define BURST 8 /* seconds of what may come, at once */
#define LAST_WORDS 60000 /* ms for one side to take what was left when the other ended */

static struct tunnel *tunnel_of(struct wheel_timer *timer)
{
	return (struct tunnel *)(void *)((char *)timer - offsetof(struct tunnel, timer));
}

static struct deadlines *deadlines_of(const struct tunnel *tunnel)
{
	return tunnel->tunnels->sockets->deadlines;
}

static void end_handshake(struct tunnel *tunnel)
{
	if (tunnel->shakes_hands) {
		tunnel->shakes_hands = false;
		census_end_handshake(tunnel->accepted.group);
	}
}

static void on_side_closed(uv_handle_t *handle)
{
	struct tunnel *tunnel = handle->data;

	if (--tunnel->handles) {
		return;
	}
	SSL_free(tunnel->ssl);
	if (tunnel->owner.fd >= 0) {
		close(tunnel->owner.fd);
	}
	conn_discard(&tunnel->accepted);
	free(tunnel);
}

static void close_side(struct tunnel *tunnel, struct side *side)
{
	piece_drop(&side->waits);
	if (side->watched) {
		tunnel->handles++;
		uv_close((uv_handle_t *)&side->poll, on_side_closed);
	}
}

static void end(struct tunnel *tunnel)
{
	if (tunnel->closing) {
		return;
	}
	tunnel->closing = true;
	end_handshake(tunnel);
	deadlines_clear(deadlines_of(tunnel), &tunnel->timer);
	deadlines_clear(deadlines_of(tunnel), &tunnel->held);
	DL_DELETE(tunnel->tunnels->all, tunnel);
	tunnel->tunnels->count--;
	tunnel->tunnels->open -= tunnel->open;
	tunnel->tunnels->sockets->count--;
	memory_give(MEMORY_CONNECTIONS, COST);
	close_side(tunnel, &tunnel->client);
	close_side(tunnel, &tunnel->owner);
}

static uint64_t quarter_of(const struct tunnel *tunnel)
{
	return tunnel->tunnels->sockets->options->handshake_timeout * 1000 / QUARTERS;
}

static void on_time(struct wheel_timer *timer)
{
	struct tunnel *tunnel = tunnel_of(timer);

	if (tunnel->open) {
		end(tunnel);
	} else if (tunnel->shakes_hands && census_is_crowded(tunnel->accepted.group)) {
		meter_add(METER_HANDSHAKES_GAVE_WAY, 1);
		end(tunnel);
	} else if (tunnel->quarters--) {
		deadlines_set(deadlines_of(tunnel), timer, quarter_of(tunnel), on_time);
	} else {
		meter_add(METER_ACCEPT_LATE, 1);
		end(tunnel);
	}
}

static void on_side(uv_poll_t *poll, int status, int events);

static void watch(struct side *side, int events)
{
	if (side->watched && side->events != events) {
		side->events = events;
		if (events) {
			uv_poll_start(&side->poll, events, on_side);
		} else {
			uv_poll_stop(&side->poll);
		}
	}
}

static void watch_both(struct tunnel *tunnel)
{
	struct side *client = &tunnel->client, *owner = &tunnel->owner;
	bool from_client = !client->ended && !owner->waits && !tunnel->held.at;
	bool from_owner = !owner->ended && !client->waits;
	bool to_client = client->waits;
	bool reads = from_client || (to_client && tunnel->writing_reads);
	bool writes =
		(to_client && !tunnel->writing_reads) || (from_client && tunnel->reading_writes);

	/* For nothing that go_on() would leave as it is, or the loop turns and turns. */
	watch(client, (reads ? UV_READABLE : 0) | (writes ? UV_WRITABLE : 0));
	watch(owner, (from_owner            ? UV_READABLE
			     : owner->ended ? 0
			     : owner->gone  ? 0
					    : UV_DISCONNECT) |
			     (owner->waits ? UV_WRITABLE : 0));
}

static uint64_t slow_of(const struct tunnel *tunnel)
{
	return tunnel->tunnels->sockets->options->slow_seconds * 1000;
}

/* Whose peer it is looks for the same (ws/stall.h), but to it all is taken that is here. */
static void on_slow(struct wheel_timer *timer)
{
	struct tunnel *tunnel = tunnel_of(timer);
	uint64_t now = deadlines_now(deadlines_of(tunnel));

	if (!tunnel_client_lags(tunnel, now)) {
		return;
	}
	if (now - tunnel->moved < slow_of(tunnel)) {
		deadlines_set(deadlines_of(tunnel), timer, slow_of(tunnel) / QUARTERS, on_slow);
		return;
	}
	/* If it waits as well, it sees that and counts it. */
	meter_add(METER_STALLED, tunnel_owner_waits(tunnel) ? 0 : 1);
	end(tunnel);
}

/* An idle one has no timer. */
static void watch_time(struct tunnel *tunnel)
{
	struct deadlines *deadlines = deadlines_of(tunnel);

	if (tunnel->owner.ended || tunnel->owner.gone || tunnel->parted || tunnel->deaf) {
		if (!tunnel->last_words) {
			deadlines_set(deadlines, &tunnel->timer, LAST_WORDS, on_time);
			tunnel->last_words = true;
		}
	} else if ((tunnel->wrote || tunnel->client.waits) && !tunnel->timer.at) {
		tunnel->moved = deadlines_now(deadlines);
		deadlines_set(deadlines, &tunnel->timer, slow_of(tunnel) / QUARTERS, on_slow);
	}
	tunnel->wrote = false;
}

/* The owner has ended and had its last word: the client is told, which may take the rest of what
 * the kernel has. Called again when that was full and has room. */
static void say_goodbye(struct tunnel *tunnel)
{
	if (!tunnel->said_goodbye) {
		tunnel->said_goodbye = true;
		watch(&tunnel->owner, 0);
		deadlines_clear(deadlines_of(tunnel), &tunnel->held);
		deadlines_set(deadlines_of(tunnel), &tunnel->timer, GOODBYE, on_time);
	}
	watch(&tunnel->client, UV_READABLE | (tunnel_shut_client(tunnel) ? 0 : UV_WRITABLE));
}

/* What is closed with something unread is reset, and the client may not get what was said last. */
static void wait_for_end(struct tunnel *tunnel, int events)
{
	char bytes[4096];
	ssize_t got;

	if (events & UV_WRITABLE) {
		say_goodbye(tunnel);
	}
	got = recv(tunnel->client.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (!got || (got < 0 && errno != EAGAIN && errno != EINTR)) {
		end(tunnel);
	}
}

static void on_held(struct wheel_timer *timer);

/* Whose peer it is sees messages and their rates, but cannot ask the kernel what came besides, as
 * flood does, nor see in what pieces it came, as pace does. Who sends no more than its rates sends
 * no more than twice of this. */
static void count(struct tunnel *tunnel)
{
	const struct options *options = tunnel->tunnels->sockets->options;
	uint64_t messages = options->message_rate;
	uint64_t rate = 2 * (options->byte_rate + messages * (AROUND + RECORD)), wait;
	size_t came = tunnel->came + (messages ? tunnel->records * RECORD : 0);

	tunnel->records = 0;
	tunnel->came = 0; /* also when it is not counted: a reload may set a rate */
	if (!options->byte_rate || !came) {
		return;
	}
	wait = limit_spend_bytes(
		&tunnel->limit, deadlines_now(deadlines_of(tunnel)), rate, rate * BURST, came);
	if (wait) {
		meter_add(METER_HELD, 1);
		deadlines_set(deadlines_of(tunnel), &tunnel->held, wait, on_held);
	}
}

static void go_on(struct tunnel *tunnel)
{
	struct side *client = &tunnel->client, *owner = &tunnel->owner;
	bool alive;

	tunnel_push(tunnel, owner);
	tunnel_push(tunnel, client);
	alive = (tunnel->held.at || tunnel_pump(tunnel, client, owner)) &&
		tunnel_pump(tunnel, owner, client);
	if (client->ended && !owner->ended) {
		tunnel_part(tunnel);
	}
	if (!alive || tunnel->doomed || (owner->ended && tunnel->deaf)) {
		end(tunnel);
	} else if (owner->ended && !client->waits) {
		say_goodbye(tunnel);
	} else {
		count(tunnel);
		watch_time(tunnel);
		watch_both(tunnel);
	}
}

static void on_held(struct wheel_timer *timer)
{
	struct tunnel *tunnel =
		(struct tunnel *)(void *)((char *)timer - offsetof(struct tunnel, held));

	go_on(tunnel);
}

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
	if (!tunnels->decrypted(tunnels->cookie, &tunnel->accepted, ends[1]) ||
		uv_poll_init(tunnels->sockets->loop, &tunnel->owner.poll, ends[0])) {
		return false;
	}
	tunnel->owner.watched = true;
	tunnel->owner.poll.data = tunnel;
	return true;
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
		end(tunnel);
	} else if (got > 0) {
		tunnel->open = true;
		tunnel->tunnels->open++;
		deadlines_clear(deadlines_of(tunnel), &tunnel->timer);
		go_on(tunnel);
	} else {
		watch(&tunnel->client, UV_READABLE | (tunnel->reading_writes ? UV_WRITABLE : 0));
	}
}

static void shake_hands(struct tunnel *tunnel)
{
	int done, error;

	ERR_clear_error();
	done = SSL_accept(tunnel->ssl);
	error = SSL_get_error(tunnel->ssl, done);
	if (tunnel->doomed) {
		end(tunnel);
		return;
	}
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		watch(&tunnel->client, error == SSL_ERROR_WANT_READ ? UV_READABLE : UV_WRITABLE);
		return;
	}
	end_handshake(tunnel);
	tls_settle(tunnel->ssl);
	if (done != 1 || !piece_make(&tunnel->owner.waits, HEAD_MAX)) {
		end(tunnel);
		return;
	}
	tunnel->greeted = true;
	read_head(tunnel);
}

/* An error: libuv has stopped. What that side has said is still there, and so is the error until
 * all of it is read: watched for no more than its end, it would be reported for ever. */
static void on_error(struct tunnel *tunnel, struct side *side)
{
	side->events = 0;
	side->readable = true;
	if (!tunnel->open || tunnel->said_goodbye) {
		end(tunnel);
		return;
	}
	tunnel->owner.gone |= side == &tunnel->owner;
	tunnel->deaf |= side == &tunnel->client;
	go_on(tunnel);
}

static void on_side(uv_poll_t *poll, int status, int events)
{
	struct tunnel *tunnel = poll->data;
	struct side *side = poll == &tunnel->owner.poll ? &tunnel->owner : &tunnel->client;

	side->readable |= (events & UV_READABLE) || tunnel->reading_writes;
	tunnel->owner.gone |= side == &tunnel->owner && (events & UV_DISCONNECT);
	if (status < 0) {
		on_error(tunnel, side);
	} else if (tunnel->said_goodbye) {
		wait_for_end(tunnel, events);
	} else if (tunnel->open) {
		go_on(tunnel);
	} else if (tunnel->greeted) {
		read_head(tunnel);
	} else {
		shake_hands(tunnel);
	}
}

/* As in conn.c: what is costly has gone out, or there are too many of them. */
static void on_tls_message(
	int out, int version, int type, const void *bytes, size_t len, SSL *ssl, void *cookie)
{
	struct tunnel *tunnel = cookie;

	(void)ssl;
	if (out && tls_has_cost(version, type, bytes, len)) {
		end_handshake(tunnel);
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
	struct tunnels *tunnels = tunnel->tunnels;

	tunnel->ssl = SSL_new(tunnels->context);
	if (!tunnel->ssl || !SSL_set_fd(tunnel->ssl, tunnel->client.fd) ||
		uv_poll_init(tunnels->sockets->loop, &tunnel->client.poll, tunnel->client.fd)) {
		return false;
	}
	SSL_set_msg_callback(tunnel->ssl, on_tls_message);
	SSL_set_msg_callback_arg(tunnel->ssl, tunnel);
	tunnel->client.watched = true;
	tunnel->client.poll.data = tunnel;
	return true;
}

void tunnels_add(struct tunnels *tunnels, struct accepted *accepted)
{
	struct tunnel *tunnel = calloc(1, sizeof(*tunnel));

	if (!tunnel) {
		conn_discard(accepted);
		return;
	}
	tunnel->tunnels = tunnels;
	tunnel->client.fd = accepted->fd;
	tunnel->owner.fd = -1;
	if (!begin(tunnel)) {
		SSL_free(tunnel->ssl);
		free(tunnel);
		conn_discard(accepted);
		return;
	}
	tunnel->accepted = *accepted;
	memory_take(MEMORY_CONNECTIONS, COST);
	DL_APPEND(tunnels->all, tunnel);
	tunnels->count++;
	tunnels->sockets->count++;
	census_begin_handshake(accepted->group);
	tunnel->shakes_hands = true;
	tunnel->quarters = QUARTERS - 1;
	deadlines_set(deadlines_of(tunnel), &tunnel->timer, quarter_of(tunnel), on_time);
	shake_hands(tunnel);
}

void tunnels_finish(struct tunnels *tunnels)
{
	struct tunnel *tunnel, *next;

	DL_FOREACH_SAFE (tunnels->all, tunnel, next) {
		end(tunnel);
	}
}

void tunnels_destroy(struct tunnels *tunnels)
{
	SSL_CTX_free(tunnels->context);
}

#ifdef NAKODO_AUDIT
static void audit_waits(const struct piece *waits, struct audit *audit)
{
	if (waits) {
		audit_bytes(audit, MEMORY_FRAMES, waits->room);
	}
}

void tunnels_audit(const struct tunnels *tunnels, struct audit *audit)
{
	const struct tunnel *tunnel;

	DL_FOREACH (tunnels->all, tunnel) {
		audit_bytes(audit, MEMORY_CONNECTIONS, COST);
		audit_waits(tunnel->client.waits, audit);
		audit_waits(tunnel->owner.waits, audit);
	}
}
#endif
