/*
 * all_rooms: look at the rooms of all mounts one after the other, with pauses in which rooms come
 * and go. Each room that is there all the time is met exactly once, unless mounts come or go as
 * well.
 */
#pragma once

#include <stddef.h>

#include "nakodo/hub/room_walk.h"

struct dialect_table;

/* The caller's memory, zeroed; all_rooms_end() before it or the table goes. */
struct all_rooms {
	const struct dialect_table *table;
	size_t mount; /* its number is one less */
	const char *path; /* where the last room is, until the next pause; "*": a listener's own */
	struct room_walk walk;
};

void all_rooms_begin(struct all_rooms *rooms, const struct dialect_table *table);
/* NULL: there are no more. */
const struct room *all_rooms_next(struct all_rooms *rooms);
void all_rooms_end(struct all_rooms *rooms); /* nothing happens to one that is not under way */
