/*
 * save: what outlives the process, written for the next one to read (base/saved.h): records of
 * numbers and bytes. Each record has a check of its own, and the last one tells how many there are,
 * so that what is torn or was never ours is known before anything of it is believed.
 *
 * The form, all numbers little endian: SAVE_MAGIC; then records, each of 4 bytes of length, 4 of
 * kind, 8 of check (SipHash of the payload by its index and kind), and the payload. A number takes
 * 8 bytes; bytes are their number and themselves.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "nakodo/base/text.h"

/* The version is in it: what means something else than before gets a new one. */
#define SAVE_MAGIC "nakodo saved 02\n"
#define SAVE_MAGIC_SIZE 16
#define SAVE_HEAD 16 /* bytes before a payload */

/* The records of all layers, so that each knows where another's begin. */
enum save_kind {
	SAVE_LAST, /* the number of records before it */
	SAVE_TIME, /* when this was written: net/restart */
	SAVE_MOUNT, /* dialect/dialect_table; up to SAVE_MOUNT_END, records of its dialect */
	SAVE_MOUNT_END,
	SAVE_FRAME, /* hub/frame_book */
	SAVE_SEAT, /* of nakodo.v1 */
	SAVE_HISTORY,
	SAVE_NUMBERED, /* hub/frame_book: a frame and its number */
	SAVE_SEAT_SELF, /* of nakodo.v1: what of a seat may be long, and changes seldom */
};

struct save {
	FILE *out;
	struct text record; /* the one that is being written */
	uint32_t kind;
	uint64_t count; /* records so far, */
	uint64_t seats; /* and of them SAVE_SEAT */
	int error; /* the first; nothing more is written then */
};

/* Begin to write; `out` is the caller's, at its beginning. */
void save_init(struct save *save, FILE *out);
void save_begin(struct save *save, enum save_kind kind);
/* These go into the record that was begun. */
void save_number(struct save *save, uint64_t number);
void save_bytes(struct save *save, const void *bytes, size_t len);
void save_text(struct save *save, const char *text); /* NULL stays NULL */
void save_end(struct save *save);
/* Write the last record. 0, or -errno if anything was not written. */
int save_finish(struct save *save);

/* What a record's check is. */
uint64_t save_check(uint64_t index, uint32_t kind, const void *payload, size_t len);
