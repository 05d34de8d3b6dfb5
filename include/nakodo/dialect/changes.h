/*
 * changes: what has changed in a room, for a store outside of the process: fields, each of which is
 * the payload of a record of base/save.h. In the order of their names they are what .restore_room
 * (dialect.h) reads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/save.h"
#include "nakodo/base/text.h"

#define CHANGES_FIELD 18 /* bytes of a field's name, with its NUL */

struct change {
	char field[CHANGES_FIELD];
	bool gone;
	size_t at, len; /* of its bytes, in changes.bytes */
};

/* What is said of a room in the store, or of a write of it by its number. */
enum journal_news {
	JOURNAL_THERE, /* the room may be recorded, from now on, or anew */
	JOURNAL_RECORDED, /* what has that number */
	JOURNAL_REFUSED, /* that was not; it will be said what comes of it */
	JOURNAL_TAKEN, /* another node has it, with what was recorded */
	JOURNAL_LOST, /* nothing is recorded any more, until it is said to be there */
};

/* Zeroed memory is none. */
struct changes {
	struct change *all;
	size_t count, room;
	struct text bytes;
	bool whole; /* nothing of what was before is left; without any field, nothing at all */
	bool failed; /* there was no memory */
};

/* The field of the record that was begun in `save` and has all that belongs in it. Records of one
 * kind are told apart, and ordered, by the number. */
void changes_set(struct changes *changes, struct save *save, uint64_t number);
void changes_remove(struct changes *changes, enum save_kind kind, uint64_t number);
/* Of a field's name, which may be anybody's bytes. SAVE_LAST: it is none. */
enum save_kind changes_kind(const char *field, size_t len);
/* None any more. */
void changes_clear(struct changes *changes);
void changes_finish(struct changes *changes);
