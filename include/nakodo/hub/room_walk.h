/*
 * room_walk: look at the rooms of a space one after the other, with pauses in which rooms come and
 * go. Each room that is there all the time is met exactly once.
 */
#pragma once

struct hub_space;
struct room;

/* The caller's memory, zeroed; room_walk_end() before it goes. */
struct room_walk {
	struct hub_space *space; /* NULL: it is not under way */
	const struct room *at; /* the next */
	struct room_walk *prev, *next; /* of the same space (utlist DL) */
};

void room_walk_begin(struct room_walk *walk, struct hub_space *space);
/* NULL: there are no more, or the space is gone. */
const struct room *room_walk_next(struct room_walk *walk);
void room_walk_end(struct room_walk *walk); /* nothing happens to one that is not under way */

/* For the hub: the room goes, or all of the space. */
void room_walk_pass(struct room_walk *walks, const struct room *room);
void room_walk_leave(struct room_walk *walks);
