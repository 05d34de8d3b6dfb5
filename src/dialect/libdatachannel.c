/*
 * libdatachannel: what the example clients of libdatachannel and node-datachannel speak. A peer
 * comes under the id at the end of its path; a JSON object goes to the id in it, with the sender's
 * in its place. All ids of a mount are members of the one room "".
 * docs/protocols/libdatachannel.md is the page for users.
 */
#include <stdint.h>
#include <string.h>

#include "nakodo/base/json.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/utf8.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/event.h"

#define CLOSE_BAD_REQUEST 4400
#define CLOSE_ELSEWHERE 4409

static int libdatachannel_start(struct mount *mount, struct problem *problem)
{
	/* Bounded by max-peers: to have an id is to be connected, and nobody is told of all. */
	hub_space_set_room_members(mount->space, SIZE_MAX);
	return mount_check(mount, (const char *const[]){NULL}, problem);
}

static struct member *find(struct hub_space *space, const char *id)
{
	struct room *room = hub_room(space, "");

	return room ? hub_find(room, id) : NULL;
}

static void libdatachannel_open(struct peer *peer, const struct request *request)
{
	struct hub_space *space = request->mount->space;
	const char *id = request->room;
	struct member *old;

	/* It ends up in text frames. */
	if (!*id || strlen(id) > HUB_NAME_MAX || !utf8_is_valid(id, strlen(id))) {
		hub_close(peer, CLOSE_BAD_REQUEST,
			"the path must end with an id: UTF-8, 1 to 128 bytes");
		return;
	}
	/* Who comes again has often lost a connection that is not known to be dead yet. */
	old = find(space, id);
	if (old) {
		hub_close(old->peer, CLOSE_ELSEWHERE, "the id was taken by a newer connection");
	}
	if (hub_join(space, "", peer, id, NULL)) {
		hub_close(peer, 1011, "out of memory");
		return;
	}
	peer->state_of_dialect = (void *)request->mount;
	event_join(request->mount, peer->seats->room, peer, id);
}

static void libdatachannel_close(struct peer *peer)
{
	if (peer->state_of_dialect) {
		event_close(peer->state_of_dialect, peer);
	}
}

/* The object as it came, but for the value of its `id`. */
static void pass_on(const struct member *from, const struct member *to, const char *data,
	size_t len, const struct json_value *id)
{
	char quoted[JSON_QUOTED(HUB_NAME_MAX)];
	size_t before = (size_t)(id->at - data), after = before + id->len;
	const struct iovec parts[] = {
		PART_BYTES(data, before),
		PART_BYTES(quoted, (size_t)json_quote(from->id, quoted, sizeof(quoted))),
		PART_BYTES(data + after, len - after),
	};

	hub_send_text(to->peer, parts, 3);
}

static void libdatachannel_message(struct peer *peer, const char *data, size_t len, bool binary)
{
	const struct member *self = peer->seats, *to = NULL;
	struct json_member id = {.name = "id"};
	char name[HUB_NAME_MAX + 1];

	if (!binary && json_scan(data, len, &id, 1) == JSON_OK &&
		json_decode(&id.value, name, sizeof(name)) >= 0) {
		to = hub_find(self->room, name);
	}
	/* The protocol has no word for an error: a sender learns nothing. */
	if (to) {
		pass_on(self, to, data, len, &id.value);
	} else {
		meter_add(METER_MESSAGES_PASSED_OVER, 1);
	}
}

const struct dialect dialect_libdatachannel = {
	.name = "libdatachannel",
	.one_room = true,
	.room_in_path = true, /* the id, which a token must name like a room */
	.start = libdatachannel_start,
	.open = libdatachannel_open,
	.close = libdatachannel_close,
	.message = libdatachannel_message,
};
