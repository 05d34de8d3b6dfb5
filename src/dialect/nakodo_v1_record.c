/* nakodo_v1_record: writes what was noted in the journals (nakodo_v1_journal.h). Owns nothing. */
#include "nakodo/dialect/nakodo_v1_record.h"

#include <stdlib.h>
#include <utlist.h>

#include "nakodo/base/saved.h"
#include "nakodo/dialect/changes.h"
#include "nakodo/dialect/mount_audit.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/nakodo_v1_history.h"
#include "nakodo/dialect/nakodo_v1_journal.h"
#include "nakodo/dialect/nakodo_v1_saved.h"
#include "nakodo/hub/audit.h"
#include "nakodo/hub/frame.h"
#include "nakodo/hub/frame_book.h"
#include "nakodo/hub/hold.h"
#include "nakodo_v1_journal_inside.h"

#define SWEEP_FRAMES 64 /* that were recorded since frames nobody keeps were looked for, */
#define SWEEP_BYTES 65536 /* or so many bytes of them; more frames if more are kept */
#define SMALL 16 /* seats of a room */
#define BYTES_KEPT (1 << 20) /* bytes of memory for the next write, of a mount */
#define NUMBERS_MOST (1 << 21) /* half of what can be read */
#define NUMBERS_FREE 4096 /* numbers of frames that nobody keeps, until all is recorded anew */

/* Those that are kept since the last time: others may have brought some of them meanwhile. */
static void add_frames(struct nakodo_v1_journal *journal, struct nakodo_v1_entry *entry)
{
	const struct session *session = &entry->seat->session;
	uint64_t fresh = session->pushed - entry->pushed;
	struct save save = {0};

	fresh = fresh < session->kept.count ? fresh : session->kept.count;
	entry->pushed = session->pushed;
	for (unsigned i = session->kept.count; fresh; fresh--) {
		struct frame *frame = session_kept(session, --i);
		int entered = frame_book_enter(&journal->book, frame);

		if (entered < 1) {
			journal->changes.failed |= entered < 0;
			continue;
		}
		save_begin(&save, SAVE_NUMBERED);
		frame_book_save(&journal->book, frame, &save);
		changes_set(&journal->changes, &save, frame_book_number(&journal->book, frame));
		journal->fresh++;
		journal->fresh_bytes += frame->len;
	}
	free(save.record.at);
}

static void add_self(struct nakodo_v1_journal *journal, struct nakodo_v1_entry *entry)
{
	struct save save = {0};

	entry->self = false;
	save_begin(&save, SAVE_SEAT_SELF);
	nakodo_v1_save_self(entry->seat, &save);
#ifdef NAKODO_AUDIT
	entry->self_check = save_check(1, save.kind, save.record.at, save.record.len);
#endif
	changes_set(&journal->changes, &save, entry->order);
	free(save.record.at);
}

static void add_seat(struct nakodo_v1_journal *journal, struct nakodo_v1_entry *entry)
{
	struct save save = {0};

	add_frames(journal, entry);
	if (entry->self) {
		add_self(journal, entry);
	}
	save_begin(&save, SAVE_SEAT);
	nakodo_v1_save_seat(entry->seat, &journal->book, &save, true);
#ifdef NAKODO_AUDIT
	entry->check = save_check(1, save.kind, save.record.at, save.record.len);
#endif
	changes_set(&journal->changes, &save, entry->order);
	free(save.record.at);
}

static void add_chat(struct nakodo_v1_journal *journal)
{
	struct save save = {0};

	save_begin(&save, SAVE_HISTORY);
	if (nakodo_v1_history_save_room(journal->room, &save)) {
		changes_set(&journal->changes, &save, 0);
	} else {
		changes_remove(&journal->changes, SAVE_HISTORY, 0);
	}
	free(save.record.at);
}

static void note_all(struct nakodo_v1_journal *journal)
{
	struct member *member;

	DL_FOREACH (journal->room->members, member) {
		struct nakodo_v1_seat *seat = nakodo_v1_seat_of(member);

		nakodo_v1_journal_note(seat);
		seat->entry->pushed = 0;
		seat->entry->self = true;
	}
}

static void mark_kept(const struct nakodo_v1_journal *journal, bool *kept)
{
	const struct member *member;

	DL_FOREACH (journal->room->members, member) {
		const struct session *session = &nakodo_v1_seat_of(member)->session;

		for (unsigned i = 0; i < session->kept.count; i++) {
			uint64_t number =
				frame_book_number(&journal->book, session_kept(session, i));

			kept[number] = true; /* 0: of one that is not recorded yet */
		}
	}
}

/* Frames that nobody keeps any more. */
static void sweep(struct nakodo_v1_journal *journal)
{
	struct frame_book *book = &journal->book;
	bool *kept = calloc(book->count + 1, sizeof(*kept));

	if (!kept) {
		return; /* the next time, then */
	}
	mark_kept(journal, kept);
	journal->live = journal->fresh = journal->fresh_bytes = 0;
	for (size_t number = 1; number <= book->count; number++) {
		if (kept[number]) {
			journal->live++;
		} else if (book->frames[number - 1]) {
			changes_remove(&journal->changes, SAVE_NUMBERED, number);
			frame_book_forget(book, number);
		}
	}
	free(kept);
	if (!journal->live) {
		frame_book_finish(book); /* most rooms keep nothing most of the time */
	}
	if (book->count > 4 * journal->live + NUMBERS_FREE) {
		journal->whole = true; /* at the next write */
	}
}

/* Does nobody keep anything, though frames are recorded? Of a large room that is not looked for. */
static bool is_idle(const struct nakodo_v1_journal *journal)
{
	const struct member *member;

	if (!(journal->live + journal->fresh) || journal->room->count > SMALL) {
		return false;
	}
	DL_FOREACH (journal->room->members, member) {
		if (nakodo_v1_seat_of(member)->session.kept.count) {
			return false;
		}
	}
	return true;
}

static void begin_anew(struct nakodo_v1_journal *journal)
{
	changes_clear(&journal->changes);
	frame_book_finish(&journal->book);
	journal->live = journal->fresh = journal->fresh_bytes = 0;
	journal->changes.whole = true;
	journal->whole = false;
	journal->chat = true;
	note_all(journal);
}

static void collect(struct nakodo_v1_journal *journal)
{
	struct nakodo_v1_entry *entry;

	if (journal->whole || journal->book.count > NUMBERS_MOST) {
		begin_anew(journal);
	}
	DL_FOREACH (journal->noted, entry) {
		add_seat(journal, entry);
	}
	if (journal->chat) {
		add_chat(journal);
	}
	if (is_idle(journal) || journal->fresh > SWEEP_FRAMES + 2 * journal->live ||
		journal->fresh_bytes > SWEEP_BYTES) {
		sweep(journal);
	}
}

/* What is held is let go, but what waits for a later write. */
static void release(struct nakodo_v1_entry *entry, bool all)
{
	struct peer *peer = entry->seat->peer;

	if (peer && peer->holds && entry->noted && !all) {
		hold_release(peer, entry->before);
		entry->before = 0;
	} else if (peer && peer->holds) {
		hold_end(peer);
	}
}

/* What was written is to be written again with what comes next. */
static void land(struct nakodo_v1_journal *journal)
{
	journal->number = 0;
	while (journal->flying) {
		struct nakodo_v1_entry *entry = journal->flying;

		DL_DELETE2(journal->flying, entry, flying_prev, flying_next);
		entry->flying = false;
		if (!entry->noted) {
			entry->noted = true;
			DL_APPEND(journal->noted, entry);
		}
		entry->before = 0;
	}
}

static void arrive(struct nakodo_v1_journal *journal)
{
	journal->number = 0;
	while (journal->flying) {
		struct nakodo_v1_entry *entry = journal->flying;

		DL_DELETE2(journal->flying, entry, flying_prev, flying_next);
		entry->flying = false;
		release(entry, false);
	}
}

/* All is to be written anew, if the store should be there again: it is not known what it has. */
static void forget(struct nakodo_v1_journal *journal)
{
	nakodo_v1_journal_unlist(journal);
	land(journal);
	journal->there = journal->refused = false;
	journal->whole = true;
	changes_clear(&journal->changes);
	frame_book_finish(&journal->book);
	journal->live = journal->fresh = journal->fresh_bytes = 0;
}

/* Nobody waits for it. */
static void lose(struct nakodo_v1_journal *journal)
{
	struct member *member;

	forget(journal);
	DL_FOREACH (journal->room->members, member) {
		release(nakodo_v1_seat_of(member)->entry, true);
	}
}

static void begin_flight(struct nakodo_v1_journal *journal)
{
	while (journal->noted) {
		struct nakodo_v1_entry *entry = journal->noted;

		DL_DELETE(journal->noted, entry);
		DL_APPEND2(journal->flying, entry, flying_prev, flying_next);
		entry->noted = false;
		entry->flying = true;
	}
	journal->chat = false;
}

static void write_down(struct nakodo_v1_journal *journal)
{
	const struct mount *mount = journal->v1->mount;
	const struct dialect_env *env = mount->env;
	struct text *bytes = &journal->v1->bytes;

	journal->changes.bytes = *bytes;
	collect(journal);
	journal->number = env->record(env->cookie, mount, journal->room->name, &journal->changes);
	changes_clear(&journal->changes);
	*bytes = journal->changes.bytes;
	journal->changes.bytes = (struct text){0};
	changes_finish(&journal->changes);
	if (bytes->room > BYTES_KEPT) {
		free(bytes->at);
		*bytes = (struct text){0};
	}
	nakodo_v1_journal_unlist(journal);
	if (journal->number) {
		begin_flight(journal);
	} else {
		lose(journal);
	}
}

void nakodo_v1_record_settle(struct mount *mount)
{
	struct nakodo_v1 *v1 = mount->state;

	while (v1->journals) {
		struct nakodo_v1_journal *journal = v1->journals;

		nakodo_v1_journal_unlist(journal);
		write_down(journal);
	}
}

static void hear(struct nakodo_v1_journal *journal, uint64_t number, enum journal_news news)
{
	struct nakodo_v1_entry *entry;

	if (number && number != journal->number) {
		return; /* of what was given up */
	}
	switch (news) {
	case JOURNAL_THERE:
		forget(journal);
		journal->there = true;
		DL_FOREACH (journal->noted, entry) {
			nakodo_v1_journal_hold(entry);
		}
		nakodo_v1_journal_list(journal);
		break;
	case JOURNAL_RECORDED:
		arrive(journal);
		if (journal->noted || journal->chat || journal->changes.count) {
			nakodo_v1_journal_list(journal);
		}
		break;
	case JOURNAL_REFUSED:
		forget(journal);
		journal->refused = true;
		break;
	case JOURNAL_LOST:
		lose(journal);
		break;
	case JOURNAL_TAKEN:
		break; /* before */
	}
}

void nakodo_v1_record_hear(
	struct mount *mount, const char *name, uint64_t number, enum journal_news news)
{
	const struct room *room = hub_room(mount->space, name);
	struct nakodo_v1_journal *journal = room ? nakodo_v1_journal_of(room) : NULL;

	if (journal && news == JOURNAL_TAKEN) {
		nakodo_v1_give_up_room(mount, name);
	} else if (journal) {
		hear(journal, number, news);
	}
}

#ifdef NAKODO_AUDIT
void nakodo_v1_record_audit(const struct nakodo_v1_seat *seat, struct audit *audit)
{
	const struct nakodo_v1_entry *entry = seat->entry;
	struct save save = {0};

	if (!entry || entry->noted || !entry->journal->there || !entry->check) {
		return;
	}
	save_begin(&save, SAVE_SEAT);
	nakodo_v1_save_seat(seat, &entry->journal->book, &save, true);
	if (entry->check != save_check(1, save.kind, save.record.at, save.record.len)) {
		audit_fault(audit, "something of a seat has changed and was not noted");
	}
	save_begin(&save, SAVE_SEAT_SELF);
	nakodo_v1_save_self(seat, &save);
	if (entry->self_check != save_check(1, save.kind, save.record.at, save.record.len)) {
		audit_fault(audit, "what seldom changes of a seat has, and was not noted");
	}
	free(save.record.at);
}
#endif
