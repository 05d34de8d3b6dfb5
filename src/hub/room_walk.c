/* room_walk: see the header. */
#include "nakodo/hub/room_walk.h"

#include <utlist.h>

#include "hub_space.h"
#include "nakodo/hub/hub.h"

void room_walk_begin(struct room_walk *walk, struct hub_space *space)
{
	walk->space = space;
	walk->at = space->rooms;
	DL_APPEND(space->walks, walk);
}

const struct room *room_walk_next(struct room_walk *walk)
{
	const struct room *room = walk->at;

	if (room) {
		walk->at = room->hh.next;
	}
	return room;
}

void room_walk_end(struct room_walk *walk)
{
	if (walk->space) {
		DL_DELETE(walk->space->walks, walk);
		walk->space = NULL;
	}
}

void room_walk_pass(struct room_walk *walks, const struct room *room)
{
	struct room_walk *walk;

	DL_FOREACH (walks, walk) {
		if (walk->at == room) {
			walk->at = room->hh.next;
		}
	}
}

void room_walk_leave(struct room_walk *walks)
{
	struct room_walk *walk, *next;

	DL_FOREACH_SAFE (walks, walk, next) {
		walk->space = NULL;
		walk->at = NULL;
	}
}
