/* relay_line: what one node says is what the other one reads, and nothing else is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/net/cluster/relay_line.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define TOKEN "0123456789abcdef0123456789abcdef"

static void what_is_printed_is_read(void **state)
{
	static const char *const units[] = {"/relay\nroom", "/v1\n\xe6\x97\xa5 %&\"\\", "x"};
	static const char *const addresses[] = {"10.0.0.1", "2001:db8::1"};

	(void)state;
	for (size_t i = 0; i < COUNT(units); i++) {
		struct relay_line line = {.token = TOKEN, .direct = i == 1}, read;
		char text[RELAY_LINE];
		size_t len;

		snprintf(line.unit, sizeof(line.unit), "%s", units[i]);
		snprintf(line.listen, sizeof(line.listen), "tls:*:%zu", i);
		if (i < COUNT(addresses)) { /* else it is not known */
			assert_true(
				address_parse(&line.address, addresses[i], strlen(addresses[i])));
		}
		len = relay_line_print(&line, text);
		assert_int_equal(len, strlen(text));
		assert_int_equal(text[len - 1], '\n');
		text[len - 1] = '\0';
		assert_true(relay_line_parse(&read, text));
		assert_memory_equal(&read, &line, sizeof(line));
	}
}

static void the_longest_has_room(void **state)
{
	struct relay_line line = {.token = TOKEN}, read;
	char text[RELAY_LINE];

	(void)state;
	memset(line.listen, 'l', sizeof(line.listen) - 1);
	memset(line.unit, 'u', sizeof(line.unit) - 1);
	assert_true(address_parse(&line.address, "2001:db8:1111:2222:3333:4444:5555:6666", 38));
	text[relay_line_print(&line, text) - 1] = '\0';
	assert_true(relay_line_parse(&read, text));
	assert_memory_equal(&read, &line, sizeof(line));
}

static void nothing_else_is_read(void **state)
{
	static const char *const texts[] = {
		"",
		"nakodo 1 ",
		"nakodo 2 " TOKEN " 0 10.0.0.1 6c 75",
		"nakodo 1 " TOKEN "0 0 10.0.0.1 6c 75",
		"nakodo 1 " TOKEN " 2 10.0.0.1 6c 75",
		"nakodo 1 " TOKEN " 0 10.0.0 6c 75",
		"nakodo 1 " TOKEN " 0 here 6c 75",
		"nakodo 1 " TOKEN " 0 10.0.0.1 6 75",
		"nakodo 1 " TOKEN " 0 10.0.0.1 6x 75",
		"nakodo 1 " TOKEN " 0 10.0.0.1 00 75",
		"nakodo 1 " TOKEN " 0 10.0.0.1 6c",
		"nakodo 1 " TOKEN " 0 10.0.0.1 6c ",
		"nakodo 1 " TOKEN " 0 10.0.0.1 6c 75 75",
		"nakodo 1 " TOKEN " 0 10.0.0.1  75",
	};
	struct relay_line read;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		if (relay_line_parse(&read, texts[i])) {
			fail_msg("`%s` is read", texts[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_is_read),
		cmocka_unit_test(the_longest_has_room),
		cmocka_unit_test(nothing_else_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
