/* visits: how many peers of an address the log has, and what it says of the others. */
#include "nakodo/net/ws/visits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "nakodo/base/address.h"
#include "nakodo/base/log.h"
#include "nakodo/net/gate/census.h"

static char path[] = "/tmp/nakodo-visits-XXXXXX";

static int enter(void **state)
{
	int fd;

	strncpy(path + sizeof(path) - 7, "XXXXXX", 7);
	fd = mkstemp(path);
	*state = visits_create();
	return fd < 0 || close(fd) || !*state ? -1
					      : log_open(path, LOG_LEVEL_INFO, LOG_FORMAT_JOURNAL);
}

static int leave(void **state)
{
	visits_destroy(*state);
	log_close();
	return unlink(path);
}

static void assert_logged(const char *expected)
{
	char text[4096];
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(text, expected);
}

/* How many of `count` peers of that address may be logged. */
static size_t come(struct visits *visits, const char *text, size_t count, uint64_t now)
{
	struct address address = {{0}};
	size_t logged = 0;

	assert_true(!*text || address_parse(&address, text, strlen(text)));
	for (size_t i = 0; i < count; i++) {
		logged += visits_may_log(visits, &address, now);
	}
	return logged;
}

static void an_address_has_so_many_a_minute(void **state)
{
	assert_int_equal(come(*state, "192.0.2.1", VISITS_MOST + 3, 1000), VISITS_MOST);
	assert_int_equal(come(*state, "192.0.2.1", 5, 999 + VISITS_EVERY), 0);
	assert_logged("");
	assert_int_equal(come(*state, "192.0.2.1", 5, 1000 + VISITS_EVERY), 5);
	assert_logged("<4>peer.unlogged address=192.0.2.1 peers=8\n");
}

static void others_lose_nothing_by_it(void **state)
{
	come(*state, "192.0.2.1", VISITS_MOST + 1, 1000);
	assert_int_equal(come(*state, "192.0.2.2", 5, 1000), 5);
}

static void a_network_of_ipv6_is_one_address(void **state)
{
	char text[64];
	size_t logged = 0;

	for (int i = 0; i < VISITS_MOST + 9; i++) {
		snprintf(text, sizeof(text), "2001:db8:1:2::%x", i + 1);
		logged += come(*state, text, 1, 1000);
	}
	assert_int_equal(logged, VISITS_MOST);
	visits_settle(*state);
	assert_logged("<4>peer.unlogged address=2001:db8:1:2:: peers=9\n");
}

static void a_network_has_eight_times_as_many(void **state)
{
	char text[64];
	size_t logged = 0;

	for (int i = 0; i < 60; i++) {
		snprintf(text, sizeof(text), "2001:db8:1:%x::1", i);
		logged += come(*state, text, VISITS_MOST / 4, 1000);
	}
	assert_int_equal(logged, VISITS_MOST * CENSUS_NETWORK);
	assert_int_equal(come(*state, "2001:db8:2::1", 5, 1000), 5);
	visits_settle(*state);
	snprintf(text, sizeof(text), "<4>peer.unlogged network=2001:db8:1:: peers=%d\n",
		60 * VISITS_MOST / 4 - VISITS_MOST * CENSUS_NETWORK);
	assert_logged(text);
}

static void so_has_one_of_ipv4(void **state)
{
	char text[64];
	size_t logged = 0;

	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		logged += come(*state, text, VISITS_MOST, 1000);
	}
	assert_int_equal(logged, VISITS_MOST * CENSUS_NETWORK);
	assert_int_equal(come(*state, "192.0.3.1", 5, 1000), 5);
}

static void who_has_no_address_is_bounded_too(void **state)
{
	assert_int_equal(come(*state, "", VISITS_MOST + 1, 1000), VISITS_MOST);
	visits_settle(*state);
	assert_logged("<4>peer.unlogged address=unix peers=1\n");
}

static void what_was_told_is_told_once(void **state)
{
	come(*state, "192.0.2.1", VISITS_MOST + 1, 1000);
	visits_settle(*state);
	visits_settle(*state);
	assert_logged("<4>peer.unlogged address=192.0.2.1 peers=1\n");
	assert_int_equal(come(*state, "192.0.2.1", 5, 1000), 5);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, enter, leave)
	const struct CMUnitTest tests[] = {
		test(an_address_has_so_many_a_minute),
		test(others_lose_nothing_by_it),
		test(a_network_of_ipv6_is_one_address),
		test(a_network_has_eight_times_as_many),
		test(so_has_one_of_ipv4),
		test(who_has_no_address_is_bounded_too),
		test(what_was_told_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
