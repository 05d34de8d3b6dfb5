/* options_names: owns nothing; see the header. */
#include "options_names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nakodo/base/problem.h"
#include "options_table.h"

#define SHOWN 80 /* bytes of someone's text in a sentence */

static const char *const prefixes[] = {
	[OPTIONS_DEFAULT] = "",
	[OPTIONS_FILE] = "",
	[OPTIONS_ENVIRONMENT] = "NAKODO_",
	[OPTIONS_ARGUMENTS] = "--",
};

const char *options_names_spell(
	enum options_source source, const char *name, char buf[OPTIONS_NAME_TEXT])
{
	snprintf(buf, OPTIONS_NAME_TEXT, "%s%s", prefixes[source], name);
	for (char *at = buf; source == OPTIONS_ENVIRONMENT && *at; at++) {
		if (*at == '-') {
			*at = '_';
		} else if (*at >= 'a' && *at <= 'z') {
			*at = (char)(*at - 'a' + 'A');
		}
	}
	return buf;
}

const struct option_row *options_names_find(
	enum options_source source, const char *text, size_t len)
{
	char name[OPTIONS_NAME_TEXT];

	for (const struct option_row *row = options_table; row->name; row++) {
		options_names_spell(source, row->name, name);
		if (strlen(name) == len && memcmp(name, text, len) == 0) {
			return row;
		}
	}
	return NULL;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many bytes to add, drop or change to make one of the other (Levenshtein). */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t cost[OPTIONS_NAME_TEXT][OPTIONS_NAME_TEXT];

	if (a_len >= OPTIONS_NAME_TEXT || b_len >= OPTIONS_NAME_TEXT) {
		return OPTIONS_NAME_TEXT;
	}
	for (size_t i = 0; i <= a_len; i++) {
		for (size_t j = 0; j <= b_len; j++) {
			if (!i || !j) {
				cost[i][j] = i + j;
				continue;
			}
			cost[i][j] = least(cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
				least(cost[i - 1][j], cost[i][j - 1]) + 1);
		}
	}
	return cost[a_len][b_len];
}

struct nearest {
	enum options_source source;
	const char *text;
	size_t len, distance;
	char name[OPTIONS_NAME_TEXT]; /* the best so far, as spelled; "" is none */
};

static void compare(struct nearest *nearest, const char *name)
{
	char spelled[OPTIONS_NAME_TEXT];
	size_t found;

	options_names_spell(nearest->source, name, spelled);
	found = distance(nearest->text, nearest->len, spelled, strlen(spelled));
	if (found < nearest->distance) {
		nearest->distance = found;
		memcpy(nearest->name, spelled, sizeof(spelled));
	}
}

int options_names_unknown(enum options_source source, const char *where, const char *text,
	size_t len, struct problem *problem)
{
	/* A third of the letters may be wrong; more is no slip but another word. */
	size_t letters = len - least(len, strlen(prefixes[source]));
	struct nearest nearest = {source, text, len, letters / 3 + 2, ""};
	const struct option_action_row *action = options_actions;

	for (const struct option_row *row = options_table; row->name; row++) {
		compare(&nearest, row->name);
	}
	if (source == OPTIONS_ENVIRONMENT) {
		compare(&nearest, action->name);
	}
	for (; source == OPTIONS_ARGUMENTS && action->name; action++) {
		compare(&nearest, action->name);
	}
	if (*nearest.name) {
		return problem_set(problem, -EINVAL,
			"%s: there is no option `%.*s`; did you mean `%s`?", where,
			options_names_cut(text, len), text, nearest.name);
	}
	return problem_set(problem, -EINVAL,
		"%s: there is no option `%.*s`; `nakodo --help` shows them all", where,
		options_names_cut(text, len), text);
}

int options_names_cut(const char *text, size_t len)
{
	size_t shown = least(len, SHOWN);

	while (shown && shown < len && (text[shown] & 0xc0) == 0x80) {
		shown--;
	}
	return (int)shown;
}
