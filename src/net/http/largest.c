/* largest: see the header. Names are kept as copies: their rooms may go between two looks. */
#include "nakodo/net/http/largest.h"

#include <stdio.h>
#include <stdlib.h>

#define FORGOTTEN 60000 /* ms after the last one who asked, who would be shown what is no more */

static struct largest_row *least_of(struct largest_list *list)
{
	struct largest_row *least = list->rows;

	for (size_t i = 1; i < list->count; i++) {
		if (list->rows[i].members < least->members) {
			least = &list->rows[i];
		}
	}
	return least;
}

static void write_row(struct largest_row *row, const struct room *room, const char *mount)
{
	row->members = room->count;
	snprintf(row->mount, sizeof(row->mount), "%s", mount);
	snprintf(row->room, sizeof(row->room), "%s", room->name);
}

/* False: there are no more rooms. */
static bool look_at_next(struct largest *largest, size_t *least)
{
	const struct room *room = all_rooms_next(&largest->walk);
	struct largest_list *found = &largest->found;

	if (!room) {
		return false;
	}
	if (found->count < LARGEST_ROWS) {
		write_row(&found->rows[found->count++], room, largest->walk.path);
		*least = least_of(found)->members;
	} else if (room->count > *least) {
		write_row(least_of(found), room, largest->walk.path);
		*least = least_of(found)->members;
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct largest_row *one = a, *other = b;

	return (one->members < other->members) - (one->members > other->members);
}

static void show_found(struct largest *largest)
{
	largest->shown = largest->found;
	qsort(largest->shown.rows, largest->shown.count, sizeof(*largest->shown.rows), compare);
}

const struct largest_list *largest_ask(
	struct largest *largest, const struct dialect_table *table, uint64_t now)
{
	size_t least = 0, looked = 0;

	if (now - largest->asked > FORGOTTEN) {
		largest_finish(largest);
	}
	largest->asked = now;
	if (!largest->under_way) {
		all_rooms_begin(&largest->walk, table);
		largest->found.count = 0;
		largest->under_way = true;
	} else {
		least = least_of(&largest->found)->members;
	}
	while (largest->under_way && looked++ < LARGEST_LOOKED_AT) {
		largest->under_way = look_at_next(largest, &least);
	}
	if (!largest->under_way || !largest->whole) {
		show_found(largest);
	}
	largest->whole |= !largest->under_way;
	return &largest->shown;
}

void largest_finish(struct largest *largest)
{
	all_rooms_end(&largest->walk);
	largest->under_way = false;
	largest->whole = false;
}
