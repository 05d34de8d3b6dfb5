/*
 * nakodo_v1_waiting: owns a note for each participant of whom something waits. The frames in it are
 * kept by the session, and none of them was ever written: they came after the connection was lost.
 */
#include "nakodo/dialect/nakodo_v1_waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/hash.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/saved.h"
#include "nakodo/dialect/mount_audit.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/hub/audit.h"
#include "nakodo/hub/frame.h"
#include "nakodo/hub/frame_book.h"
#include "nakodo/hub/session.h"

#define NOTE_LEAST 41 /* bytes of one that was saved */

/* Each NULL: no such news waits. */
struct nakodo_v1_note {
	char id[NAKODO_V1_ID];
	struct frame *came, *turned, *updated;
	bool spoke; /* a message waits, so the news of its coming has to come before */
	UT_hash_handle hh;
};

/* The bytes that a small message counts for, so that the limit of messages is kept too. */
static size_t part_of(const struct session_limits *limits)
{
	return limits->bytes / limits->messages;
}

void nakodo_v1_waiting_begin(struct nakodo_v1_waiting *waiting, struct session *session)
{
	size_t counted = session->kept.count * part_of(session->limits);

	*waiting = (struct nakodo_v1_waiting){.session = session};
	waiting->before = counted > session->kept.bytes ? counted : session->kept.bytes;
}

static void remove_note(struct nakodo_v1_waiting *waiting, struct nakodo_v1_note *note)
{
	HASH_DEL(waiting->notes, note);
	memory_give(MEMORY_ROOMS, sizeof(*note));
	free(note);
}

size_t nakodo_v1_waiting_weight(const struct nakodo_v1_waiting *waiting)
{
	return HASH_COUNT(waiting->notes) * sizeof(struct nakodo_v1_note);
}

void nakodo_v1_waiting_end(struct nakodo_v1_waiting *waiting)
{
	struct nakodo_v1_note *note, *next;

	HASH_ITER (hh, waiting->notes, note, next) {
		remove_note(waiting, note);
	}
	share_clear(&waiting->share);
}

static struct nakodo_v1_note *find(const struct nakodo_v1_waiting *waiting, const char *id)
{
	struct nakodo_v1_note *note;

	HASH_FIND_STR(waiting->notes, id, note);
	return note;
}

/* NULL: no memory. */
static struct nakodo_v1_note *find_or_add(struct nakodo_v1_waiting *waiting, const char *id)
{
	struct nakodo_v1_note *note = find(waiting, id);

	if (note) {
		return note;
	}
	note = calloc(1, sizeof(*note));
	if (!note) {
		return NULL;
	}
	memcpy(note->id, id, strnlen(id, sizeof(note->id) - 1));
	HASH_ADD_STR(waiting->notes, id, note);
	if (!note->hh.tbl) {
		free(note);
		return NULL;
	}
	memory_take(MEMORY_ROOMS, sizeof(*note));
	return note;
}

static void withdraw(struct nakodo_v1_waiting *waiting, struct frame **frame)
{
	if (*frame) {
		session_withdraw(waiting->session, *frame);
		*frame = NULL;
	}
}

/* The participant has left: nothing is told if nothing was ever known of it. */
static bool tell_left(struct nakodo_v1_waiting *waiting, const char *id, struct frame *frame)
{
	struct nakodo_v1_note *note = find(waiting, id);
	bool unknown = note && note->came && !note->spoke;

	if (note) {
		withdraw(waiting, &note->turned);
		withdraw(waiting, &note->updated);
		if (unknown) {
			withdraw(waiting, &note->came);
		}
		remove_note(waiting, note);
	}
	return unknown || session_push_unbounded(waiting->session, frame);
}

bool nakodo_v1_waiting_tell(struct nakodo_v1_waiting *waiting, enum nakodo_v1_news news,
	const char *id, struct frame *frame)
{
	struct nakodo_v1_note *note;
	struct frame **at;

	if (news == NAKODO_V1_LEFT) {
		return tell_left(waiting, id, frame);
	}
	note = find_or_add(waiting, id);
	if (!note) {
		return session_push_unbounded(waiting->session, NULL);
	}
	at = news == NAKODO_V1_CAME     ? &note->came
	     : news == NAKODO_V1_TURNED ? &note->turned
					: &note->updated;
	if (*at && news == NAKODO_V1_TURNED) {
		withdraw(waiting, at);
		return true;
	}
	withdraw(waiting, at);
	*at = frame;
	return session_push_unbounded(waiting->session, frame);
}

/* What a message takes of both limits, in bytes. One that keeps the news of a coming and a leaving
 * from being void takes for these too. */
static size_t cost(
	const struct session_limits *limits, const struct nakodo_v1_note *note, size_t len)
{
	size_t part = part_of(limits);
	bool pins = note->came && !note->spoke;

	return (len > part ? len : part) + (pins ? 2 * part : 0);
}

int nakodo_v1_waiting_pass(struct nakodo_v1_waiting *waiting, const char *id,
	const struct address *address, struct frame *frame)
{
	const struct session_limits *limits = waiting->session->limits;
	struct nakodo_v1_note *note = frame ? find_or_add(waiting, id) : NULL;
	size_t used = waiting->before + waiting->share.used;
	size_t left = limits->bytes > used ? limits->bytes - used : 0, bytes;

	if (!note) {
		session_push_unbounded(waiting->session, NULL);
		return -ENOMEM;
	}
	bytes = cost(limits, note, frame->len);
	if (share_of(&waiting->share, address) + bytes > left / 2) {
		return -EBUSY;
	}
	note->spoke = true;
	if (share_add(&waiting->share, address, bytes)) {
		frame = NULL; /* who cannot be counted is not let pass */
	}
	return session_push_unbounded(waiting->session, frame) ? 0 : -ENOMEM;
}

/* A note may be of a message that is kept no more, and gone. */
static uint64_t number_of(const struct nakodo_v1_waiting *waiting, const struct frame_book *book,
	const struct frame *frame)
{
	return session_keeps(waiting->session, frame) ? frame_book_number(book, frame) : 0;
}

void nakodo_v1_waiting_save(
	const struct nakodo_v1_waiting *waiting, const struct frame_book *book, struct save *save)
{
	const struct nakodo_v1_note *note;

	save_number(save, waiting->before);
	share_save(&waiting->share, save);
	save_number(save, HASH_COUNT(waiting->notes));
	for (note = waiting->notes; note; note = note->hh.next) {
		save_text(save, note->id);
		save_number(save, number_of(waiting, book, note->came));
		save_number(save, number_of(waiting, book, note->turned));
		save_number(save, number_of(waiting, book, note->updated));
		save_number(save, note->spoke);
	}
}

static struct frame *find_kept(
	const struct nakodo_v1_waiting *waiting, const struct frame_book *book, struct saved *saved)
{
	struct frame *frame = frame_book_find(book, saved);

	return session_keeps(waiting->session, frame) ? frame : NULL;
}

int nakodo_v1_waiting_restore(
	struct nakodo_v1_waiting *waiting, const struct frame_book *book, struct saved *saved)
{
	waiting->before = saved_number_up_to(saved, SIZE_MAX / 2);
	if (share_restore(&waiting->share, saved)) {
		return -ENOMEM;
	}
	for (size_t left = saved_count(saved, NOTE_LEAST); left; left--) {
		const char *id = saved_text(saved);
		struct nakodo_v1_note *note;

		saved->bad |= !id || strlen(id) >= NAKODO_V1_ID;
		if (saved->bad) {
			return 0;
		}
		note = find_or_add(waiting, id);
		if (!note) {
			return -ENOMEM;
		}
		note->came = find_kept(waiting, book, saved);
		note->turned = find_kept(waiting, book, saved);
		note->updated = find_kept(waiting, book, saved);
		note->spoke = saved_number_up_to(saved, 1);
	}
	return 0;
}

#ifdef NAKODO_AUDIT
void nakodo_v1_waiting_audit(const struct nakodo_v1_waiting *waiting, struct audit *audit)
{
	audit_bytes(audit, MEMORY_ROOMS, nakodo_v1_waiting_weight(waiting));
}
#endif
