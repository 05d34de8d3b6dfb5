/*
 * named-room: rooms and names. A peer opens a room under a name; every member that was there before
 * is asked to make an offer to it; offers and answers go to the one member they name.
 * docs/protocols/plain.md is the page for users.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/json.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/event.h"
#include "nakodo/service/grant.h"

enum { METHOD, ROOM_NAME, NAME, FROM, TO, DESCRIPTION, MEMBERS };

static int named_room_start(struct mount *mount, struct problem *problem)
{
	return mount_check(mount, (const char *const[]){NULL}, problem);
}

static void named_room_open(struct peer *peer, const struct request *request)
{
	peer->state_of_dialect = (void *)request->mount; /* the rooms come with the messages */
}

static void send_request(struct member *to, const char *newcomer)
{
	cJSON *object = cJSON_CreateObject();
	char *text = NULL;

	if (cJSON_AddStringToObject(object, "method", "rtc") &&
		cJSON_AddStringToObject(object, "type", "request") &&
		cJSON_AddStringToObject(object, "roomName", to->room->name) &&
		cJSON_AddStringToObject(object, "to", newcomer) &&
		cJSON_AddStringToObject(object, "from", to->id)) {
		text = cJSON_PrintUnformatted(object);
	}
	cJSON_Delete(object);
	if (text) {
		hub_send_text(to->peer, &PART_OF(text), 1);
		free(text);
	}
}

/* A name coming again replaces the old connection: it is the same person after a reload. */
static void free_name(struct hub_space *space, const char *room_name, const char *name)
{
	struct room *room = hub_room(space, room_name);
	struct member *old = room ? hub_find(room, name) : NULL;

	if (old) {
		hub_close(old->peer, 4409, "the name was opened by a newer connection");
	}
}

static void open_room(struct peer *peer, const struct json_member *members)
{
	const struct mount *mount = peer->state_of_dialect;
	struct hub_space *space = mount->space;
	char room[HUB_NAME_MAX + 1], name[HUB_NAME_MAX + 1];
	struct member *self, *other;
	int error;

	if (json_decode(&members[ROOM_NAME].value, room, sizeof(room)) < 1 ||
		json_decode(&members[NAME].value, name, sizeof(name)) < 1) {
		return;
	}
	if (!grant_may_join(peer->grant, room)) {
		hub_close(peer, 4403, "the token does not let into this room");
		return;
	}
	if (peer->seats) {
		event_leave(mount, peer->seats->room, peer, peer->seats->id, EVENT_MOVED);
		hub_leave(peer->seats);
	}
	free_name(space, room, name);
	error = hub_join(space, room, peer, name, &self);
	if (error) {
		hub_close(peer, error == -ENOSPC ? 4413 : 1011,
			error == -ENOSPC ? "room full" : "out of memory");
		return;
	}
	event_join(mount, self->room, peer, name);
	DL_FOREACH (self->room->members, other) {
		if (other != self) {
			send_request(other, name);
		}
	}
}

static void pass_on(
	struct peer *peer, const char *data, size_t len, const struct json_member *members)
{
	const struct json_value *description = &members[DESCRIPTION].value;
	struct json_member type = {.name = "type"};
	const struct json_value *target, *sender;
	char name[HUB_NAME_MAX + 1];
	struct member *to;

	if (!peer->seats || !json_equals(&members[ROOM_NAME].value, peer->seats->room->name) ||
		description->kind != JSON_OBJECT ||
		json_scan(description->at, description->len, &type, 1) != JSON_OK) {
		return;
	}
	if (json_equals(&type.value, "offer")) {
		target = &members[TO].value;
		sender = &members[FROM].value;
	} else if (json_equals(&type.value, "answer")) {
		target = &members[FROM].value;
		sender = &members[TO].value; /* to whom the offer was */
	} else {
		return;
	}
	if (!json_equals(sender, peer->seats->id) || json_decode(target, name, sizeof(name)) < 1) {
		return;
	}
	to = hub_find(peer->seats->room, name);
	if (to && to->peer != peer) {
		hub_send_text(to->peer, &PART_BYTES(data, len), 1);
	}
}

static void named_room_message(struct peer *peer, const char *data, size_t len, bool binary)
{
	struct json_member members[MEMBERS] = {
		[METHOD].name = "method",
		[ROOM_NAME].name = "roomName",
		[NAME].name = "name",
		[FROM].name = "from",
		[TO].name = "to",
		[DESCRIPTION].name = "description",
	};

	/* The protocol has no word for an error: what it does not know is passed over. */
	if (binary || json_scan(data, len, members, MEMBERS) != JSON_OK) {
		return;
	}
	if (json_equals(&members[METHOD].value, "open")) {
		open_room(peer, members);
	} else if (json_equals(&members[METHOD].value, "rtc")) {
		pass_on(peer, data, len, members);
	}
}

static void named_room_close(struct peer *peer)
{
	event_close(peer->state_of_dialect, peer);
}

const struct dialect dialect_named_room = {
	.name = "named-room",
	.subprotocols = true,
	.room_in_message = true,
	.start = named_room_start,
	.open = named_room_open,
	.message = named_room_message,
	.close = named_room_close,
};
