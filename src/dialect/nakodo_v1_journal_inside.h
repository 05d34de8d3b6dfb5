/*
 * nakodo_v1_journal_inside: what is known of the record of a room, for the two files that make it:
 * nakodo_v1_journal.c and nakodo_v1_record.c. At most one write of a room is under way; what is
 * noted meanwhile goes with the next.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/dialect/changes.h"
#include "nakodo/hub/frame_book.h"

struct nakodo_v1;
struct nakodo_v1_seat;
struct room;

struct nakodo_v1_entry {
	struct nakodo_v1_entry *prev, *next; /* of those that are noted (utlist DL) */
	struct nakodo_v1_entry *flying_prev, *flying_next; /* of those being written */
	struct nakodo_v1_seat *seat;
	struct nakodo_v1_journal *journal;
	uint64_t order; /* by which seats are restored */
	uint64_t pushed; /* session.pushed when it was recorded last */
	unsigned before; /* so many of what is held for its connection do not wait for the next
			    write */
	bool noted, flying;
	bool self; /* is to be written too: SAVE_SEAT_SELF */
#ifdef NAKODO_AUDIT
	uint64_t check, self_check; /* of its records, as they were written last; 0: not */
#endif
};

struct nakodo_v1_journal {
	struct nakodo_v1_journal *prev, *next; /* of the mount's that have to write (utlist DL) */
	struct nakodo_v1 *v1;
	struct room *room;
	struct nakodo_v1_entry *noted, *flying;
	struct changes changes; /* of the next write, as far as they are known; without bytes */
	struct frame_book book; /* the frames that are recorded */
	size_t live, fresh, fresh_bytes; /* of these: kept at the last sweep; new since then */
	uint64_t number; /* of the write under way; 0: none */
	bool listed;
	bool there; /* the store takes it, */
	bool refused; /* or will say soon whether it does again */
	bool whole; /* the next write replaces all */
	bool chat; /* is noted */
};

/* It has something to record. */
void nakodo_v1_journal_list(struct nakodo_v1_journal *journal);
void nakodo_v1_journal_unlist(struct nakodo_v1_journal *journal);
/* What is queued for its connection from now on waits, if it is to be recorded. */
void nakodo_v1_journal_hold(const struct nakodo_v1_entry *entry);
struct nakodo_v1_journal *nakodo_v1_journal_of(const struct room *room); /* NULL: none */
