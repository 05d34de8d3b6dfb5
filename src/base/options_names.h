/*
 * options_names: an option's name as each source spells it: `max-peers` in a file,
 * `NAKODO_MAX_PEERS` in the environment, `--max-peers` on the command line.
 */
#pragma once

#include <stddef.h>

#define OPTIONS_NAME_TEXT 64 /* bytes that hold any spelling of any name, with its NUL */

struct option_row;
struct problem;

enum options_source { OPTIONS_DEFAULT, OPTIONS_FILE, OPTIONS_ENVIRONMENT, OPTIONS_ARGUMENTS };

/* Returns `buf`. */
const char *options_names_spell(
	enum options_source source, const char *name, char buf[OPTIONS_NAME_TEXT]);
/* The option that the source spells like the `len` bytes at `text`; NULL: none. */
const struct option_row *options_names_find(
	enum options_source source, const char *text, size_t len);
/* -EINVAL with the sentence that there is no such option at the place, but perhaps a similar one.
 */
int options_names_unknown(enum options_source source, const char *where, const char *text,
	size_t len, struct problem *problem);
/* As much of the text, in whole characters, as a sentence should repeat. */
int options_names_cut(const char *text, size_t len);
