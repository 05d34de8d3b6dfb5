/*
 * options_set: owns the fields of struct options while they are being filled in, and the sentence
 * that says what a value must be. What is right for one option is in its row of the table.
 */
#include "options_set.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/utf8.h"
#include "options_number.h"
#include "options_table.h"

#define LIST_MAX 1024 /* items of one option */
#define VALUE_MAX 2000 /* bytes; in quotes, all escaped, it still fits a line of a file */
#define BLANKS " \t\n\v\f\r"

static void *field_of(const struct options *options, const struct option_row *row)
{
	return (char *)options + row->offset;
}

static int no_memory(struct options_load *load)
{
	return problem_set(load->problem, -ENOMEM, "%s: out of memory", load->where);
}

static int insert(struct options_load *load, struct option_list *list, size_t at, const char *text)
{
	struct option_item *items, item;

	if (list->count == LIST_MAX) {
		return problem_set(load->problem, -EINVAL,
			"%s: that is more than %d values for one option", load->where, LIST_MAX);
	}
	item.value = strdup(text);
	item.where = strdup(load->where);
	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (items) {
		list->items = items;
	}
	if (!items || !item.value || !item.where) {
		free(item.value);
		free(item.where);
		return no_memory(load);
	}
	memmove(items + at + 1, items + at, (list->count - at) * sizeof(*items));
	items[at] = item;
	list->count++;
	return 0;
}

static void remove_item(struct option_list *list, size_t at)
{
	free(list->items[at].value);
	free(list->items[at].where);
	list->count--;
	memmove(list->items + at, list->items + at + 1, (list->count - at) * sizeof(*list->items));
}

static int set_entry(struct options_load *load, struct option_list *list, const char *text)
{
	size_t key = strcspn(text, "=") + 1, at = 0;

	while (at < list->count && strncmp(list->items[at].value, text, key) < 0) {
		at++;
	}
	if (at < list->count && strncmp(list->items[at].value, text, key) == 0) {
		remove_item(list, at);
	}
	return strcmp(text + key, "off") == 0 ? 0 : insert(load, list, at, text);
}

static int set_text(struct options_load *load, char **field, const char *text)
{
	char *copy = strdup(text);

	if (!copy) {
		return no_memory(load);
	}
	free(*field);
	*field = copy;
	return 0;
}

static int parse_choice(const char *const *choices, const char *text, int *ret)
{
	for (int i = 0; choices[i]; i++) {
		if (strcmp(choices[i], text) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_yes_no(const char *text, bool *ret)
{
	static const char *const words[] = {
		"no", "yes", "false", "true", "off", "on", "0", "1", NULL};
	int word, error = parse_choice(words, text, &word);

	if (!error) {
		*ret = word % 2;
	}
	return error;
}

static void say_range(
	struct problem *problem, const struct option_row *row, const char *kind, const char *units)
{
	char min[OPTIONS_NUMBER_TEXT], max[OPTIONS_NUMBER_TEXT];

	problem_set(problem, 0, "must be %s from %s to %s%s", kind,
		options_number_format(row, row->min, min),
		options_number_format(row, row->max, max), units);
}

static void say_choices(struct problem *problem, const char *const *choices)
{
	problem_set(problem, 0, "must be one of");
	for (size_t i = 0; choices[i]; i++) {
		size_t len = strlen(problem->text);

		snprintf(problem->text + len, sizeof(problem->text) - len, "%s %s", i ? "," : "",
			choices[i]);
	}
}

/* Go on where "NAME `VALUE`: " ended, for the types whose rows have no check. */
static void say_what_it_must_be(struct problem *problem, const struct option_row *row)
{
	switch (row->type) {
	case OPTION_YES_NO:
		problem_set(problem, 0, "must be yes or no");
		break;
	case OPTION_CHOICE:
		say_choices(problem, row->choices);
		break;
	case OPTION_SIZE:
		say_range(problem, row, "a size", ", in bytes or with KiB or MiB behind it");
		break;
	case OPTION_SECONDS:
		say_range(problem, row, "a time", ", in seconds or with s, m or h behind it");
		break;
	default:
		say_range(problem, row, "a whole number", "");
	}
}

static int set_field(struct options_load *load, const struct option_row *row, const char *text)
{
	void *field = field_of(load->options, row);

	switch (row->type) {
	case OPTION_LIST:
		return insert(load, field, ((struct option_list *)field)->count, text);
	case OPTION_TABLE:
		return set_entry(load, field, text);
	case OPTION_TEXT:
		return set_text(load, field, text);
	case OPTION_YES_NO:
		return parse_yes_no(text, field);
	case OPTION_CHOICE:
		return parse_choice(row->choices, text, field);
	default:
		return options_number_parse(row, text, field) ? 0 : -EINVAL;
	}
}

static int refuse(struct options_load *load, const struct option_row *row, const char *text,
	const struct problem *detail)
{
	if (row->secret) {
		return problem_set(load->problem, -EINVAL, "%s: %s: the value %s", load->where,
			row->name, detail->text);
	}
	return problem_set(load->problem, -EINVAL, "%s: %s `%.*s`: %s", load->where, row->name,
		options_names_cut(text, strlen(text)), text, detail->text);
}

int options_set_check_text(struct options_load *load, const char *text)
{
	bool good = utf8_is_valid(text, strlen(text));

	for (const char *at = text; good && *at; at++) {
		good = ((unsigned char)*at >= ' ' && *at != 0x7f) || *at == '\t';
	}
	return good ? 0
		    : problem_set(load->problem, -EINVAL,
			      "%s: only UTF-8 text without control characters can stand here",
			      load->where);
}

int options_set(struct options_load *load, const struct option_row *row, const char *text)
{
	uint64_t bit = UINT64_C(1) << (row - options_table);
	struct problem detail;
	int error;

	assert(row - options_table < OPTIONS_MOST);
	error = options_set_check_text(load, text);
	if (error) {
		return error;
	}
	if (!*text && row->type != OPTION_TEXT) {
		return problem_set(
			load->problem, -EINVAL, "%s: %s needs a value", load->where, row->name);
	}
	if (strlen(text) > VALUE_MAX) {
		return problem_set(load->problem, -EINVAL,
			"%s: %s has a value of more than %d bytes", load->where, row->name,
			VALUE_MAX);
	}
	if (row->check && row->check(text, &detail)) {
		return refuse(load, row, text, &detail);
	}
	if (row->type == OPTION_LIST && !(load->touched & bit)) {
		options_set_clear(load->options, row);
	}
	load->touched |= bit;
	error = set_field(load, row, text);
	error = error ? error
		      : set_text(load, &load->options->where[row - options_table], load->where);
	/* Lists, tables and texts have spoken for themselves already. */
	if (error == -EINVAL && row->type >= OPTION_YES_NO) {
		say_what_it_must_be(&detail, row);
		return refuse(load, row, text, &detail);
	}
	return error;
}

int options_set_words(struct options_load *load, const struct option_row *row, const char *text)
{
	int error = 0;

	if (row->type != OPTION_LIST && row->type != OPTION_TABLE) {
		return options_set(load, row, text);
	}
	for (text += strspn(text, BLANKS); *text && !error; text += strspn(text, BLANKS)) {
		size_t len = strcspn(text, BLANKS);
		char *word = strndup(text, len);

		error = word ? options_set(load, row, word) : no_memory(load);
		free(word);
		text += len;
	}
	return error;
}

void options_set_source(struct options_load *load, enum options_source source, const char *where)
{
	load->source = source;
	load->where = where;
	load->touched = 0;
}

void options_set_clear(struct options *options, const struct option_row *row)
{
	void *field = field_of(options, row);

	free(options->where[row - options_table]);
	options->where[row - options_table] = NULL;
	if (row->type == OPTION_LIST || row->type == OPTION_TABLE) {
		struct option_list *list = field;

		while (list->count) {
			remove_item(list, list->count - 1);
		}
		free(list->items);
		list->items = NULL;
	} else if (row->type == OPTION_TEXT) {
		char **string = field;

		free(*string);
		*string = NULL;
	}
}
