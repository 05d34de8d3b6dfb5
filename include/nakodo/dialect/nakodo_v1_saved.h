/*
 * nakodo_v1_saved: what outlives the process: each seat with its session, what waits in it and the
 * tokens that it is found by (as hashes), in the order in which they came to their rooms, and what
 * was chatted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct frame_book;
struct mount;
struct nakodo_v1_seat;
struct save;
struct saved;

/* dialect.save, .restore and .forget. */
void nakodo_v1_save(const struct mount *mount, struct save *save);
int nakodo_v1_restore(struct mount *mount, struct saved *saved, uint64_t elapsed);
void nakodo_v1_forget(struct mount *mount);
/* dialect.restore_room */
int nakodo_v1_restore_room(
	struct mount *mount, const char *room, struct saved *saved, uint64_t elapsed, bool stale);

/* Another process has the room: who is here comes again, and has not left. */
void nakodo_v1_give_up_room(struct mount *mount, const char *room);

/* Into the record that has been begun: the seat, whose frames are in the book. `lasting`: it may be
 * read at any time from now on, and not right after the process has ended, and what may be long and
 * changes seldom is a record of its own. */
void nakodo_v1_save_seat(const struct nakodo_v1_seat *seat, const struct frame_book *book,
	struct save *save, bool lasting);
void nakodo_v1_save_self(const struct nakodo_v1_seat *seat, struct save *save);
