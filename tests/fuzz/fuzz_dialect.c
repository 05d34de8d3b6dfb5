/*
 * fuzz dialect: some peers speak whatever dialects are mounted by default, in any order, and after
 * each step the hub must be in order. An input is a script of lines: a verb, the number of a peer,
 * and what goes with it.
 *
 *   o0/chat/r?frames=text   connect
 *   t0{"type":"offer"}      a text message; b0… a binary one
 *   p0                      a ping
 *   c0                      the server closes it
 *   d0                      its connection ends; d01001, with a close frame of that code
 *   f0                      the turn ends: all that waits is written, but nothing to peer 0
 *   w0                      a while passes; the digit says how long
 *   h/peerjs/id             a plain HTTP request
 *
 * Ids that the server makes are random: $0 in a message or behind o stands for the first UUID that
 * peer 0 was sent, #0 for the last one; of nakodo.v1 for its id and for its session.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "nakodo/base/address.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/wheel.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/hub/hub.h"
#include "rules.h"

#define PEERS 8
#define ARGUMENTS_MAX 16
#define ROOM_MEMBERS 4
#define OUTBOX_BYTES 2000
#define ID_LEN 36 /* of a UUID; others are shorter */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct client {
	struct peer peer; /* first: a peer is turned back by a cast */
	const struct mount *mount;
	unsigned waiting; /* frames in its outbox when it was looked at last */
	bool left; /* the hub has said that it leaves */
	char first[ID_LEN + 1], last[ID_LEN + 1]; /* ids that it was sent; "" when none */
};

static struct {
	struct hub *hub;
	struct dialect_table *mounts;
	struct wheel wheel;
	uint64_t now;
	uint64_t last_id;
	struct client clients[PEERS];
} world;

static uint64_t host_now(void *cookie)
{
	(void)cookie;
	return world.now;
}

static void host_set_timer(void *cookie, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn)
{
	(void)cookie;
	wheel_set(&world.wheel, timer, world.now + delay, fn);
}

static void host_clear_timer(void *cookie, struct wheel_timer *timer)
{
	(void)cookie;
	wheel_clear(&world.wheel, timer);
}

static void begin(void)
{
	static const struct hub_host host = {host_now, host_set_timer, host_clear_timer, NULL};
	static const struct hub_limits limits = {ROOM_MEMBERS, OUTBOX_BYTES};
	static struct options options;
	static const struct dialect_env env = {.options = &options};
	static char *const argv[] = {(char *)"nakodo"}, *const environment[] = {NULL};
	struct problem problem;

	if (!options.mount.count) {
		rules_require(!options_load(&options, 1, argv, environment, &problem));
		options.room_peers = ROOM_MEMBERS;
		options.max_peers_per_room = 2; /* of pixel-streaming */
		options.rooms_max = 3;
		options.room_history = 3;
		options.max_meta = 100;
		options.resume_messages = 16;
		options.resume_bytes = 2 * OUTBOX_BYTES;
	}
	memset(&world, 0, sizeof(world));
	world.hub = hub_create(&limits);
	rules_require(world.hub != NULL);
	hub_set_host(world.hub, &host);
	wheel_init(&world.wheel, 0);
	rules_require(
		!dialect_table_create(&world.mounts, world.hub, &env, &options.mount, &problem));
}

static void on_leave(struct peer *peer)
{
	struct client *client = (struct client *)peer;

	rules_require(!client->left);
	client->left = true;
	if (client->mount->dialect->close) {
		client->mount->dialect->close(peer);
	}
}

static void drop(struct client *client)
{
	hub_drop(&client->peer);
	rules_require(client->left || !client->mount);
	rules_require(!client->peer.outbox.count && !client->peer.outbox.room);
	rules_require(!client->peer.seats && !client->peer.dirty);
	memset(client, 0, sizeof(*client));
}

/* Every timer that could be set must be cleared by now, and LeakSanitizer looks for the rest. */
static void end(void)
{
	for (int i = 0; i < PEERS; i++) {
		drop(&world.clients[i]);
	}
	rules_require(!hub_is_dirty(world.hub));
	dialect_table_destroy(world.mounts);
	hub_destroy(world.hub);
	for (int i = 0; i < WHEEL_SLOTS; i++) {
		rules_require(!world.wheel.slots[i]);
	}
}

/* The URL's query, cut in place. */
static void cut_arguments(char *query, const char *ret[ARGUMENTS_MAX + 1])
{
	int count = 0;

	while (query && count < ARGUMENTS_MAX) {
		ret[count++] = strsep(&query, "&");
	}
	ret[count] = NULL;
}

static void connect(struct client *client, char *url)
{
	const char *arguments[ARGUMENTS_MAX + 1], *path = strsep(&url, "?");
	/* The first half of them from one address, the others from another. */
	struct address address = {{client - world.clients < PEERS / 2}};
	struct request request = {.arguments = arguments, .room = "", .address = &address};

	drop(client);
	cut_arguments(url, arguments);
	request.mount = dialect_table_route(world.mounts, path, &request.room);
	if (!request.mount) {
		return;
	}
	client->mount = request.mount;
	hub_open(world.hub, &client->peer, ++world.last_id, on_leave);
	request.mount->dialect->open(&client->peer, &request);
}

static void ask(char *url)
{
	const char *arguments[ARGUMENTS_MAX + 1], *path = strsep(&url, "?");
	struct dialect_request request = {.path = path, .arguments = arguments};
	struct dialect_answer answer = {.status = 0};

	cut_arguments(url, arguments);
	if (dialect_table_http(world.mounts, NULL, &request, &answer)) {
		rules_require(answer.status >= 200 && answer.status <= 599);
		rules_require(answer.body || !answer.len);
	}
	free(answer.owned);
}

/* What stands between the quotes behind `name` in the frame. */
static void read_id(const struct frame *frame, const char *name, char ret[ID_LEN + 1])
{
	const char *at = memmem(frame->bytes, frame->len, name, strlen(name));
	const char *end = (const char *)frame->bytes + frame->len, *quote;

	at = at ? at + strlen(name) : end;
	quote = memchr(at, '"', (size_t)(end - at));
	/* Who is relayed a message may read anything there. */
	if (quote && quote - at <= ID_LEN) {
		memcpy(ret, at, (size_t)(quote - at));
		ret[quote - at] = '\0';
	}
}

/* Look for UUIDs in what waits for the client. */
static void learn(struct client *client, const struct frame *frame)
{
	const char *at = (const char *)frame->bytes, *end = at + frame->len;

	if (client->mount->dialect == &dialect_nakodo_v1) {
		if (memmem(at, frame->len, "\"session\":", strlen("\"session\":"))) {
			read_id(frame, "\"id\":\"", client->first);
			read_id(frame, "\"session\":\"", client->last);
		}
		return;
	}
	for (; end - at >= ID_LEN + 2; at++) {
		if (at[0] == '"' && at[9] == '-' && at[14] == '-' && at[19] == '-' &&
			at[24] == '-' && at[ID_LEN + 1] == '"') {
			memcpy(client->last, at + 1, ID_LEN);
			if (!*client->first) {
				memcpy(client->first, at + 1, ID_LEN);
			}
		}
	}
}

/* A copy, whose end is where a sanitizer looks, with the ids filled in. */
static char *expand(const char *text, size_t len, size_t *ret_len)
{
	char *copy = malloc(len * ID_LEN + 2), *to = copy;

	for (size_t i = 0; i < len; i++) {
		unsigned digit = i + 1 < len ? (unsigned char)text[i + 1] - '0' : PEERS;
		const struct client *client = digit < PEERS ? &world.clients[digit] : NULL;

		if (client && *client->first && (text[i] == '$' || text[i] == '#')) {
			to = stpcpy(to, text[i] == '$' ? client->first : client->last);
			i++;
		} else {
			*to++ = text[i];
		}
	}
	*ret_len = (size_t)(to - copy);
	return realloc(copy, *ret_len ? *ret_len : 1);
}

static void receive(struct client *client, const char *data, size_t len, bool binary)
{
	char *copy;

	if (client->peer.state != PEER_OPEN) {
		return;
	}
	if (!binary && u8_check((const uint8_t *)data, len)) {
		hub_close(&client->peer, 1007, "a text message must be UTF-8");
		return;
	}
	copy = expand(data, len, &len);
	client->mount->dialect->message(&client->peer, copy, len, binary);
	free(copy);
}

static void ping(struct client *client)
{
	struct frame *frame = frame_create(FRAME_PING, NULL, 0);

	if (client->mount) {
		hub_push_control(&client->peer, frame);
	}
	frame_unref(frame);
}

/* As net does it between two turns; one that has been sent its close frame ends. */
static void flush(const struct client *stalled)
{
	struct peer *peer;

	hub_settle(world.hub);
	while ((peer = hub_next_dirty(world.hub, NULL, false))) {
		struct client *client = (struct client *)peer;

		rules_require(client->mount != NULL);
		if (client != stalled) {
			outbox_clear(&peer->outbox);
		}
		client->waiting = peer->outbox.count;
	}
	for (int i = 0; i < PEERS; i++) {
		peer = &world.clients[i].peer;
		rules_require(peer->state != PEER_OPEN || !peer->overflowed);
		if (peer->state == PEER_CLOSING && !peer->outbox.count) {
			drop(&world.clients[i]);
		}
	}
}

static void connect_expanded(struct client *client, const char *url, size_t len)
{
	char *copy = expand(url, len, &len);

	copy = realloc(copy, len + 1);
	copy[len] = '\0';
	connect(client, copy);
	free(copy);
}

/* As net does it when the daemon ends. */
static void send_away(struct client *client)
{
	if (!client->mount || client->peer.state != PEER_OPEN) {
		return;
	}
	if (client->mount->dialect->closing) {
		client->mount->dialect->closing(&client->peer, "drain", 1500);
	}
	hub_close(&client->peer, 1001, "the server is stopping");
}

static void wait(int digit)
{
	static const uint64_t times[] = {1, 100, 1000, 5000, 10000, 30000, 60000, 90000, 600000, 0};

	world.now += times[digit];
	wheel_run(&world.wheel, world.now);
}

static void step(char *line, size_t len)
{
	struct client *client;
	int digit;

	if (len < 2) {
		return;
	}
	if (*line == 'h') {
		ask(line + 1);
		return;
	}
	digit = (unsigned char)(line[1] - '0') % 10;
	client = &world.clients[digit % PEERS];
	switch (*line) {
	case 'o':
		connect_expanded(client, line + 2, len - 2);
		break;
	case 't':
	case 'b':
		receive(client, line + 2, len - 2, *line == 'b');
		break;
	case 'p':
		ping(client);
		break;
	case 'c':
		send_away(client);
		break;
	case 'd':
		client->peer.close_code = (uint16_t)strtoul(line + 2, NULL, 10);
		drop(client);
		break;
	case 'f':
		flush(client);
		break;
	case 'w':
		wait(digit);
		break;
	}
}

static void check_outbox(struct client *client)
{
	const struct outbox *outbox = &client->peer.outbox;
	size_t bytes = 0;
	bool closed = false;

	for (unsigned i = 0; i < outbox->count; i++) {
		const struct frame *frame =
			outbox->room ? outbox->ring[(outbox->head + i) & (outbox->room - 1)]
				     : outbox->few[(outbox->head + i) & (OUTBOX_INLINE - 1)];

		rules_require(!closed); /* a close frame is the last */
		closed = rules_frame(frame);
		learn(client, frame);
		bytes += frame->len;
	}
	rules_require(outbox->bytes == bytes);
	rules_require(outbox->count || !outbox->room);
	rules_require(closed == (client->peer.state == PEER_CLOSING && outbox->count));
	/* Whoever was given a frame is written to. */
	rules_require(outbox->count <= client->waiting || client->peer.dirty);
}

static void check_client(struct client *client)
{
	const struct peer *peer = &client->peer;
	const struct member *seat;
	size_t found;

	rules_require(client->left == (client->mount && peer->state != PEER_OPEN));
	rules_require(peer->state == PEER_OPEN || (!peer->seats && !peer->overflowed));
	rules_require(!peer->overflowed || !peer->outbox.count);
	check_outbox(client);
	client->waiting = peer->outbox.count;
	if (client->mount && client->mount->dialect == &dialect_nakodo_v1 &&
		peer->state_of_dialect) {
		const struct nakodo_v1_seat *own = peer->state_of_dialect;

		rules_require(own->peer == peer && own->member->room->count <= ROOM_MEMBERS);
		rules_room(own->member->room);
	}
	for (seat = peer->seats; seat; seat = seat->seat_next) {
		const struct member *member = seat->room->members;

		for (found = 0; member; member = member->next) {
			found += member == seat;
		}
		rules_require(seat->peer == peer && found == 1);
		/* The registers of these have bounds of their own. */
		rules_require(seat->room->count <= ROOM_MEMBERS ||
			      client->mount->dialect == &dialect_gstreamer ||
			      client->mount->dialect == &dialect_libdatachannel ||
			      client->mount->dialect == &dialect_peerjs ||
			      client->mount->dialect == &dialect_pixel_streaming);
		rules_room(seat->room);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *script = malloc(size + 1), *line = script, *next;

	memcpy(script, size ? data : (const uint8_t *)"", size);
	script[size] = '\n';
	begin();
	for (; line < script + size; line = next) {
		next = (char *)memchr(line, '\n', size + 1 - (size_t)(line - script)) + 1;
		next[-1] = '\0';
		step(line, (size_t)(next - 1 - line));
		for (int i = 0; i < PEERS; i++) {
			check_client(&world.clients[i]);
		}
	}
	end();
	free(script);
	return 0;
}
