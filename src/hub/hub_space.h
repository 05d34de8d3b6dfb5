/*
 * hub_space: a namespace of rooms, as the files of hub.h know it.
 */
#pragma once

#include <stddef.h>

struct hub;
struct room;
struct room_walk;

struct hub_space {
	struct hub *hub;
	size_t own; /* what room_members may point to */
	const size_t *room_members; /* the hub's, or its own */
	struct room *rooms;
	struct room_walk *walks; /* that are under way there */
	struct hub_space *next;
};
