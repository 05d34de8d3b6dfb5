/*
 * nakodo_v1_waiting: what waits in a session for a participant that is away, so that it can come
 * back whatever the others do meanwhile.
 *
 * Messages: all that come from one address may take half of what is free of the session's limits,
 * and no more. News of who is there is always kept, past the limits too; it is little, since news
 * that the absent one never saw gives way to what makes it void: that somebody came and left, is
 * away and back, or says something else of itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nakodo/service/share.h"

struct address;
struct frame;
struct frame_book;
struct save;
struct saved;
struct session;

enum nakodo_v1_news {
	NAKODO_V1_CAME,
	NAKODO_V1_LEFT,
	NAKODO_V1_TURNED, /* away or back, by turns */
	NAKODO_V1_UPDATED,
};

struct nakodo_v1_waiting {
	struct session *session;
	struct nakodo_v1_note *notes; /* by participant */
	struct share share; /* bytes of each address's messages; small ones count for more */
	size_t before; /* bytes of what was kept already when the connection was lost */
};

/* From now on its connection is lost. `session` must outlive it. */
void nakodo_v1_waiting_begin(struct nakodo_v1_waiting *waiting, struct session *session);
/* It is back, or has gone. Zeroed memory and one that has ended are fine too. */
void nakodo_v1_waiting_end(struct nakodo_v1_waiting *waiting);
/* Bytes that it holds, beside the session's. */
size_t nakodo_v1_waiting_weight(const struct nakodo_v1_waiting *waiting);

/* Keep the news of the participant `id`, or withdraw what it makes void. `frame` may be NULL for
 * want of memory. False: something is lost, so it cannot come back. */
bool nakodo_v1_waiting_tell(struct nakodo_v1_waiting *waiting, enum nakodo_v1_news news,
	const char *id, struct frame *frame);
/* Keep a message of the participant `id`, from that address. 0; -EBUSY: its address has as much
 * waiting as it may, nothing is kept; -ENOMEM: something is lost. */
int nakodo_v1_waiting_pass(struct nakodo_v1_waiting *waiting, const char *id,
	const struct address *address, struct frame *frame);

/* Into the seat's record for the next process, behind its session, and back into one that has just
 * begun. What cannot be makes all bad. 0 or -ENOMEM. */
void nakodo_v1_waiting_save(
	const struct nakodo_v1_waiting *waiting, const struct frame_book *book, struct save *save);
int nakodo_v1_waiting_restore(
	struct nakodo_v1_waiting *waiting, const struct frame_book *book, struct saved *saved);
