/*
 * nakodo_v1_journal: what of a room is told to a store outside of the process (dialect_env.record),
 * so that another process can go on with it when this one is killed: each seat with its session,
 * and what was chatted, as nakodo_v1_saved.c writes them.
 *
 * Whatever is done to a seat that its record would show is noted, before its client is sent
 * anything for it. At the end of the turn all that was noted in a room is recorded together; and
 * from the note on, what is queued for the seat's connection is held until that has been done. So
 * a client has seen nothing that is not recorded: no message, no acknowledgement, no welcome. If
 * the store is away or slow nothing is held, and it is told all when it is there again.
 */
#pragma once

struct nakodo_v1_seat;
struct room;

struct nakodo_v1_entry; /* what is known of a seat; NULL in it: nothing is recorded */

/* The seat has just sat down. 0 or -ENOMEM. */
int nakodo_v1_journal_begin(struct nakodo_v1_seat *seat);
/* It is about to leave its room. */
void nakodo_v1_journal_end(struct nakodo_v1_seat *seat);
/* Its record is another now. */
void nakodo_v1_journal_note(struct nakodo_v1_seat *seat);
/* And what of it changes seldom (SAVE_SEAT_SELF). */
void nakodo_v1_journal_note_self(struct nakodo_v1_seat *seat);
/* It has another connection, seat->peer. */
void nakodo_v1_journal_attach(struct nakodo_v1_seat *seat);
/* Something has been chatted in the room, or is forgotten. */
void nakodo_v1_journal_note_chat(const struct room *room);
