/*
 * hub_room: owns rooms and members, each made by its first and gone with its last. See hub.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "hub_space.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/hub/hub.h"
#include "nakodo/hub/room_walk.h"
#include "nakodo/service/grant.h"

struct room *hub_room(struct hub_space *space, const char *name)
{
	struct room *room;

	HASH_FIND_STR(space->rooms, name, room);
	return room;
}

struct member *hub_find(const struct room *room, const char *id)
{
	struct member *member;

	HASH_FIND_STR(room->ids, id, member);
	return member;
}

const struct room *hub_first_room(const struct hub_space *space)
{
	return space->rooms;
}

static size_t size_of_room(const char *name)
{
	return sizeof(struct room) + strlen(name) + 1;
}

static struct room *room_create(struct hub_space *space, const char *name)
{
	struct room *room = calloc(1, size_of_room(name));

	if (room) {
		room->space = space;
		memcpy(room->name, name, strlen(name) + 1);
		HASH_ADD_STR(space->rooms, name, room);
		if (!room->hh.tbl) {
			free(room);
			return NULL;
		}
		memory_take(MEMORY_ROOMS, size_of_room(name));
		meter_add(METER_ROOMS, 1);
	}
	return room;
}

static void room_destroy(struct room *room)
{
	room_walk_pass(room->space->walks, room);
	HASH_DEL(room->space->rooms, room);
	memory_give(MEMORY_ROOMS, size_of_room(room->name));
	meter_subtract(METER_ROOMS, 1);
	free(room);
}

static size_t size_of_member(const char *id)
{
	return id ? sizeof(struct member) + strlen(id) + 1 : offsetof(struct member, session);
}

static size_t size_of_ids(const struct room *room)
{
	return hash_size(room->ids ? room->ids->hh.tbl : NULL);
}

static struct member *member_create(
	struct room *room, struct peer *peer, struct session *session, const char *id)
{
	struct member *member = calloc(1, id ? sizeof(*member) : offsetof(struct member, session));
	size_t before = size_of_ids(room);

	if (!member) {
		return NULL;
	}
	member->room = room;
	member->peer = peer;
	if (id) {
		member->session = session;
		member->id = strdup(id);
		if (member->id) {
			HASH_ADD_KEYPTR(hh, room->ids, member->id, strlen(member->id), member);
		}
		if (!member->id || !member->hh.tbl) {
			free(member->id);
			free(member);
			return NULL;
		}
	}
	memory_take(MEMORY_ROOMS, size_of_member(id) + size_of_ids(room) - before);
	DL_APPEND(room->members, member);
	if (peer) {
		DL_APPEND2(peer->seats, member, seat_prev, seat_next);
	}
	room->count++;
	return member;
}

/* Where the mount is one room of everybody, a token that bounds a room bounds none. */
static size_t bound_of(const struct hub_space *space, const struct peer *peer)
{
	size_t most = *space->room_members;

	return most == SIZE_MAX ? most : grant_bound(peer ? peer->grant : NULL, most);
}

static int join(struct hub_space *space, const char *name, struct peer *peer,
	struct session *session, const char *id, struct member **ret)
{
	struct room *room;
	struct member *member;

	if (strlen(name) > HUB_NAME_MAX || (id && (!*id || strlen(id) > HUB_NAME_MAX))) {
		return -EINVAL;
	}
	room = hub_room(space, name);
	if (room && id && hub_find(room, id)) {
		return -EEXIST;
	}
	if (room && room->count >= bound_of(space, peer)) {
		return -ENOSPC;
	}
	if (!room) {
		room = room_create(space, name);
	}
	member = room ? member_create(room, peer, session, id) : NULL;
	if (!member) {
		if (room && !room->count) {
			room_destroy(room);
		}
		return -ENOMEM;
	}
	if (ret) {
		*ret = member;
	}
	return 0;
}

int hub_join(struct hub_space *space, const char *name, struct peer *peer, const char *id,
	struct member **ret)
{
	return peer->state == PEER_OPEN ? join(space, name, peer, NULL, id, ret) : -EPIPE;
}

int hub_join_session(struct hub_space *space, const char *name, struct session *session,
	const char *id, struct member **ret)
{
	return id ? join(space, name, NULL, session, id, ret) : -EINVAL;
}

void hub_leave(struct member *member)
{
	struct room *room = member->room;
	size_t before = size_of_ids(room);

	if (member->id) {
		HASH_DEL(room->ids, member);
	}
	DL_DELETE(room->members, member);
	if (member->peer) {
		DL_DELETE2(member->peer->seats, member, seat_prev, seat_next);
	}
	memory_give(MEMORY_ROOMS, size_of_member(member->id) + before - size_of_ids(room));
	free(member->id);
	free(member);
	if (--room->count == 0) {
		room_destroy(room);
	}
}
