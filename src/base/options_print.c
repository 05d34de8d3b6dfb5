/*
 * options_print: owns what is said about options: --help, the man pages, --print-config and the
 * example of a file. Help and man pages are the same sections written by one hand in two inks,
 * plain text and man(7).
 */
#include "nakodo/base/options.h"

#include <stdarg.h>
#include <string.h>

#include "nakodo/config.h"
#include "options_names.h"
#include "options_number.h"
#include "options_table.h"

#define WIDTH 80
#define BLANKS " \t\n"

struct page {
	FILE *out;
	bool roff; /* else plain text of at most WIDTH columns */
};

struct entry {
	const char *tag, *placeholder, *text;
};

static const char about[] =
	"nakodo introduces WebRTC peers to each other: it passes their signaling messages on over "
	"WebSocket, keeps nothing of them, and serves the pages to try it with.";

static const struct entry examples[] = {
	{"nakodo", NULL, "Serve this machine only; open http://localhost:3000/ in two tabs."},
	{"nakodo --listen localhost:3000 --listen 'tls:*:3443' --tls-self-signed certs", NULL,
		"Serve the local network as well, by https, without which browsers give no camera "
		"to pages from elsewhere."},
	{"nakodo --config /etc/nakodo/nakodo.conf --check", NULL,
		"Say whether a configuration is right before it is used."},
	{"nakodo token --key main:HS256:secret --room 'team-*' --sub u1 --ttl 1h", NULL,
		"Print a token that lets its bearer into these rooms for an hour; --room may "
		"stand several times, and --name, --iss and --aud say more."},
	{"nakodo probe wss://rtc.example", NULL,
		"Go the way of a client, by DNS, TCP, TLS and WebSocket to another client and "
		"back, "
		"and through each STUN and TURN server, and say of each step whether it is good or "
		"what to do; exit status 1 if something is not. More: nakodo probe --help"},
	{"nakodo ctl status", NULL,
		"Ask the daemon that runs, where the option ctl says; nakodo ctl --help lists what "
		"else can be asked and done: rooms, peers, kick, log-level, reload, drain."},
	{NULL, NULL, NULL},
};

static const char sources[] =
	"Options come from the defaults, the configuration file, the environment and the command "
	"line. The later one wins; a repeatable option that a later one sets replaces all that "
	"came before, except that mount is a table by path, to which each adds.";

static const char grammar[] =
	"A configuration file has lines of `name = value`. A # at the beginning or behind white "
	"space starts a comment. A value in double quotes keeps its # and outer blanks, and in it "
	"\\\" and \\\\ stand for the quote and the backslash.";

static const char environment[] =
	"An option is the variable NAKODO_NAME, so max-peers is NAKODO_MAX_PEERS; a repeatable "
	"one holds all its values, separated by white space. NAKODO_CONFIG names the configuration "
	"file if --config does not. An empty variable counts as unset; any other variable "
	"NAKODO_... is a mistake.";

static const char values[] =
	"A SIZE is in bytes, or ends in KiB, MiB or GiB (or k, K, M, G, which mean the same). A "
	"TIME is in seconds, or ends in s, m or h. A switch such as --show-messages is yes or no "
	"(or true, false, on, off, 1, 0); on the command line it is yes without a value.";

static const struct entry statuses[] = {
	{"0", NULL, "It did what it was asked to."},
	{"1", NULL, "It could not start, or could not go on."},
	{"2", NULL, "The command line or the configuration is wrong; nothing was started."},
	{NULL, NULL, NULL},
};

static const struct entry signals[] = {
	{"SIGTERM, SIGINT", NULL,
		"Stop accepting, send the peers away with 1001 over drain-seconds, and exit. A "
		"second one ends it at once."},
	{"SIGHUP", NULL,
		"Read all options, certificates, secrets and keys anew, and reopen log-file; "
		"nobody is disconnected. If anything is wrong, or has changed that needs a "
		"restart (what says so among the options, or more max-peers), all stays as it "
		"is, and the log says why."},
	{NULL, NULL, NULL},
};

static const struct entry files[] = {
	{"/etc/nakodo/nakodo.conf", NULL,
		"The configuration file of the service. Without --config and NAKODO_CONFIG none is "
		"read."},
	{NAKODO_WEB_ROOT, NULL, "The pages, unless web-root says otherwise."},
	{NULL, NULL, NULL},
};

static void put_roff(FILE *out, const char *text)
{
	static const char *const escapes[128] = {
		['\\'] = "\\e",
		['-'] = "\\-",
		['\''] = "\\(aq",
		['`'] = "\\(ga",
		['^'] = "\\(ha",
		['~'] = "\\(ti",
		['"'] = "\\(dq",
		['\n'] = "\n.br\n\\&",
	};

	for (; *text; text++) {
		unsigned char byte = *text;

		if (byte < 128 && escapes[byte]) {
			fputs(escapes[byte], out);
		} else {
			putc(byte, out);
		}
	}
}

/* A line of text: \& keeps a dot at its beginning from being a request. */
static void put_roff_line(FILE *out, const char *text)
{
	fputs("\\&", out);
	put_roff(out, text);
	putc('\n', out);
}

/* Each line begins with the prefix. A line break in the text stays one. */
static void put_prefixed(FILE *out, const char *prefix, const char *text)
{
	size_t indent = strlen(prefix);
	size_t column = 0;

	for (text += strspn(text, BLANKS); *text; text += strspn(text, BLANKS)) {
		size_t len = strcspn(text, BLANKS);

		if (column && (text[-1] == '\n' || column + 1 + len > WIDTH)) {
			putc('\n', out);
			column = 0;
		}
		fprintf(out, "%s%.*s", column ? " " : prefix, (int)len, text);
		column += (column ? 1 : indent) + len;
		text += len;
	}
	putc('\n', out);
}

static void put_wrapped(FILE *out, int indent, const char *text)
{
	char prefix[16];

	snprintf(prefix, sizeof(prefix), "%*s", indent, "");
	put_prefixed(out, prefix, text);
}

static void put_heading(const struct page *page, const char *macro, const char *title)
{
	if (page->roff) {
		fprintf(page->out, ".%s \"%s\"\n", macro, title);
	} else {
		fprintf(page->out, "\n%s:\n", title);
	}
}

static void put_text(const struct page *page, const char *text)
{
	if (page->roff) {
		fputs(".PP\n", page->out);
		put_roff_line(page->out, text);
	} else {
		put_wrapped(page->out, 2, text);
	}
}

static void put_entry(const struct page *page, const struct entry *entry)
{
	FILE *out = page->out;

	if (page->roff) {
		fputs(".TP 4\n\\fB", out);
		put_roff(out, entry->tag);
		fputs(entry->placeholder ? "\\fR \\fI" : "", out);
		put_roff(out, entry->placeholder ? entry->placeholder : "");
		fputs("\\fR\n", out);
		put_roff_line(out, entry->text);
		return;
	}
	fprintf(out, "  %s%s%s\n", entry->tag, entry->placeholder ? " " : "",
		entry->placeholder ? entry->placeholder : "");
	put_wrapped(out, 6, entry->text);
}

static void put_entries(const struct page *page, const struct entry *entries)
{
	for (; entries->tag; entries++) {
		put_entry(page, entries);
	}
}

__attribute__((format(printf, 3, 4))) static void add(
	char *text, size_t size, const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, size - len, format, args);
	va_end(args);
}

/* The help of a row, and on a line of its own what the row says besides. */
static void describe(const struct option_row *row, char *text, size_t size)
{
	char min[OPTIONS_NUMBER_TEXT], max[OPTIONS_NUMBER_TEXT];

	add(text, size, "%s\nDefault: %s", row->help, *row->standard ? row->standard : "none");
	if (row->type == OPTION_LIST || row->type == OPTION_TABLE) {
		add(text, size, "; repeatable");
	}
	for (size_t i = 0; row->choices && row->choices[i]; i++) {
		add(text, size, "%s %s", i ? "," : "; one of", row->choices[i]);
	}
	if (row->type >= OPTION_NUMBER) {
		add(text, size, "; from %s to %s", options_number_format(row, row->min, min),
			options_number_format(row, row->max, max));
	}
	if (row->fixed) {
		add(text, size, "; a change needs a restart");
	}
}

/* With their names as that source spells them. */
static void put_options(const struct page *page, enum options_source source)
{
	for (const struct option_row *row = options_table; row->name; row++) {
		char name[OPTIONS_NAME_TEXT], text[1024] = "";
		struct entry entry = {name, row->placeholder, text};

		options_names_spell(source, row->name, name);
		describe(row, text, sizeof(text));
		if (row->group) {
			put_heading(page, "SS", row->group);
		}
		put_entry(page, &entry);
	}
}

static void put_actions(const struct page *page)
{
	put_heading(page, "SS", "On the command line only");
	for (const struct option_action_row *action = options_actions; action->name; action++) {
		char tag[OPTIONS_NAME_TEXT + 8];

		options_names_spell(OPTIONS_ARGUMENTS, action->name, tag);
		if (action->letter) {
			add(tag, sizeof(tag), ", -%c", action->letter);
		}
		if (action->help) {
			put_entry(page, &(struct entry){tag, action->placeholder, action->help});
		}
	}
}

static void put_configuration(const struct page *page)
{
	put_text(page, sources);
	put_text(page, grammar);
	put_text(page, values);
}

void options_print_help(FILE *out)
{
	struct page page = {out, false};

	put_wrapped(out, 0, about);
	fputs("\nUsage: nakodo [--config FILE] [--OPTION VALUE]...\n"
	      "       nakodo --check | --print-config | --help | --version\n"
	      "       nakodo token --key KID:ALGORITHM:FILE --room ROOM [--ttl TIME]...\n"
	      "       nakodo probe URL [--token TOKEN] [--ca FILE] [--timeout SECONDS] [--json]\n"
	      "       nakodo ctl VERB [ARGUMENT]\n",
		out);
	put_heading(&page, "", "Examples");
	put_entries(&page, examples);
	put_options(&page, OPTIONS_ARGUMENTS);
	put_actions(&page);
	put_heading(&page, "", "Configuration");
	put_configuration(&page);
	put_heading(&page, "", "Environment");
	put_text(&page, environment);
	put_heading(&page, "", "Exit status");
	put_entries(&page, statuses);
	fputs("\nMore, such as signals and files: man 8 nakodo\n", out);
}

void options_print_man(FILE *out)
{
	struct page page = {out, true};

	/* .ad and .nh: what is to be copied is neither stretched nor hyphenated. */
	fputs(".TH NAKODO 8 \"\" \"nakodo " NAKODO_VERSION "\" \"System administration\"\n"
	      ".ad l\n"
	      ".nh\n"
	      ".SH NAME\n"
	      "nakodo \\- WebRTC signaling daemon\n"
	      ".SH SYNOPSIS\n"
	      "\\fBnakodo\\fR [\\fB\\-\\-config\\fR \\fIFILE\\fR] "
	      "[\\fB\\-\\-\\fIOPTION\\fR \\fIVALUE\\fR]...\n"
	      ".br\n"
	      "\\fBnakodo\\fR \\fB\\-\\-check\\fR | \\fB\\-\\-print\\-config\\fR | "
	      "\\fB\\-\\-help\\fR | \\fB\\-\\-version\\fR\n"
	      ".br\n"
	      "\\fBnakodo token\\fR \\fB\\-\\-key\\fR \\fIKID:ALGORITHM:FILE\\fR "
	      "\\fB\\-\\-room\\fR \\fIROOM\\fR...\n"
	      ".br\n"
	      "\\fBnakodo probe\\fR \\fIURL\\fR [\\fB\\-\\-token\\fR \\fITOKEN\\fR] "
	      "[\\fB\\-\\-ca\\fR \\fIFILE\\fR] "
	      "[\\fB\\-\\-timeout\\fR \\fISECONDS\\fR] [\\fB\\-\\-json\\fR]\n"
	      ".br\n"
	      "\\fBnakodo ctl\\fR \\fIVERB\\fR [\\fIARGUMENT\\fR]\n",
		out);
	put_heading(&page, "SH", "DESCRIPTION");
	put_text(&page, about);
	put_configuration(&page);
	put_heading(&page, "SH", "OPTIONS");
	put_options(&page, OPTIONS_ARGUMENTS);
	put_actions(&page);
	put_heading(&page, "SH", "SIGNALS");
	put_entries(&page, signals);
	put_heading(&page, "SH", "ENVIRONMENT");
	put_text(&page, environment);
	put_heading(&page, "SH", "FILES");
	put_entries(&page, files);
	put_heading(&page, "SH", "EXIT STATUS");
	put_entries(&page, statuses);
	put_heading(&page, "SH", "EXAMPLES");
	put_entries(&page, examples);
	put_heading(&page, "SH", "SEE ALSO");
	fputs("\\fBnakodo.conf\\fR(5), \\fBsystemd.service\\fR(5), \\fBsystemd.socket\\fR(5), "
	      "\\fBlogrotate\\fR(8)\n",
		out);
}

void options_print_man_config(FILE *out)
{
	struct page page = {out, true};

	fputs(".TH NAKODO.CONF 5 \"\" \"nakodo " NAKODO_VERSION "\" \"File formats\"\n"
	      ".ad l\n"
	      ".nh\n"
	      ".SH NAME\n"
	      "nakodo.conf \\- configuration of the WebRTC signaling daemon nakodo\n",
		out);
	put_heading(&page, "SH", "DESCRIPTION");
	put_text(&page, grammar);
	put_text(&page, values);
	put_text(&page, sources);
	put_heading(&page, "SH", "OPTIONS");
	put_options(&page, OPTIONS_FILE);
	put_heading(&page, "SH", "FILES");
	put_entries(&page, files);
	put_heading(&page, "SH", "SEE ALSO");
	fputs("\\fBnakodo\\fR(8)\n", out);
}

/* What the option is without such a line; if it is nothing then, what could stand there. */
static void put_example(FILE *out, const struct option_row *row)
{
	bool is_list = row->type == OPTION_LIST || row->type == OPTION_TABLE;
	const char *at = *row->standard ? row->standard : row->placeholder;
	char text[1024] = "";

	describe(row, text, sizeof(text));
	putc('\n', out);
	put_prefixed(out, "# ", text);
	while (*at) {
		size_t len = is_list ? strcspn(at, BLANKS) : strlen(at);

		fprintf(out, "#%s = %.*s\n", row->name, (int)len, at);
		at += len;
		at += strspn(at, BLANKS);
	}
}

void options_print_example(FILE *out)
{
	for (const struct option_row *row = options_table; row->name; row++) {
		if (row->group) {
			fprintf(out, "\n\n## %s\n", row->group);
		}
		put_example(out, row);
	}
}

static void put_value(FILE *out, const char *text)
{
	if (*text && !strpbrk(text, " \t\"#")) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\') {
			putc('\\', out);
		}
		putc(*text, out);
	}
	putc('"', out);
}

static void put_assignment(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s = ", name);
	put_value(out, value);
	putc('\n', out);
}

static bool has_key(const struct option_list *list, const char *entry, size_t len)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strncmp(list->items[i].value, entry, len) == 0) {
			return true;
		}
	}
	return false;
}

/* A default entry that was taken away has to be taken away again. */
static void put_removed(FILE *out, const struct option_row *row, const struct option_list *list)
{
	for (const char *at = row->standard; *at; at += strspn(at, BLANKS)) {
		int key = (int)strcspn(at, "=") + 1;

		if (!has_key(list, at, (size_t)key)) {
			fprintf(out, "%s = %.*soff\n", row->name, key, at);
		}
		at += strcspn(at, BLANKS);
	}
}

static void put_list(FILE *out, const struct option_row *row, const struct option_list *list)
{
	if (row->secret && list->count) {
		fputs("# Passwords are shown as they were given.\n", out);
	}
	for (size_t i = 0; i < list->count; i++) {
		put_assignment(out, row->name, list->items[i].value);
	}
	if (row->type == OPTION_TABLE) {
		put_removed(out, row, list);
	} else if (!list->count) {
		fprintf(out, "# %s = %s\n", row->name, row->placeholder);
	}
}

static void put_row(FILE *out, const struct option_row *row, const void *field)
{
	char buf[OPTIONS_NUMBER_TEXT];

	switch (row->type) {
	case OPTION_LIST:
	case OPTION_TABLE:
		put_list(out, row, field);
		break;
	case OPTION_TEXT:
		put_assignment(out, row->name, *(char *const *)field);
		break;
	case OPTION_YES_NO:
		put_assignment(out, row->name, *(const bool *)field ? "yes" : "no");
		break;
	case OPTION_CHOICE:
		put_assignment(out, row->name, row->choices[*(const int *)field]);
		break;
	default:
		put_assignment(
			out, row->name, options_number_format(row, *(const uint64_t *)field, buf));
	}
}

void options_print_config(const struct options *options, FILE *out)
{
	fputs("# nakodo " NAKODO_VERSION
	      ": every option as it is, to be read back with --config.\n",
		out);
	for (const struct option_row *row = options_table; row->name; row++) {
		if (row->group) {
			fprintf(out, "\n# %s\n", row->group);
		}
		put_row(out, row, (const char *)options + row->offset);
	}
}
