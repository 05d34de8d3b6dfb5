/*
 * nakodo_v1_place: who gives way to a newcomer of nakodo.v1, if there is no place left.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct address;
struct mount;
struct nakodo_v1;
struct nakodo_v1_seat;
struct room;

/* A seat in the room, which has place for `most`, even if one who is away, or all seats of a room
 * where nobody is, have to give way to a newcomer of that address. As nakodo_v1_seat_create(). */
int nakodo_v1_place_take(struct nakodo_v1_seat **ret, struct nakodo_v1 *v1, const char *room,
	const struct address *newcomer, size_t most);
/* Would that find no place in a room where somebody is? */
bool nakodo_v1_is_full(const struct room *room, const struct address *newcomer, size_t most);
/* dialect.give_way. */
bool nakodo_v1_give_way(struct mount *mount, const struct address *newcomer);
