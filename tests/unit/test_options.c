/* options: from four sources to one struct; who wins, and that every mistake is explained. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/config.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NOTHING WORDS(NULL)

static struct options options;
static struct problem problem;
static char config[] = "/tmp/nakodo-test-options-XXXXXX";

static int make_config(void **state)
{
	int fd = mkstemp(config);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_config(void **state)
{
	(void)state;
	return unlink(config);
}

static void write_config(const char *text, size_t len)
{
	FILE *file = fopen(config, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static int load(const char *const *arguments, const char *const *environment)
{
	char *argv[32] = {(char *)"nakodo"};
	int argc = 1;

	for (; *arguments; arguments++) {
		argv[argc++] = (char *)*arguments;
	}
	memset(&options, 0xa5, sizeof(options));
	return options_load(&options, argc, argv, (char *const *)environment, &problem);
}

static void expect_loaded(const char *const *arguments, const char *const *environment)
{
	if (load(arguments, environment)) {
		fail_msg("%s", problem.text);
	}
}

/* A `@` in the sentence stands for the configuration file. */
static void expect_refused(
	const char *const *arguments, const char *const *environment, const char *sentence)
{
	static const struct options empty;
	const char *at = strchr(sentence, '@');
	char expected[1024];

	snprintf(expected, sizeof(expected), "%.*s%s%s",
		at ? (int)(at - sentence) : (int)strlen(sentence), sentence, at ? config : "",
		at ? at + 1 : "");
	if (load(arguments, environment) == 0) {
		fail_msg("accepted, but: %s", sentence);
	}
	assert_string_equal(problem.text, expected);
	assert_memory_equal(&options, &empty, sizeof(options));
}

static void load_file(const char *text)
{
	write_config(text, strlen(text));
	expect_loaded(WORDS("--config", config), NULL);
}

static void refuse_file(const char *text, const char *sentence)
{
	write_config(text, strlen(text));
	expect_refused(WORDS("--config", config), NULL, sentence);
}

/* The values, each with a blank behind it. */
static void expect_list(const struct option_list *list, const char *expected)
{
	char text[1024] = "";

	for (size_t i = 0; i < list->count; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s ", list->items[i].value);
	}
	assert_string_equal(text, expected);
}

static void the_defaults_are_those_of_the_manual(void **state)
{
	(void)state;
	expect_loaded(NOTHING, NULL);
	assert_int_equal(options.action, OPTION_RUN);
	expect_list(&options.listen, "localhost:3000 ");
	expect_list(&options.origin, "same-host ");
	expect_list(&options.mount,
		"/=signal /chat=chat /echo=echo /gst=gstreamer "
		"/libdatachannel=libdatachannel /matchbox=matchbox /peerjs=peerjs "
		"/pixel-streaming=pixel-streaming "
		"/relay=relay /signaling=ayame /v1=nakodo.v1 /video_chat/signaling=named-room "
		"/webtorrent=webtorrent /ws=chat /y-webrtc=y-webrtc ");
	expect_list(&options.trusted_proxy, "");
	expect_list(&options.server_name, "");
	expect_list(&options.ice_server, "");
	expect_list(&options.subprotocol, "");
	assert_string_equal(options.tls_cert, "");
	assert_string_equal(options.tls_key, "");
	assert_string_equal(options.tls_self_signed, "");
	assert_string_equal(options.web_root, NAKODO_WEB_ROOT);
	assert_string_equal(options.log_file, "");
	assert_false(options.show_messages);
	assert_int_equal(options.max_message, 65536);
	assert_int_equal(options.max_peers, 10000);
	assert_int_equal(options.max_peers_per_room, 256);
	assert_int_equal(options.max_peers_per_address, 256);
	assert_int_equal(options.message_rate, 50);
	assert_int_equal(options.send_queue, 262144);
	assert_int_equal(options.room_peers, 16);
	assert_int_equal(options.rooms_max, 10000);
	assert_int_equal(options.room_history, 50);
	assert_int_equal(options.max_meta, 4096);
	assert_int_equal(options.resume_seconds, 30);
	assert_int_equal(options.resume_messages, 1024);
	assert_int_equal(options.resume_bytes, 1048576);
	assert_int_equal(options.ping_interval, 25);
	assert_int_equal(options.ping_timeout, 10);
	assert_int_equal(options.handshake_timeout, 5);
	assert_int_equal(options.drain_seconds, 5);
	assert_int_equal(options.log_level, OPTION_LOG_INFO);
	assert_int_equal(options.log_format, OPTION_LOG_AUTO);
	options_finish(&options);
}

static void a_later_source_wins(void **state)
{
	static const char text[] = "max-peers = 2\nmax-message = 2\nmessage-rate = 2\n";

	(void)state;
	write_config(text, strlen(text));
	expect_loaded(WORDS("--config", config, "--max-peers=4"),
		WORDS("NAKODO_MAX_MESSAGE=3", "NAKODO_MAX_PEERS=3"));
	assert_int_equal(options.message_rate, 2);
	assert_int_equal(options.max_message, 3);
	assert_int_equal(options.max_peers, 4);
	assert_int_equal(options.ping_interval, 25);
	options_finish(&options);
}

static void within_one_source_items_add_up_and_a_later_source_replaces_them(void **state)
{
	(void)state;
	load_file("origin = null\nlisten = localhost:1\nlisten = localhost:2\norigin = any\n");
	expect_list(&options.listen, "localhost:1 localhost:2 ");
	expect_list(&options.origin, "null any ");
	options_finish(&options);
	expect_loaded(WORDS("--config", config, "--listen", "localhost:5", "--listen=[::1]:6"),
		WORDS("NAKODO_LISTEN=localhost:3", "NAKODO_ORIGIN= any\t null\n"));
	expect_list(&options.listen, "localhost:5 [::1]:6 ");
	expect_list(&options.origin, "any null ");
	options_finish(&options);
}

static void mounts_of_all_sources_make_one_table_by_path(void **state)
{
	static const char text[] = "mount = /chat=off\nmount = /a=relay?x=1\nmount = /ws=echo\n";

	(void)state;
	write_config(text, strlen(text));
	expect_loaded(WORDS("--config", config, "--mount", "/relay=echo", "--mount=/none=off"),
		WORDS("NAKODO_MOUNT=/echo=off /a=chat /ab=chat"));
	expect_list(&options.mount,
		"/=signal /a=chat /ab=chat /gst=gstreamer "
		"/libdatachannel=libdatachannel /matchbox=matchbox /peerjs=peerjs "
		"/pixel-streaming=pixel-streaming "
		"/relay=echo /signaling=ayame /v1=nakodo.v1 /video_chat/signaling=named-room "
		"/webtorrent=webtorrent /ws=echo /y-webrtc=y-webrtc ");
	options_finish(&options);
}

static void every_item_knows_where_it_was_said(void **state)
{
	char place[64];

	(void)state;
	write_config("\nmount = /b=relay\n", 18);
	expect_loaded(WORDS("--config", config, "--mount=/d=chat"),
		WORDS("NAKODO_MOUNT=/c=relay", "NAKODO_MAX_PEERS=3"));
	snprintf(place, sizeof(place), "%s:2", config);
	assert_string_equal(options.mount.items[0].where, "default");
	assert_string_equal(options.mount.items[1].where, place);
	assert_string_equal(options.mount.items[2].where, "NAKODO_MOUNT");
	assert_string_equal(options.mount.items[4].where, "--mount");
	assert_string_equal(options.listen.items[0].where, "default");
	options_finish(&options);
}

static void a_file_has_comments_blank_lines_quotes_and_either_line_end(void **state)
{
	(void)state;
	load_file("# comment\r\n \t\r\n\n  # max-peers = 1\n"
		  "\t max-peers\t=  7 \t # seven \r\n"
		  "tls-key = a#b \\\"c\xc3\xa9\t#comment\n"
		  "tls-cert = \" a # \\\"b\\\\ \\c \" # comment\n"
		  "web-root = \"\"\n"
		  "log-file = # nothing\n"
		  "log-level = \"debug\"\r\n"
		  "show-messages = on");
	assert_int_equal(options.max_peers, 7);
	assert_string_equal(options.tls_key, "a#b \\\"c\xc3\xa9");
	assert_string_equal(options.tls_cert, " a # \"b\\ \\c ");
	assert_string_equal(options.web_root, "");
	assert_string_equal(options.log_file, "");
	assert_int_equal(options.log_level, OPTION_LOG_DEBUG);
	assert_true(options.show_messages);
	options_finish(&options);
}

static void a_faulty_line_is_named_by_file_and_number(void **state)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{"\n\nmax-peers 3\n", "@:3: the line must be `name = value` or a # comment"},
		{"max peers = 3", "@:1: the line must be `name = value` or a # comment"},
		{"= 3\n", "@:1: the line must be `name = value` or a # comment"},
		{"max-peers =\n", "@:1: max-peers needs a value"},
		{"origin = # any\n", "@:1: origin needs a value"},
		{"log-file = \"a\n", "@:1: the closing quote is missing"},
		{"log-file = \"a\\\"\n", "@:1: the closing quote is missing"},
		{"log-file = \"a\" b\n",
			"@:1: nothing but a comment can stand behind the closing quote; write \\\" "
			"for a quote inside of quotes"},
		{"#\nlog-file = \xff\n",
			"@:2: only UTF-8 text without control characters can stand here"},
		{"log-file = a\x7f\n",
			"@:1: only UTF-8 text without control characters can stand here"},
		{"log-file = a\rb\n",
			"@:1: only UTF-8 text without control characters can stand here"},
		{"\nmax-peer = 3\n",
			"@:2: there is no option `max-peer`; did you mean `max-peers`?"},
		{"NAKODO_LISTEN = 3\n",
			"@:1: there is no option `NAKODO_LISTEN`; `nakodo --help` shows them all"},
		{"config = /etc/x\n",
			"@:1: there is no option `config`; `nakodo --help` shows them all"},
		{"\nmax-peers = 0\n",
			"@:2: max-peers `0`: must be a whole number from 1 to 1000000"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		refuse_file(cases[i].text, cases[i].sentence);
	}
}

static void a_file_that_is_no_text_is_refused(void **state)
{
	char line[5000];

	(void)state;
	write_config("#\nlog-file = a\0b\n", 17);
	expect_refused(WORDS("--config", config), NULL, "@:2: a NUL byte: this is not a text file");
	memset(line, '#', sizeof(line));
	line[4095] = '\n';
	write_config(line, 4096);
	expect_loaded(WORDS("--config", config), NULL);
	options_finish(&options);
	line[4095] = '#';
	write_config(line, sizeof(line));
	expect_refused(WORDS("--config", config), NULL, "@:1: the line is too long");
	expect_refused(WORDS("--config", "/"), NULL, "--config: cannot read /: Is a directory");
	expect_refused(WORDS("--config", "/dev/zero"), NULL,
		"--config: cannot read /dev/zero: it is no regular file");
	expect_refused(WORDS("--config=/none/x"), NULL,
		"--config: cannot read /none/x: No such file or directory");
	expect_refused(NOTHING, WORDS("NAKODO_CONFIG=/none/x"),
		"NAKODO_CONFIG: cannot read /none/x: No such file or directory");
}

static void the_command_line_chooses_the_file_before_the_environment_does(void **state)
{
	char variable[64];

	(void)state;
	write_config("max-peers = 7\n", 14);
	snprintf(variable, sizeof(variable), "NAKODO_CONFIG=%s", config);
	expect_loaded(NOTHING, WORDS("HOME=/", variable));
	assert_int_equal(options.max_peers, 7);
	options_finish(&options);
	expect_loaded(WORDS("--config", config), WORDS("NAKODO_CONFIG=/none/x"));
	assert_int_equal(options.max_peers, 7);
	options_finish(&options);
	expect_loaded(WORDS("--config="), WORDS(variable));
	assert_int_equal(options.max_peers, 10000);
	options_finish(&options);
}

static void the_environment_is_searched_for_mistakes(void **state)
{
	(void)state;
	expect_loaded(NOTHING, WORDS("NAKODO_MAX_PEERS=", "NAKODO_ORIGIN=", "NAKODO_FOO=",
				       "NAKODO_CONFIG=", "NAKODO", "MAX_PEERS=x"));
	assert_int_equal(options.max_peers, 10000);
	expect_list(&options.origin, "same-host ");
	options_finish(&options);
	expect_refused(NOTHING, WORDS("NAKODO_MAX_PEER=3"),
		"environment: there is no option `NAKODO_MAX_PEER`; did you mean "
		"`NAKODO_MAX_PEERS`?");
	expect_refused(NOTHING, WORDS("NAKODO_max_peers=3"),
		"environment: there is no option `NAKODO_max_peers`; `nakodo --help` shows them "
		"all");
	expect_refused(NOTHING, WORDS("NAKODO_CONFIGS=3"),
		"environment: there is no option `NAKODO_CONFIGS`; did you mean `NAKODO_CONFIG`?");
	expect_refused(NOTHING, WORDS("NAKODO_\x1b[1m=3"),
		"environment: only UTF-8 text without control characters can stand here");
	expect_refused(NOTHING, WORDS("NAKODO_MAX_PEERS=1000001"),
		"NAKODO_MAX_PEERS: max-peers `1000001`: must be a whole number from 1 to 1000000");
	expect_refused(NOTHING, WORDS("NAKODO_ORIGIN=any x"),
		"NAKODO_ORIGIN: origin `x`: must be same-host, null, any, or exactly what the "
		"browser sends: SCHEME://HOST[:PORT] in lower case and without a path, as in "
		"https://example.org");
}

static void a_switch_needs_no_value_on_the_command_line(void **state)
{
	static const struct {
		const char *const arguments[4];
		bool shown;
	} cases[] = {
		{{"--show-messages"}, true},
		{{"--show-messages", "--max-peers", "7"}, true},
		{{"--show-messages=no"}, false},
		{{"--show-messages", "off"}, false},
		{{"--show-messages", "--show-messages=0"}, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		expect_loaded(cases[i].arguments, WORDS("NAKODO_SHOW_MESSAGES=no"));
		assert_int_equal(options.show_messages, cases[i].shown);
		options_finish(&options);
	}
	expect_loaded(WORDS("--show-messages", "-h"), NULL);
	assert_int_equal(options.action, OPTION_HELP);
	options_finish(&options);
}

static void a_wrong_command_line_is_explained(void **state)
{
	static const struct {
		const char *const arguments[4];
		const char *sentence;
	} cases[] = {
		{{"--max-peer", "3"}, "command line: there is no option `--max-peer`; did you mean "
				      "`--max-peers`?"},
		{{"--lsiten=x"},
			"command line: there is no option `--lsiten`; did you mean `--listen`?"},
		{{"--versoin"},
			"command line: there is no option `--versoin`; did you mean `--version`?"},
		{{"--quux"},
			"command line: there is no option `--quux`; `nakodo --help` shows them "
			"all"},
		{{"-x"}, "command line: there is no option `-x`; `nakodo --help` shows them all"},
		{{"-hV"}, "command line: there is no option `-hV`; `nakodo --help` shows them all"},
		{{"--"}, "command line: there is no option `--`; `nakodo --help` shows them all"},
		{{"3000"}, "command line: `3000` stands alone; options begin with --, and `nakodo "
			   "--help` shows them all"},
		{{""}, "command line: `` stands alone; options begin with --, and `nakodo --help` "
		       "shows them all"},
		{{"--max-peers"}, "--max-peers needs a value"},
		{{"--log-file", "--check"}, "--log-file needs a value"},
		{{"--config"}, "--config needs a value"},
		{{"--max-peers="}, "--max-peers: max-peers needs a value"},
		{{"--check=yes"}, "--check takes no value"},
		{{"--help=listen"}, "--help takes no value"},
		{{"--log-file=\n"},
			"command line: only UTF-8 text without control characters can stand here"},
		{{"--log-file", "\xc3"},
			"--log-file: only UTF-8 text without control characters can stand here"},
		{{"--max-peers", "-1"},
			"--max-peers: max-peers `-1`: must be a whole number from 1 to 1000000"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		expect_refused(cases[i].arguments, NULL, cases[i].sentence);
	}
}

static void each_action_has_its_argument(void **state)
{
	static const struct {
		const char *argument;
		enum option_action action;
	} cases[] = {
		{"--check", OPTION_CHECK},
		{"--print-config", OPTION_PRINT_CONFIG},
		{"--help", OPTION_HELP},
		{"-h", OPTION_HELP},
		{"--version", OPTION_VERSION},
		{"-V", OPTION_VERSION},
		{"--man", OPTION_MAN},
		{"--man-config", OPTION_MAN_CONFIG},
		{"--example-config", OPTION_EXAMPLE_CONFIG},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		expect_loaded(WORDS(cases[i].argument), NULL);
		assert_int_equal(options.action, cases[i].action);
		options_finish(&options);
	}
}

static void a_question_is_answered_whatever_comes_after_it(void **state)
{
	static const char *const questions[] = {
		"--help", "-h", "--man", "--man-config", "--example-config", "--version", "-V"};

	(void)state;
	for (size_t i = 0; i < COUNT(questions); i++) {
		const char *question = questions[i];

		expect_loaded(WORDS("--config=/none/x", "--check", question, "--foo", "--man"),
			WORDS("NAKODO_FOO=x", "NAKODO_MAX_PEERS=x"));
		options_finish(&options);
		expect_refused(WORDS("--max-peers=0", question), NULL,
			"--max-peers: max-peers `0`: must be a whole number from 1 to 1000000");
	}
	expect_loaded(WORDS("--version", "--help"), NULL);
	assert_int_equal(options.action, OPTION_VERSION);
	options_finish(&options);
}

static void a_repeatable_option_has_a_limit(void **state)
{
	static const char prefix[] = "NAKODO_ORIGIN=";
	char variable[sizeof(prefix) + 1025 * 4] = "NAKODO_ORIGIN=";

	(void)state;
	for (size_t i = 0; i < 1025; i++) {
		memcpy(variable + sizeof(prefix) - 1 + i * 4, "any ", 5);
	}
	expect_refused(NOTHING, WORDS(variable),
		"NAKODO_ORIGIN: that is more than 1024 values for one option");
	variable[sizeof(prefix) - 1 + 1024 * 4] = '\0';
	expect_loaded(NOTHING, WORDS(variable));
	assert_int_equal(options.origin.count, 1024);
	options_finish(&options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_those_of_the_manual),
		cmocka_unit_test(a_later_source_wins),
		cmocka_unit_test(within_one_source_items_add_up_and_a_later_source_replaces_them),
		cmocka_unit_test(mounts_of_all_sources_make_one_table_by_path),
		cmocka_unit_test(every_item_knows_where_it_was_said),
		cmocka_unit_test(a_file_has_comments_blank_lines_quotes_and_either_line_end),
		cmocka_unit_test(a_faulty_line_is_named_by_file_and_number),
		cmocka_unit_test(a_file_that_is_no_text_is_refused),
		cmocka_unit_test(the_command_line_chooses_the_file_before_the_environment_does),
		cmocka_unit_test(the_environment_is_searched_for_mistakes),
		cmocka_unit_test(a_switch_needs_no_value_on_the_command_line),
		cmocka_unit_test(a_wrong_command_line_is_explained),
		cmocka_unit_test(each_action_has_its_argument),
		cmocka_unit_test(a_question_is_answered_whatever_comes_after_it),
		cmocka_unit_test(a_repeatable_option_has_a_limit),
	};

	return cmocka_run_group_tests(tests, make_config, remove_config);
}
