/*
 * nakodo_v1_place: who gives way to a newcomer of nakodo.v1, if there is no place left.
 */
#pragma once

#include <stdbool.h>

struct address;
struct mount;
struct nakodo_v1;
struct room;

/* The room is full, or the number of rooms. End a seat without a connection, or all seats of a room
 * where nobody is, if that has to give way to a newcomer of that address. False: none has to. */
bool nakodo_v1_place_in_room(const struct room *room, const struct address *newcomer);
bool nakodo_v1_place_for_room(struct nakodo_v1 *v1, const struct address *newcomer);
/* Is the room full for a newcomer of that address, to whom nobody there has to give way? */
bool nakodo_v1_is_full(const struct room *room, const struct address *newcomer);
/* dialect.give_way. */
bool nakodo_v1_give_way(struct mount *mount, const struct address *newcomer);
