/*
 * verb: what can be said to the daemon by `nakodo ctl`: the one table for both ends.
 */
#pragma once

#include <stddef.h>

enum verb {
	VERB_STATUS,
	VERB_TOP,
	VERB_ROOMS,
	VERB_PEERS,
	VERB_KICK,
	VERB_LOCK,
	VERB_UNLOCK,
	VERB_LOG_LEVEL,
	VERB_RELOAD,
	VERB_DRAIN,
	VERB_CLUSTER,
	VERB_UNITS,
	VERB_COUNT,
};

#define VERB_COLUMNS 7 /* at most so many */

/* What stands below each other for a person. */
struct verb_column {
	const char *member, *title;
	int width; /* negative: to the right */
};

struct verb_row {
	const char *name;
	const char *argument; /* NULL: none; in brackets: it may be left out */
	const char *help; /* one sentence without the full stop */
	struct verb_column columns[VERB_COLUMNS]; /* of a table; none: each value on a line */
};

extern const struct verb_row verb_rows[VERB_COUNT];

/* VERB_COUNT: there is none. */
enum verb verb_find(const char *name);
