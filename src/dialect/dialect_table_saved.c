/* dialect_table_saved: what of the mounts outlives the process, or is told elsewhere. */
#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "dialect_entry.h"
#include "nakodo/base/saved.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/dialect_table.h"

static void save_entries(const struct entry *entries, struct save *save)
{
	const struct entry *entry;

	LL_FOREACH(entries, entry)
	{
		if ((entry->said || !entry->mount.path) && entry->mount.dialect->save) {
			save_begin(save, SAVE_MOUNT);
			save_number(save, !entry->mount.path);
			save_text(save, entry->key);
			save_text(save, entry->mount.dialect->name);
			save_end(save);
			entry->mount.dialect->save(&entry->mount, save);
			save_begin(save, SAVE_MOUNT_END);
			save_end(save);
		}
	}
}

void dialect_table_save(const struct dialect_table *table, struct save *save)
{
	save_entries(table->mounts, save);
	save_entries(table->own, save);
}

/* The mount of which that record is. NULL: there is none like that any more. */
static struct mount *find_saved(const struct dialect_table *table, struct saved *saved)
{
	bool own = saved_number_up_to(saved, 1);
	const char *key = saved_text(saved), *name = saved_text(saved);
	struct entry *entry = own ? table->own : table->mounts;

	saved->bad |= !key || !name;
	for (; entry && !saved->bad; entry = entry->next) {
		if (!strcmp(entry->key, key) && !strcmp(entry->mount.dialect->name, name) &&
			entry->mount.dialect->restore) {
			return &entry->mount;
		}
	}
	return NULL;
}

static void pass_over(struct saved *saved)
{
	while (saved_next(saved) && saved->kind != SAVE_MOUNT_END) {
		saved_skip(saved);
	}
}

static void forget(struct entry *entries)
{
	struct entry *entry;

	LL_FOREACH(entries, entry)
	{
		if (entry->mount.dialect->forget) {
			entry->mount.dialect->forget(&entry->mount);
		}
	}
}

int dialect_table_restore(struct dialect_table *table, struct saved *saved, uint64_t elapsed)
{
	struct mount *mount;
	int error = 0;

	while (!error && saved_next(saved)) {
		saved->bad |= saved->kind != SAVE_MOUNT;
		mount = find_saved(table, saved);
		if (mount) {
			error = mount->dialect->restore(mount, saved, elapsed);
		} else {
			pass_over(saved);
		}
		saved->bad |= !error && saved->kind != SAVE_MOUNT_END;
	}
	error = error ? error : saved->bad ? -EBADMSG : 0;
	if (error) {
		forget(table->mounts);
		forget(table->own);
	}
	return error;
}

void dialect_table_record(const struct dialect_table *table)
{
	struct entry *entry;

	LL_FOREACH(table->mounts, entry)
	{
		if (entry->mount.dialect->settle) {
			entry->mount.dialect->settle(&entry->mount);
		}
	}
}
