/*
 * unit_rooms: what the mounts that share a unit (workers/unit.h) have of it: each a room of that
 * name.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nakodo/dialect/changes.h"

struct dialect_table;
struct mount;

/* The mount where the unit begins from now on, and its room. NULL: nothing of it can be recorded.
 */
struct mount *unit_rooms_mount(
	const struct dialect_table *dialects, const char *unit, const char **ret_room);
/* dialect.recorded of each. */
void unit_rooms_tell(const struct dialect_table *dialects, const char *unit, uint64_t number,
	enum journal_news news);
/* Is anything of the unit here? */
bool unit_rooms_any(const struct dialect_table *dialects, const char *unit);
