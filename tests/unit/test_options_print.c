/* options: what is printed of them names each, fits where it is shown, and reads back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/base/options_table.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/config.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void print_config(FILE *out, const struct options *options)
{
	options_print_config(options, out);
}

static void print_help(FILE *out, const struct options *options)
{
	(void)options;
	options_print_help(out);
}

static void print_man(FILE *out, const struct options *options)
{
	(void)options;
	options_print_man(out);
}

/* The caller frees it. */
static char *printed(void (*print)(FILE *, const struct options *), const struct options *options)
{
	size_t len;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	print(out, options);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void expect_contains(const char *text, const char *part)
{
	if (!strstr(text, part)) {
		fail_msg("missing: %s", part);
	}
}

static void load(struct options *options, int argc, const char *const *argv)
{
	struct problem problem;

	if (options_load(options, argc, (char *const *)argv, NULL, &problem)) {
		fail_msg("%s", problem.text);
	}
}

static void expect_equal_lists(const struct option_list *a, const struct option_list *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_string_equal(a->items[i].value, b->items[i].value);
	}
}

static void expect_equal(const struct options *a, const struct options *b)
{
	for (const struct option_row *row = options_table; row->name; row++) {
		const void *one = (const char *)a + row->offset,
			   *two = (const char *)b + row->offset;

		switch (row->type) {
		case OPTION_LIST:
		case OPTION_TABLE:
			expect_equal_lists(one, two);
			break;
		case OPTION_TEXT:
			assert_string_equal(*(char *const *)one, *(char *const *)two);
			break;
		case OPTION_YES_NO:
			assert_int_equal(*(const bool *)one, *(const bool *)two);
			break;
		case OPTION_CHOICE:
			assert_int_equal(*(const int *)one, *(const int *)two);
			break;
		default:
			assert_int_equal(*(const uint64_t *)one, *(const uint64_t *)two);
		}
	}
}

/* Printed, written to a file and read from there, the options are the same. */
static void expect_reads_back(int argc, const char *const *argv)
{
	char path[] = "/tmp/nakodo-test-options-XXXXXX";
	const char *const again[] = {"nakodo", "--config", path};
	struct options options, read;
	int fd = mkstemp(path);
	size_t len;
	char *text;

	assert_return_code(fd, 0);
	load(&options, argc, argv);
	text = printed(print_config, &options);
	len = strlen(text);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	load(&read, COUNT(again), again);
	unlink(path);
	expect_equal(&options, &read);
	free(text);
	options_finish(&options);
	options_finish(&read);
}

static void a_printed_configuration_reads_back(void **state)
{
	static const char *const defaults[] = {"nakodo"};
	static const char *const changed[] = {"nakodo", "--listen=[::1]:1", "--listen=unix:/a #b",
		"--trusted-proxy=10.0.0.0/8", "--tls-cert= a\t#\"b\\\"\\", "--tls-key=\"",
		"--web-root=", "--mount=/echo=off", "--mount=/=off", "--mount=/z=chat?a=b",
		"--mount=/ab=echo", "--mount=/a=echo", "--subprotocol=a#", "--subprotocol=#b",
		"--ice-server=turn:a|u|p \"w\\ #x ", "--origin=null", "--origin=any",
		"--server-name=a.b", "--max-message=65537", "--max-peers=1000000",
		"--max-peers-per-room=2", "--max-peers-per-address=0", "--message-rate=0",
		"--byte-rate=0", "--send-queue=1GiB", "--room-peers=2", "--rooms-max=1",
		"--room-history=0", "--max-meta=2", "--resume-seconds=1h", "--resume-messages=16",
		"--resume-bytes=2GiB", "--ping-interval=61", "--ping-timeout=120",
		"--slow-seconds=2", "--handshake-timeout=1m", "--drain-seconds=0",
		"--log-level=debug", "--log-format=journal", "--log-file=\\", "--show-messages"};
	static const char *const other_files[] = {
		"nakodo", "--tls-self-signed=\xc3\xa9", "--log-file=#", "--web-root=a #"};

	(void)state;
	expect_reads_back(COUNT(defaults), defaults);
	expect_reads_back(COUNT(other_files), other_files);
	expect_reads_back(COUNT(changed), changed);
}

static void a_printed_configuration_warns_of_the_passwords_in_it(void **state)
{
	static const char *const argv[] = {"nakodo", "--ice-server=turn:a|u|p"};
	struct options options;
	char *text;

	(void)state;
	load(&options, COUNT(argv), argv);
	text = printed(print_config, &options);
	expect_contains(
		text, "\n# Passwords are shown as they were given.\nice-server = turn:a|u|p\n");
	free(text);
	options_finish(&options);
	load(&options, 1, argv);
	text = printed(print_config, &options);
	assert_null(strstr(text, "Passwords"));
	free(text);
	options_finish(&options);
}

static void the_help_names_every_option_with_its_default_and_limits(void **state)
{
	char *text = printed(print_help, NULL);

	(void)state;
	for (const struct option_row *row = options_table; row->name; row++) {
		char head[128];

		snprintf(head, sizeof(head), "\n  --%s%s%s\n", row->name,
			row->placeholder ? " " : "", row->placeholder ? row->placeholder : "");
		expect_contains(text, head);
	}
	for (const struct option_action_row *row = options_actions; row->name; row++) {
		char head[128];

		snprintf(head, sizeof(head), "\n  --%s", row->name);
		if (row->help) {
			expect_contains(text, head);
		} else {
			assert_null(strstr(text, head));
		}
	}
	expect_contains(text, "\n      Default: 64KiB; from 1 to 16MiB\n");
	expect_contains(text, "\n      Default: 25s; from 1s to 1h\n");
	expect_contains(text, "\n      Default: info; one of error, warn, info, debug\n");
	expect_contains(text, "\n      Default: localhost:3000; repeatable\n");
	expect_contains(text, "\n      Default: 5s; from 1s to 1m; a change needs a restart\n");
	expect_contains(text, "\n      Default: " NAKODO_WEB_ROOT "\n");
	free(text);
}

static void the_help_fits_a_terminal(void **state)
{
	char *text = printed(print_help, NULL);

	(void)state;
	for (char *at = text, *end; *at; at = end + 1) {
		end = strchr(at, '\n');
		assert_non_null(end);
		/* Whoever builds it chooses how long that is. */
		if (end - at > 80 &&
			!memmem(at, (size_t)(end - at), NAKODO_WEB_ROOT, strlen(NAKODO_WEB_ROOT))) {
			fail_msg("too long: %.*s", (int)(end - at), at);
		}
		assert_true(end == at || end[-1] != ' ');
	}
	free(text);
}

static void the_manual_page_has_every_section_and_option(void **state)
{
	static const char *const sections[] = {"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS",
		"SIGNALS", "ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES", "SEE ALSO"};
	char *text = printed(print_man, NULL);
	const char *at = text;

	(void)state;
	assert_memory_equal(text, ".TH NAKODO 8 ", 13);
	for (size_t i = 0; i < COUNT(sections); i++) {
		char quoted[64], plain[64];
		const char *found;

		snprintf(quoted, sizeof(quoted), "\n.SH \"%s\"\n", sections[i]);
		snprintf(plain, sizeof(plain), "\n.SH %s\n", sections[i]);
		found = strstr(at, quoted);
		found = found ? found : strstr(at, plain);
		assert_non_null(found);
		at = found;
	}
	for (const struct option_row *row = options_table; row->name; row++) {
		char head[128] = "\n\\fB\\-\\-";

		for (const char *name = row->name; *name; name++) {
			snprintf(head + strlen(head), 4, "%s%c", *name == '-' ? "\\" : "", *name);
		}
		snprintf(head + strlen(head), 8, "\\fR");
		expect_contains(text, head);
	}
	free(text);
}

/* What groff -ww would complain of, or swallow without a word. */
static void the_manual_page_is_sound_roff(void **state)
{
	static const char *const requests[] = {
		".TH ", ".SH ", ".SS ", ".PP\n", ".TP ", ".br\n", ".ad l\n", ".nh\n"};
	static const char *const escapes[] = {"-", "e", "&", "fB", "fI", "fR", "(aq", "(ga", "(dq"};
	char *text = printed(print_man, NULL);

	(void)state;
	for (const char *at = text; *at; at++) {
		bool known = *at != '\\' && (*at != '.' || (at > text && at[-1] != '\n'));

		for (size_t i = 0; *at == '.' && i < COUNT(requests) && !known; i++) {
			known = strncmp(at, requests[i], strlen(requests[i])) == 0;
		}
		for (size_t i = 0; *at == '\\' && i < COUNT(escapes) && !known; i++) {
			known = strncmp(at + 1, escapes[i], strlen(escapes[i])) == 0;
		}
		if (!known || (*at == '\'' && at[-1] == '\n')) {
			fail_msg("not roff: %.40s", at);
		}
	}
	expect_contains(text, "white space starts a comment");
	expect_contains(text, "\\e\\(dq and \\e\\e stand for");
	expect_contains(text, "\n.br\n\\&Default: none; repeatable\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_printed_configuration_reads_back),
		cmocka_unit_test(a_printed_configuration_warns_of_the_passwords_in_it),
		cmocka_unit_test(the_help_names_every_option_with_its_default_and_limits),
		cmocka_unit_test(the_help_fits_a_terminal),
		cmocka_unit_test(the_manual_page_has_every_section_and_option),
		cmocka_unit_test(the_manual_page_is_sound_roff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
