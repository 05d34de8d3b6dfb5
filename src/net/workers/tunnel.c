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
#include "tunnel_inside.h"
#include "tunnel_sides.h"

#define COST 12288 /* bytes: what one takes here and in OpenSSL */
#define QUARTERS 4 /* of slow-seconds, after which it is looked */
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

void tunnel_end_handshake(struct tunnel *tunnel)
{
	if (tunnel->shakes_hands) {
		tunnel->shakes_hands = false;
		census_end_handshake(tunnel->accepted.group);
	}
}

static void let_go(struct tunnel *tunnel)
{
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

static void on_side_closed(uv_handle_t *handle)
{
	let_go(handle->data);
}

static void close_side(struct tunnel *tunnel, struct side *side)
{
	piece_drop(&side->waits);
	if (side->watched) {
		tunnel->handles++;
		uv_close((uv_handle_t *)&side->poll, on_side_closed);
	}
}

void tunnel_end(struct tunnel *tunnel)
{
	if (tunnel->closing) {
		return;
	}
	tunnel->closing = true;
	tunnel_end_handshake(tunnel);
	deadlines_clear(deadlines_of(tunnel), &tunnel->timer);
	deadlines_clear(deadlines_of(tunnel), &tunnel->held);
	DL_DELETE(tunnel->tunnels->all, tunnel);
	tunnel->tunnels->count--;
	tunnel->tunnels->open -= tunnel->open;
	tunnel->tunnels->relays -= !tunnel->ssl && tunnel->open;
	tunnel->tunnels->sockets->count--;
	memory_give(MEMORY_CONNECTIONS, COST);
	tunnel->handles++;
	close_side(tunnel, &tunnel->client);
	close_side(tunnel, &tunnel->owner);
	let_go(tunnel);
}

static void on_time(struct wheel_timer *timer)
{
	tunnel_end(tunnel_of(timer));
}

static void on_side(uv_poll_t *poll, int status, int events);

void tunnel_watch(struct side *side, int events)
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
	tunnel_watch(client, (reads ? UV_READABLE : 0) | (writes ? UV_WRITABLE : 0));
	tunnel_watch(owner, (from_owner            ? UV_READABLE
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
	tunnel_end(tunnel);
}

/* Its client's side is that of the tunnel that speaks TLS, which watches the client itself. */
static bool is_behind_another(const struct tunnel *tunnel)
{
	return !tunnel->ssl && tunnel->accepted.decrypted;
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
	} else if ((tunnel->wrote || tunnel->client.waits) && !tunnel->timer.at &&
		   !is_behind_another(tunnel)) {
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
		tunnel_watch(&tunnel->owner, 0);
		deadlines_clear(deadlines_of(tunnel), &tunnel->held);
		deadlines_set(deadlines_of(tunnel), &tunnel->timer, GOODBYE, on_time);
	}
	tunnel_watch(&tunnel->client, UV_READABLE | (tunnel_shut_client(tunnel) ? 0 : UV_WRITABLE));
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
		tunnel_end(tunnel);
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
		tunnel_end(tunnel);
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

/* An error: libuv has stopped. What that side has said is still there, and so is the error until
 * all of it is read: watched for no more than its end, it would be reported for ever. */
static void on_error(struct tunnel *tunnel, struct side *side)
{
	side->events = 0;
	side->readable = true;
	if (!tunnel->open || tunnel->said_goodbye) {
		tunnel_end(tunnel);
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
	} else {
		tunnel->greet(tunnel);
	}
}

struct tunnel *tunnel_create(struct tunnels *tunnels, struct accepted *accepted, int owner,
	void (*greet)(struct tunnel *))
{
	struct tunnel *tunnel = calloc(1, sizeof(*tunnel));

	if (!tunnel) {
		conn_discard(accepted);
		return NULL;
	}
	*tunnel = (struct tunnel){
		.tunnels = tunnels,
		.accepted = *accepted,
		.client.fd = accepted->fd,
		.owner.fd = owner,
		.greet = greet,
	};
	memory_take(MEMORY_CONNECTIONS, COST);
	DL_APPEND(tunnels->all, tunnel);
	tunnels->count++;
	tunnels->sockets->count++;
	return tunnel;
}

bool tunnel_attach(struct tunnel *tunnel, struct side *side)
{
	if (uv_poll_init(tunnel->tunnels->sockets->loop, &side->poll, side->fd)) {
		return false;
	}
	side->watched = true;
	side->poll.data = tunnel;
	return true;
}

void tunnel_open(struct tunnel *tunnel)
{
	tunnel->open = true;
	tunnel->tunnels->open++;
	tunnel->tunnels->relays += !tunnel->ssl;
	tunnel->client.readable = true;
	deadlines_clear(deadlines_of(tunnel), &tunnel->timer);
	go_on(tunnel);
}

void tunnels_thin(struct tunnels *tunnels, size_t left)
{
	struct tunnel *tunnel, *next;

	DL_FOREACH_SAFE (tunnels->all, tunnel, next) {
		if (tunnels->relays > left && !tunnel->ssl && tunnel->open) {
			tunnel_end(tunnel);
		}
	}
}

void tunnels_finish(struct tunnels *tunnels)
{
	struct tunnel *tunnel, *next;

	DL_FOREACH_SAFE (tunnels->all, tunnel, next) {
		tunnel_end(tunnel);
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
