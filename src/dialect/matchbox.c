/*
 * matchbox: rooms for matchbox_socket, the peer-to-peer sockets of games in Rust. Whoever was there
 * before is told of a newcomer and makes it an offer; with `?next=N` each N who come are a group by
 * themselves. docs/protocols/matchbox.md is the page for users.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/ids.h"
#include "nakodo/base/json.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/event.h"

#define NEXT_MAX 256 /* peers in one group: each is connected to each */
#define ROOM_MAX 120 /* bytes; the hub's rooms need a few more for what stands before */

#define CLOSE_BAD_REQUEST 4400
#define CLOSE_ROOM_FULL 4413

static int matchbox_start(struct mount *mount, struct problem *problem)
{
	return mount_check(mount, (const char *const[]){NULL}, problem);
}

/* The original's own, for whoever watches it. */
static bool matchbox_http(const struct mount *mount, const struct dialect_request *request,
	struct dialect_answer *ret)
{
	if (mount->path || strcmp(request->path, "/health") != 0) {
		return false;
	}
	ret->status = 200;
	ret->type = "text/plain";
	ret->body = "";
	return true;
}

/* {"NAME":"ID"} to one peer, or to a room but that peer. */
static void tell(struct peer *peer, struct room *room, const char *name, const char *id)
{
	char text[32 + IDS_UUID];
	struct iovec part = {text, 0};

	part.iov_len = (size_t)snprintf(text, sizeof(text), "{\"%s\":\"%s\"}", name, id);
	if (room) {
		hub_publish_text(room, &part, 1, peer);
	} else {
		hub_send_text(peer, &part, 1);
	}
}

/* 0, with `ret` 0 if the request has no `next` or one that is no number, as the original takes it;
 * or -EINVAL. */
static int read_next(const struct request *request, unsigned long *ret)
{
	char text[32];
	long len = request_get(request, "next", text, sizeof(text));
	unsigned long next;

	*ret = 0;
	if (len < 1 || strspn(text, "0123456789") != (size_t)len) {
		return 0;
	}
	next = strtoul(text, NULL, 10);
	if (next < 1 || next > NEXT_MAX) {
		return -EINVAL;
	}
	*ret = next;
	return 0;
}

/* The last of a group has come: move it out of the room where the next ones will wait. Its new name
 * is no other room's, as no room in a path has a slash and no connection's number comes twice. */
static void complete_group(struct room *waiting, const struct peer *last)
{
	const struct mount *mount = last->state_of_dialect;
	struct hub_space *space = waiting->space;
	struct member *member, *next, *seat;
	char name[24], key[HUB_NAME_MAX + 1];

	snprintf(name, sizeof(name), "/%" PRIu64, last->id);
	snprintf(key, sizeof(key), "%s", waiting->name);
	DL_FOREACH_SAFE (waiting->members, member, next) {
		/* While all still sit in the old room, all are told if one drops out. */
		if (hub_join(space, name, member->peer, member->id, &seat)) {
			hub_close(member->peer, 1011, "out of memory");
		} else {
			event_join(mount, seat->room, member->peer, member->id);
		}
	}
	while ((waiting = hub_room(space, key))) {
		event_leave(
			mount, waiting, waiting->members->peer, waiting->members->id, EVENT_MOVED);
		hub_leave(waiting->members);
	}
}

static void matchbox_open(struct peer *peer, const struct request *request)
{
	char room[HUB_NAME_MAX + 1], id[IDS_UUID];
	struct member *self;
	unsigned long next;
	int error;

	if (strlen(request->room) > ROOM_MAX) {
		hub_close(peer, CLOSE_BAD_REQUEST, "a room's name has at most 120 bytes");
		return;
	}
	if (read_next(request, &next)) {
		hub_close(peer, CLOSE_BAD_REQUEST, "next must be a number from 1 to 256");
		return;
	}
	if (next) {
		snprintf(room, sizeof(room), "%lu/%s", next, request->room);
	} else {
		snprintf(room, sizeof(room), "%s", request->room);
	}
	ids_uuid(id);
	error = hub_join(request->mount->space, room, peer, id, &self);
	if (error) {
		hub_close(peer, error == -ENOSPC ? CLOSE_ROOM_FULL : 1011,
			error == -ENOSPC ? "room full" : "out of memory");
		return;
	}
	peer->state_of_dialect = (void *)request->mount;
	event_join(request->mount, self->room, peer, id);
	tell(peer, NULL, "IdAssigned", id);
	tell(peer, self->room, "NewPeer", id);
	if (self->room->count == next) {
		complete_group(self->room, peer);
	}
}

/* Nobody else is told: who sits in no room met nobody, and who waits has never heard of a group. */
static void matchbox_close(struct peer *peer)
{
	if (peer->seats) {
		event_close(peer->state_of_dialect, peer);
		tell(peer, peer->seats->room, "PeerLeft", peer->seats->id);
	}
}

/* A UUID with or without hyphens, in upper or lower case (RFC 9562 section 4), as we print it. */
static bool read_uuid(const struct json_value *value, char ret[IDS_UUID])
{
	char text[IDS_UUID];
	const char *in = text;
	long len = json_decode(value, text, sizeof(text));

	if (len != 36 && len != 32) {
		return false;
	}
	for (int i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (len == 36 && *in++ != '-') {
				return false;
			}
			ret[i] = '-';
		} else {
			if (!isxdigit((unsigned char)*in)) {
				return false;
			}
			ret[i] = (char)tolower((unsigned char)*in++);
		}
	}
	ret[36] = '\0';
	return true;
}

static void pass_on(struct peer *peer, const struct json_value *receiver, struct json_value *data)
{
	const struct member *self = peer->seats, *to;
	char id[IDS_UUID];
	struct iovec parts[] = {
		PART("{\"Signal\":{\"sender\":\""),
		PART_OF(self->id),
		PART("\",\"data\":"),
		PART_BYTES(data->at, data->len),
		PART("}}"),
	};

	to = read_uuid(receiver, id) ? hub_find(self->room, id) : NULL;
	if (to) {
		hub_send_text(to->peer, parts, sizeof(parts) / sizeof(*parts));
	}
}

static void matchbox_message(struct peer *peer, const char *data, size_t len, bool binary)
{
	struct json_member signal = {.name = "Signal"};
	struct json_member members[] = {{.name = "receiver"}, {.name = "data"}};

	/* The protocol has no word for an error: what it does not know is passed over, and so is
	 * "KeepAlive", which only has to arrive. */
	if (binary || json_scan(data, len, &signal, 1) != JSON_OK ||
		signal.value.kind != JSON_OBJECT ||
		json_scan(signal.value.at, signal.value.len, members, 2) != JSON_OK ||
		members[1].value.kind == JSON_ABSENT) {
		return;
	}
	pass_on(peer, &members[0].value, &members[1].value);
}

const struct dialect dialect_matchbox = {
	.name = "matchbox",
	.room_in_path = true,
	.start = matchbox_start,
	.http = matchbox_http,
	.open = matchbox_open,
	.message = matchbox_message,
	.close = matchbox_close,
};
