/* options: which values each type and each grammar takes, and that a password is never repeated. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define TEN "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN

/* As a file, the environment and the command line would: through options_load(). */
static int load(
	struct options *options, const char *name, const char *value, struct problem *problem)
{
	char option[64], text[4096];
	/* So that every send-queue may be tried. */
	char *argv[] = {(char *)"nakodo", (char *)"--resume-bytes=2GiB", option, text};

	snprintf(option, sizeof(option), "--%s", name);
	snprintf(text, sizeof(text), "%s", value);
	return options_load(options, COUNT(argv), argv, NULL, problem);
}

static void numbers_are_read_with_their_units(void **state)
{
	static const struct {
		const char *name, *value;
		size_t offset;
		uint64_t expected;
	} cases[] = {
#define CASE(name, field, value, expected) {name, value, offsetof(struct options, field), expected}
		CASE("send-queue", send_queue, "65536", 65536),
		CASE("send-queue", send_queue, "64KiB", 65536),
		CASE("send-queue", send_queue, "64 KiB", 65536),
		CASE("send-queue", send_queue, "064k", 65536),
		CASE("byte-rate", byte_rate, "0", 0),
		CASE("send-queue", send_queue, "3MiB", 3 << 20),
		CASE("send-queue", send_queue, "3 M", 3 << 20),
		CASE("send-queue", send_queue, "1GiB", 1 << 30),
		CASE("byte-rate", byte_rate, "1073741824", 1 << 30),
		CASE("max-message", max_message, "1", 1),
		CASE("max-peers", max_peers, "1000000", 1000000),
		CASE("max-peers", max_peers, "1", 1),
		CASE("max-peers-per-room", max_peers_per_room, "2", 2),
		CASE("max-peers-per-address", max_peers_per_address, "0", 0),
		CASE("message-rate", message_rate, "0", 0),
		CASE("room-history", room_history, "0", 0),
		CASE("max-meta", max_meta, "64KiB", 65536),
		CASE("resume-seconds", resume_seconds, "1h", 3600),
		CASE("resume-messages", resume_messages, "16", 16),
		CASE("resume-bytes", resume_bytes, "512KiB", 524288),
		CASE("resume-bytes", resume_bytes, "2GiB", 2147483648),
		CASE("ping-interval", ping_interval, "25", 25),
		CASE("ping-interval", ping_interval, "25s", 25),
		CASE("ping-interval", ping_interval, "2m", 120),
		CASE("ping-interval", ping_interval, "1 h", 3600),
		CASE("ping-timeout", ping_timeout, "10m", 600),
		CASE("handshake-timeout", handshake_timeout, "1m", 60),
		CASE("drain-seconds", drain_seconds, "0", 0),
#undef CASE
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct problem problem;
		struct options options;
		uint64_t found;

		if (load(&options, cases[i].name, cases[i].value, &problem)) {
			fail_msg("%s", problem.text);
		}
		memcpy(&found, (char *)&options + cases[i].offset, sizeof(found));
		assert_int_equal(found, cases[i].expected);
		options_finish(&options);
	}
}

static void words_are_read_as_they_are_written(void **state)
{
	static const struct {
		const char *value;
		bool expected;
	} switches[] = {{"yes", true}, {"true", true}, {"on", true}, {"1", true}, {"no", false},
		{"false", false}, {"off", false}, {"0", false}};
	static const char *const levels[] = {"error", "warn", "info", "debug"};
	static const char *const formats[] = {"auto", "text", "json", "journal"};
	struct problem problem;
	struct options options;

	(void)state;
	for (size_t i = 0; i < COUNT(switches); i++) {
		assert_int_equal(load(&options, "show-messages", switches[i].value, &problem), 0);
		assert_int_equal(options.show_messages, switches[i].expected);
		options_finish(&options);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(load(&options, "log-level", levels[i], &problem), 0);
		assert_int_equal(options.log_level, i);
		options_finish(&options);
		assert_int_equal(load(&options, "log-format", formats[i], &problem), 0);
		assert_int_equal(options.log_format, i);
		options_finish(&options);
	}
}

struct refusal {
	const char *name, *must_be;
	const char *values[16];
};

static void expect_refusals(const struct refusal *refusals, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (const char *const *value = refusals[i].values; *value; value++) {
			struct problem problem;
			struct options options;
			char expected[1024];

			snprintf(expected, sizeof(expected), "--%s: %s `%.80s`: %s",
				refusals[i].name, refusals[i].name, *value, refusals[i].must_be);
			if (load(&options, refusals[i].name, *value, &problem) != -EINVAL) {
				fail_msg("accepted: %s %s", refusals[i].name, *value);
			}
			assert_string_equal(problem.text, expected);
		}
	}
}

static void a_value_of_the_wrong_kind_or_out_of_range_names_the_limits(void **state)
{
	static const struct refusal refusals[] = {
		{"max-message",
			"must be a size from 1 to 16MiB, in bytes or with KiB or MiB behind it",
			{"0", "16777217", "17M", "x", "-1", "+1", "1.5M", "64KB", "64 kib", "KiB",
				"0x10", "1 M M", "18446744073709551617", "99999999999G", "1,000"}},
		{"send-queue",
			"must be a size from 4KiB to 1GiB, in bytes or with KiB or MiB behind it",
			{"4095", "1073741825", "17179869184G", "2G"}},
		{"max-peers", "must be a whole number from 1 to 1000000",
			{"0", "1000001", "10k", "ten", "1e3", "1 0"}},
		{"max-peers-per-room", "must be a whole number from 2 to 1000000",
			{"1", "1000001"}},
		{"max-peers-per-address", "must be a whole number from 0 to 1000000", {"1000001"}},
		{"room-peers", "must be a whole number from 2 to 1000000", {"1", "1000001"}},
		{"rooms-max", "must be a whole number from 1 to 1000000", {"0", "1000001"}},
		{"room-history", "must be a whole number from 0 to 1000", {"1001"}},
		{"max-meta",
			"must be a size from 2 to 64KiB, in bytes or with KiB or MiB behind it",
			{"1", "65K"}},
		{"resume-seconds",
			"must be a time from 1s to 1h, in seconds or with s, m or h behind it",
			{"0", "2h"}},
		{"resume-messages", "must be a whole number from 16 to 65536", {"15", "65537"}},
		{"resume-bytes",
			"must be a size from 8KiB to 2GiB, in bytes or with KiB or MiB behind it",
			{"8191", "3GiB"}},
		{"message-rate", "must be a whole number from 0 to 1000000", {"1000001", "5s"}},
		{"ping-interval",
			"must be a time from 1s to 1h, in seconds or with s, m or h behind it",
			{"0", "3601", "2h", "1d", "25 sec", "25M", "0.5"}},
		{"ping-timeout",
			"must be a time from 1s to 10m, in seconds or with s, m or h behind it",
			{"0", "601"}},
		{"handshake-timeout",
			"must be a time from 1s to 1m, in seconds or with s, m or h behind it",
			{"0", "61", "1h"}},
		{"drain-seconds",
			"must be a time from 0s to 10m, in seconds or with s, m or h behind it",
			{"601", "1h"}},
		{"show-messages", "must be yes or no", {"maybe", "YES", "2", "y"}},
		{"log-level", "must be one of error, warn, info, debug", {"trace", "INFO", "2"}},
		{"log-format", "must be one of auto, text, json, journal", {"xml", "te"}},
	};

	(void)state;
	expect_refusals(refusals, COUNT(refusals));
}

static void a_text_outside_of_its_grammar_is_refused_with_the_grammar(void **state)
{
	static const struct refusal refusals[] = {
		{"mount",
			"must be PATH=DIALECT or PATH=off, as in /chat=chat; PATH begins with / "
			"and has no white space, ?, #, empty segment or / at its end",
			{"chat", "/chat", "/chat=", "chat=chat", "=chat", "/chat=?a=b", "/a?b=chat",
				"/a b=chat", "/a#=chat", "/a/=chat", "/a//b=chat", "//=chat"}},
		{"origin",
			"must be same-host, null, any, or exactly what the browser sends: "
			"SCHEME://HOST[:PORT] in lower case and without a path, as in "
			"https://example.org",
			{"*", "example.org", "https://", "://a", "https://a/", "https://A",
				"HTTPS://a", "https://a:0", "https://a:65536",
				"https://a:", "https://[192.0.2.1]", "https://::1", "https://1.2.3",
				"https://a b", "https://a?b"}},
		{"server-name",
			"must be a host name without scheme and port, as in rtc.example.org",
			{"a:1", "a..b", ".a", "a.", "-a", "a-", "a.-b", "a-.b", "a b", "*.a",
				"http://a", "[::1]", "\xc3\xa9", SIXTY "abcd",
				SIXTY "." SIXTY "." SIXTY "." SIXTY "." TEN}},
		{"subprotocol", "must be one word of letters, digits and !#$%&'*+-.^_`|~",
			{"a b", "a,b", "a/b", "\"a\"", "\xc3\xa9"}},
		{"trusted-proxy",
			"must be ADDRESS, ADDRESS/BITS or unix, as in 192.0.2.1, 10.0.0.0/8 or "
			"fd00::/8",
			{"10.0.0.0/33", "fd00::/129", "10.0.0", "localhost", "10.0.0.0/", "/8",
				"10.0.0.0/8/8", "10.0.0.0/-1", "10.0.0.1:80"}},
		{"listen", "the host or the port is missing: write HOST:PORT, as in localhost:3000",
			{"localhost", "3000"}},
		{"listen",
			"the origin in it must be same-host, null, any, or exactly what the "
			"browser sends: SCHEME://HOST[:PORT] in lower case and without a path, as "
			"in https://example.org",
			{"localhost:3000?origin=https://a/b"}},
	};

	(void)state;
	expect_refusals(refusals, COUNT(refusals));
}

static void a_text_within_its_grammar_is_taken_as_it_is(void **state)
{
	static const struct {
		const char *name;
		size_t offset;
		const char *values[16];
	} cases[] = {
		{"listen", offsetof(struct options, listen),
			{"*:3000", "proxy:[::]:1", "unix:/run/x", "systemd?origin=null",
				"localhost:1?dialect=chat&origin=https://a"}},
		{"trusted-proxy", offsetof(struct options, trusted_proxy),
			{"192.0.2.1", "10.0.0.0/8", "0.0.0.0/0", "10.0.0.0/32", "::1", "fd00::/8",
				"::/128"}},
		{"origin", offsetof(struct options, origin),
			{"same-host", "null", "any", "https://example.org", "http://localhost:3000",
				"https://[::1]:8443", "http://192.0.2.1:65535", "http://a_b",
				"chrome-extension://abc", "app://x.y"}},
		{"server-name", offsetof(struct options, server_name),
			{"a", "rtc.example.org", "My-Host_1", SIXTY "abc", "xn--bcher-kva.example",
				SIXTY "." SIXTY "." SIXTY "." SIXTY ".abcdefghi"}},
		{"subprotocol", offsetof(struct options, subprotocol),
			{"chat", "nakodo.v1", "a!#$%&'*+-.^_`|~9"}},
		{"ice-server", offsetof(struct options, ice_server),
			{"stun:stun.example.org", "stuns:192.0.2.1:5349", "stun:[2001:db8::1]:3478",
				"turn:turn.example.org|user|pass",
				"turn:turn.example.org:3478?transport=udp|user|pa|ss word#\xc3\xa9",
				"turns:[::1]:5349?transport=tcp|u|p"}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (const char *const *value = cases[i].values; *value; value++) {
			const struct option_list *list;
			struct problem problem;
			struct options options;

			if (load(&options, cases[i].name, *value, &problem)) {
				fail_msg("%s", problem.text);
			}
			list = (const void *)((const char *)&options + cases[i].offset);
			assert_int_equal(list->count, 1);
			assert_string_equal(list->items[0].value, *value);
			options_finish(&options);
		}
	}
}

static void a_wrong_ice_server_is_refused_without_its_password(void **state)
{
	static const char *const values[] = {"SECRET", "turn:a|SECRET", "turn:a||SECRET",
		"turn:a|SECRET|", "turn:|u|SECRET", "stun:a|u|SECRET", "turn:a?x=1|u|SECRET",
		"turn:a:0|u|SECRET", "turn:a:99999|u|SECRET", "turn://a|u|SECRET", "turn:SECRET",
		"stun:a:", "stun:[a]", "stun:[::1", "stun:", "http://a", "stun:a?transport=udp",
		"turn:a?transport=tls|u|SECRET", "turn:a/|u|SECRET"};

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		struct problem problem;
		struct options options;

		if (load(&options, "ice-server", values[i], &problem) != -EINVAL) {
			fail_msg("accepted: %s", values[i]);
		}
		assert_string_equal(problem.text,
			"--ice-server: ice-server: the value must be stun:HOST[:PORT] or "
			"turn:HOST[:PORT]|USER|PASSWORD, with stuns: or turns: for TLS, and behind "
			"a turn server's port perhaps ?transport=udp or ?transport=tcp");
	}
}

static void a_long_value_leaves_room_for_what_is_wrong_with_it(void **state)
{
	struct problem problem;
	struct options options;

	(void)state;
	/* 81 bytes, whose 80th and 81st are one character */
	assert_int_equal(
		load(&options, "max-peers", SIXTY TEN "012345678\xc3\xa9 and so on", &problem),
		-EINVAL);
	assert_string_equal(problem.text, "--max-peers: max-peers `" SIXTY TEN
					  "012345678`: must be a whole number from 1 to 1000000");
}

static void what_is_kept_for_a_resume_is_more_than_what_may_wait(void **state)
{
	static char *const enough[] = {(char *)"nakodo", (char *)"--resume-bytes=512KiB"};
	static char *const less[] = {(char *)"nakodo", (char *)"--resume-bytes=524287"};
	struct problem problem;
	struct options options;

	(void)state;
	assert_int_equal(options_load(&options, 2, enough, NULL, &problem), 0);
	options_finish(&options);
	assert_int_equal(options_load(&options, 2, less, NULL, &problem), -EINVAL);
	assert_string_equal(problem.text,
		"--resume-bytes: resume-bytes is smaller than twice send-queue, so that who was "
		"too slow "
		"could not resume: raise resume-bytes or lower send-queue");
}

static void memory_for_nobody_is_refused(void **state)
{
	static char *const least[] = {(char *)"nakodo", (char *)"--max-memory=1MiB"};
	static char *const less[] = {(char *)"nakodo", (char *)"--max-memory=1023KiB"};
	struct problem problem;
	struct options options;

	(void)state;
	assert_int_equal(options_load(&options, 2, least, NULL, &problem), 0);
	options_finish(&options);
	assert_int_equal(options_load(&options, 2, less, NULL, &problem), -EINVAL);
	assert_string_equal(problem.text,
		"--max-memory: max-memory is less than 1MiB, with which nobody could be let in: "
		"raise it, or leave it at 0");
}

static void each_option_knows_where_it_was_said_last(void **state)
{
	static char *const argv[] = {(char *)"nakodo", (char *)"--max-peers=3",
		(char *)"--origin=any", (char *)"--tls-self-signed", (char *)"a"};
	static char *const environment[] = {
		(char *)"NAKODO_MAX_PEERS=2", (char *)"NAKODO_LOG_FILE=x", NULL};
	struct problem problem;
	struct options options;

	(void)state;
	assert_int_equal(options_load(&options, 5, argv, environment, &problem), 0);
	assert_string_equal(options_where(&options, &options.max_peers), "--max-peers");
	assert_string_equal(options_where(&options, &options.origin), "--origin");
	assert_string_equal(options_where(&options, &options.tls_self_signed), "--tls-self-signed");
	assert_string_equal(options_where(&options, &options.log_file), "NAKODO_LOG_FILE");
	assert_string_equal(options_where(&options, &options.send_queue), "default");
	assert_string_equal(options_where_either(&options, &options.send_queue, &options.max_peers),
		"--max-peers");
	assert_string_equal(
		options_where_either(&options, &options.origin, &options.max_peers), "--origin");
	options_finish(&options);
}

static void options_that_do_not_go_together_are_refused(void **state)
{
	static const struct {
		const char *const argv[6];
		const char *sentence; /* NULL: they do */
	} cases[] = {
		{{"nakodo", "--max-message=256KiB"}, NULL},
		{{"nakodo", "--max-message=262145"},
			"--max-message: max-message is larger than send-queue, which must hold at "
			"least one "
			"message: raise send-queue or lower max-message"},
		{{"nakodo", "--tls-cert=a", "--tls-key=b", "--listen=tls:*:1"}, NULL},
		{{"nakodo", "--tls-self-signed=a", "--listen=tls:*:1"}, NULL},
		{{"nakodo", "--tls-cert=a"}, "--tls-cert: tls-cert and tls-key come together: set "
					     "tls-key too, or neither"},
		{{"nakodo", "--tls-key=a"}, "--tls-key: tls-cert and tls-key come together: set "
					    "tls-cert too, or neither"},
		{{"nakodo", "--tls-cert=a", "--tls-key=b", "--tls-self-signed=c"},
			"--tls-cert: tls-cert and tls-self-signed exclude each other: leave one of "
			"them out"},
		{{"nakodo", "--listen=localhost:1", "--listen=tls:*:2"},
			"--listen: listen `tls:*:2` needs a certificate: set tls-cert and tls-key, "
			"or tls-self-signed"},
		{{"nakodo", "--show-messages", "--listen=[::1]:1", "--listen=unix:/x"}, NULL},
		{{"nakodo", "--show-messages", "--listen=[::1]:1", "--listen=*:2"},
			"--listen: listen `*:2` lets other machines in, whose messages "
			"show-messages must not print: listen on localhost only, or leave "
			"show-messages out"},
		{{"nakodo", "--show-messages", "--listen=systemd"},
			"--listen: listen `systemd` lets other machines in, whose messages "
			"show-messages must not print: listen on localhost only, or leave "
			"show-messages out"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int argc = 0, error;
		struct problem problem;
		struct options options;

		while (cases[i].argv[argc]) {
			argc++;
		}
		error = options_load(&options, argc, (char *const *)cases[i].argv, NULL, &problem);
		if (cases[i].sentence) {
			assert_int_equal(error, -EINVAL);
			assert_string_equal(problem.text, cases[i].sentence);
		} else {
			assert_int_equal(error, 0);
			options_finish(&options);
		}
	}
}

static void a_value_that_would_not_fit_a_line_of_a_file_is_refused(void **state)
{
	struct problem problem;
	struct options options;
	char value[2002];

	(void)state;
	memset(value, '"', sizeof(value));
	value[2001] = '\0';
	assert_int_equal(load(&options, "log-file", value, &problem), -EINVAL);
	assert_string_equal(
		problem.text, "--log-file: log-file has a value of more than 2000 bytes");
	value[2000] = '\0';
	assert_int_equal(load(&options, "log-file", value, &problem), 0);
	options_finish(&options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_with_their_units),
		cmocka_unit_test(words_are_read_as_they_are_written),
		cmocka_unit_test(a_value_of_the_wrong_kind_or_out_of_range_names_the_limits),
		cmocka_unit_test(a_text_outside_of_its_grammar_is_refused_with_the_grammar),
		cmocka_unit_test(a_text_within_its_grammar_is_taken_as_it_is),
		cmocka_unit_test(a_wrong_ice_server_is_refused_without_its_password),
		cmocka_unit_test(a_value_that_would_not_fit_a_line_of_a_file_is_refused),
		cmocka_unit_test(what_is_kept_for_a_resume_is_more_than_what_may_wait),
		cmocka_unit_test(memory_for_nobody_is_refused),
		cmocka_unit_test(each_option_knows_where_it_was_said_last),
		cmocka_unit_test(options_that_do_not_go_together_are_refused),
		cmocka_unit_test(a_long_value_leaves_room_for_what_is_wrong_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
