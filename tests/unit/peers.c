/* peers: see the header. Frames are taken apart here by RFC 6455 section 5.2, not by hub/frame. */
#include "peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/address.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/service/grant.h"
#include "nakodo/service/jwt.h"

#define ARGUMENTS_MAX 8

struct options peers_options = {
	.max_message = 65536,
	.message_rate = 50,
	.byte_rate = 1048576,
	.send_queue = 262144,
	.resume_seconds = 30,
	.resume_messages = 1024,
	.resume_bytes = 1048576,
	.room_history = 50,
	.max_meta = 4096,
	.room_peers = 16,
	.max_peers_per_address = 256,
	.rooms_max = 10000,
};

struct dialect_env peers_env = {.options = &peers_options};

static uint64_t host_now(void *cookie)
{
	const struct peers *peers = cookie;

	return peers->now;
}

static void host_set_timer(void *cookie, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn)
{
	struct peers *peers = cookie;

	wheel_set(&peers->wheel, timer, peers->now + delay, fn);
}

static void host_clear_timer(void *cookie, struct wheel_timer *timer)
{
	struct peers *peers = cookie;

	wheel_clear(&peers->wheel, timer);
}

void peers_wait(struct peers *peers, uint64_t ms)
{
	/* In small steps: what a timer does may set another that is due within the time. */
	for (uint64_t end = peers->now + ms; peers->now < end;) {
		peers->now += end - peers->now < WHEEL_STEP ? end - peers->now : WHEEL_STEP;
		wheel_run(&peers->wheel, peers->now);
	}
}

void peers_init(struct peers *peers, struct hub_limits limits, const char *const *mounts)
{
	struct option_item items[PEERS_MAX];
	struct option_list list = {.items = items};
	struct hub_host host = {host_now, host_set_timer, host_clear_timer, peers};
	struct problem problem;

	memset(peers, 0, sizeof(*peers));
	peers->hub = hub_create(&limits);
	assert_non_null(peers->hub);
	hub_set_host(peers->hub, &host);
	wheel_init(&peers->wheel, peers->now);
	for (; *mounts; mounts++) {
		assert_true(list.count < PEERS_MAX);
		items[list.count++] = (struct option_item){(char *)*mounts, (char *)"test"};
	}
	if (dialect_table_create(&peers->mounts, peers->hub, &peers_env, &list, &problem)) {
		fail_msg("%s", problem.text);
	}
}

void peers_finish(struct peers *peers)
{
	for (size_t i = 0; i < peers->count; i++) {
		hub_drop(&peers->all[i].peer);
		assert_int_equal(peers->all[i].left, 1);
	}
	dialect_table_destroy(peers->mounts);
	hub_destroy(peers->hub);
}

struct peers_one *peers_of(struct peer *peer)
{
	return (struct peers_one *)peer;
}

static void on_leave(struct peer *peer)
{
	struct peers_one *one = peers_of(peer);
	struct member *member;

	one->left++;
	for (member = peer->seats; member; member = member->seat_next) {
		one->left_seats++;
	}
	if (one->mount && one->mount->dialect->close) {
		one->mount->dialect->close(peer);
	}
}

struct peer *peers_add(struct peers *peers)
{
	struct peer *peer = &peers->all[peers->count].peer;

	assert_true(peers->count < PEERS_MAX);
	peer->heard = peers->now;
	hub_open(peers->hub, peer, ++peers->count, on_leave);
	return peer;
}

struct grant *peers_grant(const char *text)
{
	struct jwt_claims claims = {.len = strlen(text)};
	struct grant *grant = NULL;
	struct problem problem;

	assert_true(claims.len <= sizeof(claims.text));
	memcpy(claims.text, text, claims.len);
	assert_int_equal(grant_read(&grant, &claims, &problem), 0);
	return grant;
}

void peers_publish(struct room *room, const char *text, const struct peer *except)
{
	struct iovec part = {(void *)text, strlen(text)};
	struct message message;

	message_init(&message, &part, 1, false, true);
	hub_publish(room, &message, except);
	message_finish(&message);
}

struct peer *peers_connect(struct peers *peers, const char *url)
{
	return peers_connect_from(peers, NULL, url);
}

struct peer *peers_connect_from(struct peers *peers, const char *from, const char *url)
{
	const char *arguments[ARGUMENTS_MAX + 1] = {NULL}, *room;
	char *path = strdup(url), *rest = path, *argument;
	struct address address;
	struct request request = {.arguments = arguments, .address = from ? &address : NULL};
	struct peer *peer = peers_add(peers);
	size_t count = 0;

	assert_true(!from || address_parse(&address, from, strlen(from)));
	strsep(&rest, "?");
	while ((argument = strsep(&rest, "&"))) {
		assert_true(count < ARGUMENTS_MAX);
		arguments[count++] = argument;
	}
	request.mount = dialect_table_route(peers->mounts, path, &room);
	assert_non_null(request.mount);
	request.room = room;
	peers_of(peer)->mount = request.mount;
	request.mount->dialect->open(peer, &request);
	free(path); /* a dialect must not keep what the request points to */
	return peer;
}

void peers_send(struct peer *peer, const void *data, size_t len, bool binary)
{
	char *copy = malloc(len ? len : 1); /* its end is where a sanitizer looks */

	assert_int_equal(peer->state, PEER_OPEN); /* as net promises */
	memcpy(copy, data, len);
	peer->heard = hub_now(peer->hub);
	peers_of(peer)->mount->dialect->message(peer, copy, len, binary);
	free(copy);
}

void peers_say(struct peer *peer, const char *text)
{
	peers_send(peer, text, strlen(text), false);
}

static const unsigned char *payload_of(const struct frame *frame, size_t *ret_len)
{
	size_t head = 2, len = frame->bytes[1];

	assert_true(frame->bytes[0] & 0x80); /* FIN */
	assert_true(len < 128); /* no MASK */
	if (len >= 126) {
		head = len == 126 ? 4 : 10;
		len = 0;
		for (size_t i = 2; i < head; i++) {
			len = len << 8 | frame->bytes[i];
		}
	}
	assert_int_equal(frame->len, head + len);
	*ret_len = len;
	return frame->bytes + head;
}

static const char *text_of(const struct frame *frame)
{
	static char text[70000];
	size_t len;
	const unsigned char *payload = payload_of(frame, &len);
	char head[16] = "";

	switch (frame->bytes[0] & 0x7f) {
	case FRAME_TEXT:
		snprintf(head, sizeof(head), "text");
		break;
	case FRAME_BINARY:
		snprintf(head, sizeof(head), "binary");
		break;
	case FRAME_PING:
		snprintf(head, sizeof(head), "ping");
		break;
	case FRAME_CLOSE:
		if (len == 0) {
			return "close";
		}
		assert_in_range(len, 2, 125);
		snprintf(head, sizeof(head), "close %u", payload[0] << 8 | payload[1]);
		payload += 2;
		len -= 2;
		break;
	default:
		fail_msg("opcode %02x", frame->bytes[0]);
	}
	assert_true(len < sizeof(text) - sizeof(head) - 1);
	snprintf(text, sizeof(text), "%s %.*s", head, (int)len, (const char *)payload);
	return text;
}

const char *peers_hear(struct peer *peer)
{
	struct frame *frame = outbox_pop(&peer->outbox);
	const char *text = frame ? text_of(frame) : "nothing";

	frame_unref(frame);
	return text;
}
