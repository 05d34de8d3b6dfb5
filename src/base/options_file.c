/*
 * options_file: owns the grammar of the configuration file.
 *
 *   # a comment, also behind white space at the end of a line
 *   name = value
 *   name = "a value that keeps # and outer blanks; \" and \\ stand for the quote and the backslash"
 *
 * The file is UTF-8; its lines end in LF or CR LF.
 */
#include "options_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "nakodo/base/file.h"
#include "nakodo/base/problem.h"
#include "options_set.h"
#include "options_table.h"

#define LINE_MAX_BYTES 4096
#define FILE_MAX_BYTES (1 << 20) /* a reload reads it while everybody waits */
#define BLANKS " \t"
#define NAME_BYTES "0123456789-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static int fault(struct options_load *load, const char *sentence)
{
	return problem_set(load->problem, -EINVAL, "%s: %s", load->where, sentence);
}

/* 1: `line` is the next line without its end; 0: there is none; negative: with a sentence. */
static int read_line(struct options_load *load, FILE *file, char line[LINE_MAX_BYTES])
{
	size_t len = 0;
	int byte;

	while ((byte = getc(file)) != EOF && byte != '\n') {
		if (byte == '\0') {
			return fault(load, "a NUL byte: this is not a text file");
		}
		if (len == LINE_MAX_BYTES - 1) {
			return fault(load, "the line is too long");
		}
		line[len++] = (char)byte;
	}
	if (ferror(file)) {
		int error = errno;

		return problem_set(load->problem, -error, "%s: cannot be read: %s", load->where,
			strerror(error));
	}
	if (len && line[len - 1] == '\r') {
		len--;
	}
	line[len] = '\0';
	return len || byte != EOF;
}

/* Cut the text at a comment and take off the blanks at its end. */
static void trim(char *text)
{
	size_t len = 0;

	while (text[len] && (text[len] != '#' || (len && !strchr(BLANKS, text[len - 1])))) {
		len++;
	}
	while (len && strchr(BLANKS, text[len - 1])) {
		len--;
	}
	text[len] = '\0';
}

/* Decode in place what stands behind the first quote. */
static int unquote(struct options_load *load, char *text)
{
	char *to = text;

	for (; *text && *text != '"'; text++) {
		if (*text == '\\' && (text[1] == '"' || text[1] == '\\')) {
			text++;
		}
		*to++ = *text;
	}
	if (!*text) {
		return fault(load, "the closing quote is missing");
	}
	text += 1 + strspn(text + 1, BLANKS);
	if (*text && *text != '#') {
		return fault(load, "nothing but a comment can stand behind the closing quote; "
				   "write \\\" for a quote inside of quotes");
	}
	*to = '\0';
	return 0;
}

static int read_assignment(struct options_load *load, char *line)
{
	size_t len = strspn(line, NAME_BYTES);
	char *value = line + len + strspn(line + len, BLANKS);
	const struct option_row *row = options_names_find(load->source, line, len);
	int error = 0;

	/* The line is not repeated: it might hold a password. */
	if (!len || *value != '=') {
		return fault(load, "the line must be `name = value` or a # comment");
	}
	if (!row) {
		return options_names_unknown(load->source, load->where, line, len, load->problem);
	}
	value += 1 + strspn(value + 1, BLANKS);
	if (*value == '"') {
		error = unquote(load, ++value);
	} else {
		trim(value);
	}
	return error ? error : options_set(load, row, value);
}

static int read_lines(struct options_load *load, FILE *file, const char *path)
{
	char where[PATH_MAX + 24], line[LINE_MAX_BYTES];
	const char *said = load->where;
	int error = 1;

	load->where = where;
	for (unsigned number = 1; error > 0; number++) {
		char *at = line;

		snprintf(where, sizeof(where), "%s:%u", path, number);
		error = read_line(load, file, line);
		at += error > 0 ? strspn(line, BLANKS) : 0;
		if (error > 0 && *at && *at != '#') {
			error = options_set_check_text(load, at);
			error = error ? error : read_assignment(load, at);
			error = error ? error : 1;
		}
	}
	load->where = said;
	return error;
}

int options_file_read(struct options_load *load, const char *path)
{
	FILE *file = file_open(AT_FDCWD, path);
	int error = errno;
	struct stat st;

	if (!file) {
		return problem_set(load->problem, -error, "%s: cannot read %s: %s", load->where,
			path, file_error_text(error));
	}
	if (fstat(fileno(file), &st) || st.st_size > FILE_MAX_BYTES) {
		error = problem_set(load->problem, -EFBIG,
			"%s: %s is too large: a configuration "
			"has at most 1 MiB",
			load->where, path);
	} else {
		error = read_lines(load, file, path);
	}
	fclose(file);
	return error;
}
