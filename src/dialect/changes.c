/* changes: see the header. A field's name is a letter, by which frames come first, then who keeps
 * them and what belongs to these, and the number in hexadecimal. */
#include "nakodo/dialect/changes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const enum save_kind kinds[] = {SAVE_NUMBERED, SAVE_SEAT, SAVE_HISTORY, SAVE_SEAT_SELF};

static char letter_of(enum save_kind kind)
{
	size_t i = 0;

	while (kinds[i] != kind) {
		i++;
	}
	return (char)('a' + i);
}

enum save_kind changes_kind(const char *field, size_t len)
{
	size_t i = len ? (size_t)(*field - 'a') : sizeof(kinds);

	return len == CHANGES_FIELD - 1 && i < sizeof(kinds) / sizeof(*kinds) ? kinds[i]
									      : SAVE_LAST;
}

static struct change *add(struct changes *changes, enum save_kind kind, uint64_t number)
{
	size_t room = changes->room ? 2 * changes->room : 16;
	struct change *all = changes->all, *change;

	if (changes->count == changes->room) {
		all = reallocarray(all, room, sizeof(*all));
		if (!all) {
			changes->failed = true;
			return NULL;
		}
		changes->all = all;
		changes->room = room;
	}
	change = &all[changes->count++];
	*change = (struct change){.at = changes->bytes.len};
	snprintf(change->field, sizeof(change->field), "%c%016" PRIx64, letter_of(kind), number);
	return change;
}

void changes_set(struct changes *changes, struct save *save, uint64_t number)
{
	const struct text *record = &save->record;
	struct change *change = add(changes, (enum save_kind)save->kind, number);

	if (change) {
		change->len = record->len;
		text_add_bytes(&changes->bytes, record->at, record->len);
	}
	changes->failed |= record->failed || changes->bytes.failed;
}

void changes_remove(struct changes *changes, enum save_kind kind, uint64_t number)
{
	struct change *change = add(changes, kind, number);

	if (change) {
		change->gone = true;
	}
}

void changes_clear(struct changes *changes)
{
	changes->count = 0;
	changes->bytes.len = 0;
	changes->bytes.failed = false;
	changes->whole = changes->failed = false;
}

void changes_finish(struct changes *changes)
{
	free(changes->all);
	free(changes->bytes.at);
	*changes = (struct changes){0};
}
