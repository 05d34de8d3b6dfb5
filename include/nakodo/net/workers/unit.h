/*
 * unit: what is served by one worker as a whole, since its peers hear each other: a mount and the
 * room in the URL, or a whole mount whose rooms come in messages.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dialect_table;
struct listener;
struct mount;

#define UNIT_NAME 512 /* with its NUL */

/* The name of the unit that a request belongs to, from the first `len` bytes of its connection: the
 * mount, a line's end, and the room, if it matters. The same for all requests of a unit, in all
 * processes whose mounts are the same. False: it is of no unit, so that anybody may answer it. */
bool unit_of_head(const struct dialect_table *dialects, const struct listener *listener,
	const char *bytes, size_t len, char ret[UNIT_NAME]);
/* The same of a room of the mount. */
void unit_of_room(const struct mount *mount, const char *room, char ret[UNIT_NAME]);
/* Its number, never 0: the same in all processes that have one board. */
uint64_t unit_number(const char *name);
