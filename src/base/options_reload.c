/*
 * options_reload: owns what may not change while the daemon runs.
 */
#include <errno.h>
#include <string.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "options_table.h"

/* The item with which two lists begin to differ, of the second one if it has one there. NULL: they
 * are equal. */
static const struct option_item *find_change(
	const struct option_list *before, const struct option_list *after)
{
	for (size_t i = 0; i < after->count; i++) {
		if (i == before->count || strcmp(before->items[i].value, after->items[i].value)) {
			return &after->items[i];
		}
	}
	return after->count < before->count ? &before->items[after->count] : NULL;
}

static bool is_list(const struct option_row *row)
{
	return row->type == OPTION_LIST || row->type == OPTION_TABLE;
}

static bool is_equal(const struct option_row *row, const void *before, const void *after)
{
	switch (row->type) {
	case OPTION_LIST:
	case OPTION_TABLE:
		return !find_change(before, after);
	case OPTION_TEXT:
		return !strcmp(*(char *const *)before, *(char *const *)after);
	case OPTION_YES_NO:
		return *(const bool *)before == *(const bool *)after;
	case OPTION_CHOICE:
		return *(const int *)before == *(const int *)after;
	default:
		return *(const uint64_t *)before == *(const uint64_t *)after;
	}
}

/* Where it is said; of what is said no more, where it was. */
static const char *where_of(
	const struct option_row *row, const struct options *before, const struct options *after)
{
	const struct option_item *item;
	const char *where;

	if (is_list(row)) {
		item = find_change((const void *)((const char *)before + row->offset),
			(const void *)((const char *)after + row->offset));
		if (strcmp(item->where, "default")) {
			return item->where;
		}
	}
	where = options_where(after, (const char *)after + row->offset);
	return strcmp(where, "default") ? where
					: options_where(before, (const char *)before + row->offset);
}

static int check_fixed(
	const struct options *before, const struct options *after, struct problem *problem)
{
	for (const struct option_row *row = options_table; row->name; row++) {
		if (row->fixed && !is_equal(row, (const char *)before + row->offset,
					  (const char *)after + row->offset)) {
			return problem_set(problem, -EBUSY,
				"%s: %s cannot change while the daemon runs: restart it, or take "
				"the change back",
				where_of(row, before, after), row->name);
		}
	}
	return 0;
}

int options_reload(struct options *options, const struct options *now, struct problem *problem)
{
	int error = options_load(options, now->argc, now->argv, now->environment, problem);

	if (!error) {
		error = check_fixed(now, options, problem);
		if (error) {
			options_finish(options);
		}
	}
	return error;
}
