/* sniff: TLS by its first byte or HTTP by a whole head, in whatever pieces they come, and nothing
 * is taken away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "nakodo/net/socket/sniff.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int ours, theirs; /* two ends of a connection */

static int set_up(void **state)
{
	int ends[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends)) {
		return -1;
	}
	ours = ends[0];
	theirs = ends[1];
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(ours);
	close(theirs);
	return 0;
}

static void say(const char *bytes, size_t len)
{
	assert_int_equal(write(theirs, bytes, len), len);
}

/* All that was said is still there. */
static void assert_untouched(size_t len)
{
	static char bytes[16384];

	assert_int_equal(recv(ours, bytes, sizeof(bytes), 0), len);
}

static void a_target_is_kept_as_it_was_written(void **state)
{
	static const struct {
		const char *said, *target;
	} cases[] = {
		{"GET / HTTP/1.1\r\n\r\n", "/"},
		{"GET /r/a+b%2F;c&d?e=%41 HTTP/1.1\r\nHost: x\r\n\r\n", "/r/a+b%2F;c&d?e=%41"},
		{"HEAD //x/../y HTTP/1.0\n\n", "//x/../y"},
		{"GET /\r\n\r\n", NULL}, /* HTTP/0.9 */
		{"GET\r\n\r\n", NULL},
		{"G\n\n", NULL},
		{"GET  / HTTP/1.1\r\n\r\n", NULL},
		{"GET http://localhost/ HTTP/1.1\r\n\r\n", NULL},
		{"OPTIONS * HTTP/1.1\r\n\r\n", NULL},
		{"GET /\x01 HTTP/1.1\r\n\r\n", NULL},
		{"GET /\x7f HTTP/1.1\r\n\r\n", NULL},
		{"GET /\xc3\xa9 HTTP/1.1\r\n\r\n", NULL},
		{"GET /\tx HTTP/1.1\r\n\r\n", NULL},
		{"GET /a\rLocation: /b HTTP/1.1\r\n\r\n", NULL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char *target = NULL;
		size_t known = 0;

		set_up(state);
		say(cases[i].said, strlen(cases[i].said));
		assert_int_equal(sniff(ours, &known, &target), SNIFF_HTTP);
		if (cases[i].target) {
			assert_string_equal(target, cases[i].target);
		} else {
			assert_null(target);
		}
		assert_untouched(strlen(cases[i].said));
		free(target);
		tear_down(state);
	}
}

static void a_head_may_come_byte_by_byte(void **state)
{
	static const char head[] = "GET /room HTTP/1.1\r\nHost: x\r\n\r\n";
	char *target = NULL;
	size_t known = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(head) - 2; i++) {
		say(head + i, 1);
		assert_int_equal(sniff(ours, &known, &target), SNIFF_MORE);
	}
	say("\n", 1);
	assert_int_equal(sniff(ours, &known, &target), SNIFF_HTTP);
	assert_string_equal(target, "/room");
	free(target);
	assert_untouched(sizeof(head) - 1);
}

static void what_begins_with_no_letter_is_for_tls(void **state)
{
	static const unsigned char firsts[] = {
		0x16, 0x15, 0x80, 0, '\r', '\n', ' ', '0', '@', 0xff};

	for (size_t i = 0; i < COUNT(firsts); i++) {
		char *target = NULL, first = (char)firsts[i];
		size_t known = 0;

		set_up(state);
		say(&first, 1);
		assert_int_equal(sniff(ours, &known, &target), SNIFF_TLS);
		assert_null(target);
		assert_untouched(1);
		tear_down(state);
	}
}

static void silence_is_waited_for_and_an_end_is_not(void **state)
{
	char *target = NULL;
	size_t known = 0;

	(void)state;
	assert_int_equal(sniff(ours, &known, &target), SNIFF_MORE);
	shutdown(theirs, SHUT_WR);
	assert_int_equal(sniff(ours, &known, &target), SNIFF_ENDED);
}

/* Else the loop would be woken for it again and again. */
static void half_a_head_is_given_up_when_nothing_new_comes(void **state)
{
	char *target = NULL;
	size_t known = 0;

	(void)state;
	say("GET / HTTP/1.1\r\nHost", 20);
	assert_int_equal(sniff(ours, &known, &target), SNIFF_MORE);
	shutdown(theirs, SHUT_WR);
	assert_int_equal(sniff(ours, &known, &target), SNIFF_HTTP);
	assert_string_equal(target, "/");
	free(target);
}

static void a_head_without_end_is_given_up(void **state)
{
	static char letters[8192];
	char *target = NULL;
	size_t known = 0;

	(void)state;
	memset(letters, 'A', sizeof(letters));
	say(letters, sizeof(letters));
	assert_int_equal(sniff(ours, &known, &target), SNIFF_HTTP);
	assert_null(target);
	assert_untouched(sizeof(letters));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_target_is_kept_as_it_was_written),
		cmocka_unit_test_setup_teardown(a_head_may_come_byte_by_byte, set_up, tear_down),
		cmocka_unit_test(what_begins_with_no_letter_is_for_tls),
		cmocka_unit_test_setup_teardown(
			silence_is_waited_for_and_an_end_is_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			half_a_head_is_given_up_when_nothing_new_comes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_head_without_end_is_given_up, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
