/*
 * unit: what is served by one worker as a whole, since its peers hear each other: a mount and the
 * room in the URL, or a whole mount whose rooms come in messages.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct dialect_table;
struct listener;
struct mount;

/* The number of the unit that a request belongs to, from the first `len` bytes of its connection:
 * the same for all requests of a unit, in all processes that have one board. 0: it is of no unit,
 * so that anybody may answer it. */
uint64_t unit_of_head(const struct dialect_table *dialects, const struct listener *listener,
	const char *bytes, size_t len);
/* The same of a room of the mount. */
uint64_t unit_of_room(const struct mount *mount, const char *room);
