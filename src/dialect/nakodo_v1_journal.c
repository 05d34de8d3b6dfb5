/* nakodo_v1_journal: owns what is known of the record of each room and seat. */
#include "nakodo/dialect/nakodo_v1_journal.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "nakodo/base/memory.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/mount_audit.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/hub/audit.h"
#include "nakodo/hub/frame_book.h"
#include "nakodo/hub/hold.h"
#include "nakodo_v1_journal_inside.h"

void nakodo_v1_journal_list(struct nakodo_v1_journal *journal)
{
	if (!journal->listed && journal->there && !journal->number) {
		journal->listed = true;
		DL_APPEND(journal->v1->journals, journal);
	}
}

void nakodo_v1_journal_unlist(struct nakodo_v1_journal *journal)
{
	if (journal->listed) {
		journal->listed = false;
		DL_DELETE(journal->v1->journals, journal);
	}
}

struct nakodo_v1_journal *nakodo_v1_journal_of(const struct room *room)
{
	const struct nakodo_v1_entry *entry = nakodo_v1_seat_of(room->members)->entry;

	return entry ? entry->journal : NULL;
}

/* NULL: no memory. */
static struct nakodo_v1_journal *create(struct nakodo_v1 *v1, struct room *room)
{
	struct nakodo_v1_journal *journal = calloc(1, sizeof(*journal));
	const struct dialect_env *env = v1->mount->env;

	if (journal) {
		memory_take(MEMORY_ROOMS, sizeof(*journal));
		journal->v1 = v1;
		journal->room = room;
		journal->whole = true;
		journal->there = env->records(env->cookie, v1->mount, room->name);
	}
	return journal;
}

static void destroy(struct nakodo_v1_journal *journal)
{
	nakodo_v1_journal_unlist(journal);
	changes_finish(&journal->changes);
	frame_book_finish(&journal->book);
	memory_give(MEMORY_ROOMS, sizeof(*journal));
	free(journal);
}

int nakodo_v1_journal_begin(struct nakodo_v1_seat *seat)
{
	struct nakodo_v1 *v1 = seat->mount;
	struct room *room = seat->member->room;
	struct nakodo_v1_entry *entry;
	struct nakodo_v1_journal *journal;

	if (!v1->mount->env->record || !v1->mount->path) {
		return 0;
	}
	/* The others of the room have one each, or none could have come. */
	journal = room->members == seat->member ? create(v1, room) : nakodo_v1_journal_of(room);
	entry = journal ? calloc(1, sizeof(*entry)) : NULL;
	if (!entry) {
		if (journal && room->members == seat->member) {
			destroy(journal);
		}
		return -ENOMEM;
	}
	memory_take(MEMORY_ROOMS, sizeof(*entry));
	*entry = (struct nakodo_v1_entry){
		.seat = seat, .journal = journal, .order = ++v1->last_order, .self = true};
	seat->entry = entry;
	nakodo_v1_journal_note(seat);
	return 0;
}

static void drop_entry(struct nakodo_v1_entry *entry)
{
	struct nakodo_v1_journal *journal = entry->journal;

	if (entry->noted) {
		DL_DELETE(journal->noted, entry);
	}
	if (entry->flying) {
		DL_DELETE2(journal->flying, entry, flying_prev, flying_next);
	}
	entry->seat->entry = NULL;
	memory_give(MEMORY_ROOMS, sizeof(*entry));
	free(entry);
}

void nakodo_v1_journal_end(struct nakodo_v1_seat *seat)
{
	struct nakodo_v1_entry *entry = seat->entry;
	struct nakodo_v1_journal *journal = entry ? entry->journal : NULL;
	const struct dialect_env *env = seat->mount->mount->env;

	if (!entry) {
		return;
	}
	if (journal->there && !journal->whole) {
		changes_remove(&journal->changes, SAVE_SEAT, entry->order);
		changes_remove(&journal->changes, SAVE_SEAT_SELF, entry->order);
	}
	drop_entry(entry);
	if (seat->member->room->count > 1) {
		nakodo_v1_journal_list(journal);
		return;
	}
	changes_clear(&journal->changes);
	journal->changes.whole = true;
	if (journal->there && !seat->mount->silent) {
		env->record(
			env->cookie, seat->mount->mount, journal->room->name, &journal->changes);
	}
	destroy(journal);
}

void nakodo_v1_journal_hold(const struct nakodo_v1_entry *entry)
{
	struct peer *peer = entry->seat->peer;

	if (peer && (entry->journal->there || entry->journal->refused)) {
		hold_begin(peer);
	}
}

void nakodo_v1_journal_note(struct nakodo_v1_seat *seat)
{
	struct nakodo_v1_entry *entry = seat->entry;

	if (!entry || entry->noted) {
		return;
	}
	entry->noted = true;
	entry->before = seat->peer ? seat->peer->held : 0;
	DL_APPEND(entry->journal->noted, entry);
	nakodo_v1_journal_list(entry->journal);
	nakodo_v1_journal_hold(entry);
}

void nakodo_v1_journal_note_self(struct nakodo_v1_seat *seat)
{
	if (seat->entry) {
		seat->entry->self = true;
		nakodo_v1_journal_note(seat);
	}
}

void nakodo_v1_journal_attach(struct nakodo_v1_seat *seat)
{
	struct nakodo_v1_entry *entry = seat->entry;

	if (entry) {
		nakodo_v1_journal_note(seat);
		entry->before = seat->peer->held;
		nakodo_v1_journal_hold(entry);
	}
}

void nakodo_v1_journal_note_chat(const struct room *room)
{
	struct nakodo_v1_journal *journal = nakodo_v1_journal_of(room);

	if (journal) {
		journal->chat = true;
		nakodo_v1_journal_list(journal);
	}
}

#ifdef NAKODO_AUDIT
void nakodo_v1_journal_audit(const struct nakodo_v1_seat *seat, struct audit *audit)
{
	const struct nakodo_v1_entry *entry = seat->entry;
	const struct room *room = seat->member->room;

	if (!entry) {
		return;
	}
	audit_bytes(audit, MEMORY_ROOMS, sizeof(*entry));
	if (entry->seat != seat || entry->journal != nakodo_v1_journal_of(room)) {
		audit_fault(audit, "a seat is recorded as another, or with another room");
	}
	if (seat->member == room->members) {
		const struct frame_book *book = &entry->journal->book;

		audit_bytes(audit, MEMORY_ROOMS, sizeof(*entry->journal));
		for (size_t i = 0; i < book->count; i++) {
			if (book->frames[i]) {
				audit_frame(audit, book->frames[i]);
			}
		}
	}
}
#endif
