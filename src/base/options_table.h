/*
 * options_table: the one description of every option. Reading, --help, --print-config and the man
 * page walk over it; a new option is a new row here and a field in struct options.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/options.h"

struct problem;

/* Decides the type of the field at `offset`. */
enum option_type {
	OPTION_LIST, /* struct option_list; in `standard` the items stand apart by white space */
	OPTION_TABLE, /* the same, of KEY=VALUE: an entry replaces the one with its key, and
			 KEY=off removes it; kept in the order of the keys */
	OPTION_TEXT, /* char *; "" means unset */
	OPTION_YES_NO, /* bool */
	OPTION_CHOICE, /* int, an index into `choices` */
	OPTION_NUMBER, /* uint64_t, as the next two */
	OPTION_SIZE, /* bytes */
	OPTION_SECONDS,
};

/* Is the text right? 0, or -EINVAL with a sentence that goes on where "NAME `VALUE`: " ended. */
typedef int option_check_fn(const char *text, struct problem *problem);

struct option_row {
	const char *group; /* the heading above this row; NULL: the same as of the row before */
	const char *name;
	const char *placeholder; /* what the value is called in help; NULL: needs none */
	enum option_type type;
	size_t offset; /* in struct options */
	const char *standard; /* the default as one would write it */
	uint64_t min, max; /* of numbers, both allowed */
	const char *const *choices; /* NULL at the end */
	option_check_fn *check; /* of each text or item; NULL: all are right */
	bool secret; /* the value holds a password: never in a message */
	bool fixed; /* cannot change while the daemon runs */
	const char *help; /* ends in a full stop; default and limits are added to it */
};

/* An argument that is no option: it exists on the command line only. */
struct option_action_row {
	const char *name, *placeholder;
	char letter; /* 0: none */
	enum option_action action;
	const char *help; /* NULL: not in --help */
};

/* Both end with a row without a name. --config is the first, since the environment knows it too. */
extern const struct option_row options_table[];
extern const struct option_action_row options_actions[];
