/*
 * options_set: one value from one source into struct options.
 */
#pragma once

#include <stdint.h>

#include "options_names.h"

struct option_row;
struct options;
struct problem;

/* Options that are being read. */
struct options_load {
	struct options *options;
	struct problem *problem; /* filled by whatever fails */
	enum options_source source;
	const char *where; /* the place that is being read, as in struct option_item */
	char name[OPTIONS_NAME_TEXT]; /* room for a place that is the name of an option */
	uint64_t touched; /* the rows of the table that this source has set */
};

/* What follows comes from this source. */
void options_set_source(struct options_load *load, enum options_source source, const char *where);
/* Check the text and set the option; one more item of a repeatable one. 0, -EINVAL or -ENOMEM. */
int options_set(struct options_load *load, const struct option_row *row, const char *text);
/* The same, but a repeatable option gets an item from each word of the text. */
int options_set_words(struct options_load *load, const struct option_row *row, const char *text);
/* -EINVAL unless the text is UTF-8 and every character can be shown. */
int options_set_check_text(struct options_load *load, const char *text);
void options_set_clear(struct options *options, const struct option_row *row);
