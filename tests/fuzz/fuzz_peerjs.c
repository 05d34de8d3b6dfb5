/*
 * fuzz peerjs: whatever peers do in whatever order, each hears JSON only, and in everybody's name
 * only what was sent under that name.
 *
 * A line of the input is one step; its first byte says which:
 *   +QUERY   one more peer connects with these parameters
 *   0TEXT    the first peer says TEXT in a text frame, 1TEXT the second, …; a, b, … in a binary one
 *   -0       the first peer's connection ends
 *   ~        a second passes
 *   ?PATH    a plain request
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistr.h>

#include "nakodo/base/json.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/wheel.h"
#include "nakodo/dialect/dialect_table.h"

#define PEERS 10
#define ARGUMENTS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dialect_env env = {.options = NULL};

static struct {
	struct hub *hub;
	struct dialect_table *table;
	const struct mount *mount;
	struct wheel wheel;
	uint64_t now;
	struct peer peers[PEERS];
	char ids[PEERS][HUB_NAME_MAX + 1]; /* that it was let in under; "" for none */
	size_t count;
} all;

/* Not assert(): it must hold in every kind of build. */
static void require(bool truth)
{
	if (!truth) {
		abort();
	}
}

static uint64_t host_now(void *cookie)
{
	(void)cookie;
	return all.now;
}

static void host_set_timer(void *cookie, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn)
{
	(void)cookie;
	wheel_set(&all.wheel, timer, all.now + delay, fn);
}

static void host_clear_timer(void *cookie, struct wheel_timer *timer)
{
	(void)cookie;
	wheel_clear(&all.wheel, timer);
}

static void on_leave(struct peer *peer)
{
	all.mount->dialect->close(peer);
	require(!peer->state_of_dialect);
}

static void begin(void)
{
	struct hub_limits limits = {.room_members = 256, .outbox_bytes = 16 * 1024};
	struct hub_host host = {host_now, host_set_timer, host_clear_timer, NULL};
	struct option_item item = {
		(char *)"/peerjs=peerjs?allow-discovery=yes&concurrent-limit=4&expire-timeout=3000&"
			"alive-timeout=9000",
		(char *)"fuzz"};
	struct option_list list = {.items = &item, .count = 1};
	struct problem problem;
	const char *room;

	memset(&all, 0, sizeof(all));
	wheel_init(&all.wheel, 0);
	all.hub = hub_create(&limits);
	hub_set_host(all.hub, &host);
	require(!dialect_table_create(&all.table, all.hub, &env, &list, &problem));
	all.mount = dialect_table_route(all.table, "/peerjs", &room);
}

static void end(void)
{
	for (size_t i = 0; i < all.count; i++) {
		hub_drop(&all.peers[i]);
	}
	dialect_table_destroy(all.table);
	hub_destroy(all.hub);
	for (int i = 0; i < WHEEL_SLOTS; i++) {
		require(!all.wheel.slots[i]);
	}
}

static void connect_peer(char *query)
{
	const char *arguments[ARGUMENTS + 1] = {NULL}, *argument;
	struct request request = {.mount = all.mount, .room = "", .arguments = arguments};
	struct peer *peer = &all.peers[all.count];
	size_t count = 0;

	if (all.count == PEERS) {
		return;
	}
	while (count < ARGUMENTS && (argument = strsep(&query, "&"))) {
		arguments[count++] = argument;
	}
	peer->heard = all.now;
	hub_open(all.hub, peer, ++all.count, on_leave);
	all.mount->dialect->open(peer, &request);
	if (peer->seats) {
		snprintf(all.ids[all.count - 1], sizeof(all.ids[0]), "%s", peer->seats->id);
	}
}

static void say(size_t index, const char *text, size_t len, bool binary)
{
	struct peer *peer = &all.peers[index];
	char *copy;

	/* net lets no other text pass */
	if (index >= all.count || peer->state != PEER_OPEN ||
		(!binary && u8_check((const uint8_t *)text, len))) {
		return;
	}
	copy = malloc(len ? len : 1);
	memcpy(copy, text, len);
	peer->heard = all.now;
	all.mount->dialect->message(peer, copy, len, binary);
	free(copy);
}

static void ask(const char *path)
{
	struct dialect_request request = {.path = path, .arguments = (const char *const[]){NULL}};
	struct dialect_answer answer = {0};

	if (dialect_table_http(all.table, NULL, &request, &answer)) {
		require(answer.len == strlen(answer.body));
		require(strncmp(answer.type, "application/json", 16) != 0 ||
			json_scan(answer.body, answer.len, NULL, 0) != JSON_BAD);
	}
	free(answer.owned);
}

static void check_text(const struct peer *peer, const char *text, size_t len)
{
	struct json_member members[] = {{.name = "type"}, {.name = "src"}, {.name = "dst"}};
	const struct json_value *type = &members[0].value;
	bool known = false;

	require(json_scan(text, len, members, 3) == JSON_OK);
	if (json_equals(type, "OPEN") || json_equals(type, "ERROR") ||
		json_equals(type, "ID-TAKEN")) {
		return;
	}
	require(json_equals(&members[2].value, all.ids[peer - all.peers]));
	for (size_t i = 0; i < all.count; i++) {
		known |= *all.ids[i] && json_equals(&members[1].value, all.ids[i]);
	}
	require(known || json_equals(type, "EXPIRE"));
}

static void listen_all(void)
{
	struct frame *frame;

	hub_settle(all.hub);
	for (size_t i = 0; i < all.count; i++) {
		while ((frame = outbox_pop(&all.peers[i].outbox))) {
			size_t form = frame->bytes[1], head = form < 126 ? 2 : form < 127 ? 4 : 10;

			require(frame->bytes[0] == 0x81 || frame->bytes[0] == 0x88);
			if (frame->bytes[0] == 0x81) {
				check_text(&all.peers[i], (const char *)frame->bytes + head,
					frame->len - head);
			}
			frame_unref(frame);
		}
	}
}

static void step(char *line, size_t len)
{
	size_t index = len > 1 ? (size_t)(line[1] - '0') : PEERS;

	if (*line >= '0' && *line <= '9') {
		say((size_t)(*line - '0'), line + 1, len - 1, false);
	} else if (*line >= 'a' && *line <= 'j') {
		say((size_t)(*line - 'a'), line + 1, len - 1, true);
	} else if (*line == '+') {
		connect_peer(line + 1);
	} else if (*line == '-' && index < all.count) {
		hub_drop(&all.peers[index]);
	} else if (*line == '~') {
		all.now += 1000;
		wheel_run(&all.wheel, all.now);
	} else if (*line == '?') {
		ask(line + 1);
	}
	listen_all();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *stop = at + size;

	begin();
	while (at < stop) {
		const char *eol = memchr(at, '\n', (size_t)(stop - at));
		size_t len = (size_t)((eol ? eol : stop) - at);
		char *line = malloc(len + 1);

		memcpy(line, at, len);
		line[len] = '\0';
		if (len) {
			step(line, len);
		}
		free(line);
		at += len + 1;
	}
	end();
	return 0;
}
