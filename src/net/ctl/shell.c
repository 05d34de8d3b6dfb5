/* shell: owns the arguments of `nakodo ctl` and how an answer looks. */
#include "nakodo/net/ctl/shell.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "nakodo/base/json.h"
#include "nakodo/base/log.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/text.h"
#include "nakodo/base/utf8.h"
#include "nakodo/net/ctl/top.h"
#include "nakodo/net/ctl/verb.h"

#define CELL 1024 /* bytes of a value as it is shown */

struct wish {
	const char *socket;
	bool json;
	enum verb verb;
	const char *argument;
};

static int read_verb(struct wish *wish, int argc, char *const *argv, struct problem *problem)
{
	const char *wanted;

	if (!argc) {
		return problem_set(problem, -EINVAL,
			"what shall be done? `nakodo ctl --help` lists it; `nakodo ctl status` is "
			"a "
			"beginning");
	}
	wish->verb = verb_find(argv[0]);
	if (wish->verb == VERB_COUNT) {
		return problem_set(problem, -EINVAL,
			"ctl knows no `%s`; `nakodo ctl --help` lists what it knows", argv[0]);
	}
	wanted = verb_rows[wish->verb].argument;
	if (argc > 2 || (argc == 2 && !wanted)) {
		return problem_set(problem, -EINVAL, "`%s` is too much: write nakodo ctl %s%s%s",
			argv[argc - 1], argv[0], wanted ? " " : "", wanted ? wanted : "");
	}
	wish->argument = argc == 2 ? argv[1] : NULL;
	if (!wish->argument && wanted && *wanted != '[') {
		return problem_set(problem, -EINVAL, "write nakodo ctl %s %s", argv[0], wanted);
	}
	if (wish->argument && !utf8_is_valid(wish->argument, strlen(wish->argument))) {
		return problem_set(problem, -EINVAL, "`%s` must be UTF-8", argv[0]);
	}
	return 0;
}

static int read_arguments(struct wish *wish, int argc, char *const *argv, struct problem *problem)
{
	while (argc && !strncmp(argv[0], "--", 2)) {
		if (!strcmp(argv[0], "--json")) {
			wish->json = true;
		} else if (!strncmp(argv[0], "--socket=", 9)) {
			wish->socket = argv[0] + 9;
		} else if (!strcmp(argv[0], "--socket") && argc > 1) {
			wish->socket = argv[1];
			argc--;
			argv++;
		} else {
			return problem_set(problem, -EINVAL,
				"before its verb ctl takes --socket PATH and --json, not `%s`",
				argv[0]);
		}
		argc--;
		argv++;
	}
	return read_verb(wish, argc, argv, problem);
}

static int cannot_connect(int error, const char *path, struct problem *problem)
{
	switch (error) {
	case -ENOENT:
		return problem_set(problem, error,
			"there is no socket `%s`: is the daemon running, and does its "
			"configuration "
			"say ctl = %s? --socket names another one",
			path, path);
	case -ECONNREFUSED:
		return problem_set(problem, error,
			"nobody answers at `%s`: start the daemon (systemctl start nakodo)", path);
	case -EACCES:
		return problem_set(problem, error,
			"you may not use `%s`: be root, or in the group of the daemon (nakodo)",
			path);
	default:
		return problem_set(
			problem, error, "cannot connect to `%s`: %s", path, log_errno_text(error));
	}
}

static int dial(int *ret, const char *path, struct problem *problem)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = -1, error = 0;

	if (strlen(path) >= sizeof(address.sun_path)) {
		error = -ENAMETOOLONG;
	} else {
		memcpy(address.sun_path, path, strlen(path) + 1);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address))) {
			error = -errno;
		}
	}
	if (error) {
		if (fd >= 0) {
			close(fd);
		}
		return cannot_connect(error, path, problem);
	}
	*ret = fd;
	return 0;
}

/* One that has closed already may have said why: so whether it was taken is seen by the answer. */
static int ask(int fd, const struct wish *wish, struct problem *problem)
{
	size_t size = JSON_QUOTED(wish->argument ? strlen(wish->argument) : 0), len;
	char *quoted = malloc(size), *line;
	struct text request = {0};

	if (quoted && wish->argument) {
		json_quote(wish->argument, quoted, size);
	}
	text_print(&request, "{\"verb\":\"%s\"%s%s}\n", verb_rows[wish->verb].name,
		wish->argument ? ",\"argument\":" : "", quoted && wish->argument ? quoted : "");
	line = text_take(&request, &len);
	if (quoted && line) {
		send(fd, line, len, MSG_NOSIGNAL);
	}
	free(line);
	free(quoted);
	return quoted && line ? 0 : problem_set(problem, -ENOMEM, "out of memory");
}

/* A value as a person may see it: no control characters, which could change what a terminal
 * shows, those of two bytes included. */
static void show(const struct json_value *value, char cell[CELL])
{
	unsigned char *at = (unsigned char *)cell;

	if (value->kind == JSON_ABSENT || json_decode(value, cell, CELL) < 0) {
		size_t len = value->kind == JSON_ABSENT ? 0 : value->len;

		len = len < CELL ? len : CELL - 1;
		memcpy(cell, value->kind == JSON_ABSENT ? "" : value->at, len);
		cell[len] = '\0';
	}
	for (; *at; at++) {
		if (*at < 0x20 || *at == 0x7f) {
			*at = '?';
		} else if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) {
			at[0] = at[1] = '?';
		}
	}
}

static void put_cell(FILE *out, const char *text, int width)
{
	int count = 0, most = width < 0 ? -width : width;

	for (const char *at = text; *at; at++) {
		count += (*at & 0xc0) != 0x80; /* characters, not bytes */
	}
	if (width < 0) {
		fprintf(out, "%*s%s  ", count < most ? most - count : 0, "", text);
	} else if (width) {
		fprintf(out, "%s%*s  ", text, count < most ? most - count : 0, "");
	} else {
		fprintf(out, "%s", text);
	}
}

static void put_titles(FILE *out, const struct verb_row *row)
{
	for (int i = 0; i < VERB_COLUMNS && row->columns[i].member; i++) {
		put_cell(out, row->columns[i].title, row->columns[i].width);
	}
	if (row->columns[0].member) {
		fputc('\n', out);
	}
}

static void put_row(FILE *out, const struct verb_row *row, const char *line, size_t len)
{
	struct json_member members[VERB_COLUMNS];
	char cell[CELL];
	size_t count = 0;

	while (count < VERB_COLUMNS && row->columns[count].member) {
		members[count] = (struct json_member){.name = row->columns[count].member};
		count++;
	}
	if (json_scan(line, len, members, count) != JSON_OK) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		show(&members[i].value, cell);
		put_cell(out, cell, row->columns[i].width);
	}
	fputc('\n', out);
}

/* `{"a":1,"b":"c"}`, which has neither depth nor escapes, as a line for each member. */
static void put_list(FILE *out, const char *line)
{
	for (line += strspn(line, "{"); *line && *line != '}'; line += *line == ',') {
		size_t name = strcspn(line, ":"), value = strcspn(line + name, ",}\n");

		fprintf(out, "%-16.*s%.*s\n", (int)(name - 2), line + 1,
			(int)(value - 1 - 2 * (line[name + 1] == '"')),
			line + name + 1 + (line[name + 1] == '"'));
		line += name + value;
	}
}

/* Is it the last line? Then *ret is how it went. */
static bool is_end(const char *line, size_t len, int *ret, struct problem *problem)
{
	struct json_member members[] = {{.name = "ok"}, {.name = "error"}};
	char text[CELL];

	if (json_scan(line, len, members, 2) != JSON_OK || members[0].value.kind != JSON_BOOL) {
		return false;
	}
	*ret = 0;
	if (members[0].value.at[0] != 't') {
		show(&members[1].value, text);
		*ret = problem_set(problem, -EPERM, "%s", text);
	}
	return true;
}

static int print_answer(
	FILE *stream, const struct wish *wish, struct top *top, FILE *out, struct problem *problem)
{
	const struct verb_row *row = &verb_rows[wish->verb];
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int error =
		problem_set(problem, -EIO, "the daemon has gone before its answer was complete");

	if (!wish->json) {
		put_titles(out, row);
	}
	while ((len = getline(&line, &room, stream)) > 0) {
		if (is_end(line, (size_t)len, &error, problem)) {
			break;
		}
		if (wish->json) {
			fputs(line, out);
		} else if (top) {
			top_show(top, out, line, (size_t)len);
		} else if (row->columns[0].member) {
			put_row(out, row, line, (size_t)len);
		} else {
			put_list(out, line);
		}
	}
	free(line);
	fflush(out);
	return error;
}

/* Until somebody ends it, the daemon goes, or nobody reads any more. */
static int watch(FILE *stream, const struct wish *wish, FILE *out, struct problem *problem)
{
	struct top top;
	int error;

	top_begin(&top, out);
	do {
		error = ask(fileno(stream), wish, problem);
		error = error ? error : print_answer(stream, wish, &top, out, problem);
	} while (!error && !ferror(out) && top_wait(&top));
	top_end(&top);
	return top_is_ended() ? 0 : error;
}

int shell_run(int argc, char *const *argv, FILE *out, struct problem *problem)
{
	struct wish wish = {.socket = SHELL_SOCKET};
	int error = read_arguments(&wish, argc, argv, problem);
	FILE *stream;
	int fd = -1;

	error = error ? error : dial(&fd, wish.socket, problem);
	if (error) {
		return error;
	}
	stream = fdopen(fd, "r");
	if (!stream) {
		close(fd);
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	if (wish.verb == VERB_TOP) {
		error = watch(stream, &wish, out, problem);
	} else {
		error = ask(fd, &wish, problem);
		error = error ? error : print_answer(stream, &wish, NULL, out, problem);
	}
	fclose(stream);
	return error;
}

void shell_print_help(FILE *out)
{
	fputs("Usage: nakodo ctl [--socket PATH] [--json] VERB [ARGUMENT]\n"
	      "Ask the daemon that runs, or have it do something.\n"
	      "\n",
		out);
	for (int i = 0; i < VERB_COUNT; i++) {
		const struct verb_row *row = &verb_rows[i];

		fprintf(out, "  %s %-*s  %s.\n", row->name, 16 - (int)strlen(row->name),
			row->argument ? row->argument : "", row->help);
	}
	fputs("\n"
	      "  --socket PATH     Where the daemon listens, as its option ctl says.\n"
	      "                    Default: " SHELL_SOCKET "\n"
	      "  --json            Print each thing as a JSON object on a line.\n"
	      "\n"
	      "With nakodo.socket enabled the next who connects undoes drain: systemd starts the\n"
	      "daemon anew, without its sessions. Stop both there, by\n"
	      "systemctl stop nakodo.socket nakodo.service.\n"
	      "\n"
	      "  nakodo ctl status\n"
	      "  nakodo ctl top\n"
	      "  nakodo ctl peers team && nakodo ctl kick 17\n"
	      "  nakodo ctl --json rooms | jq 'select(.members > 10)'\n"
	      "\n"
	      "Exit status: 0 if it was done, 1 if not, 2 if the words are wrong.\n",
		out);
}
