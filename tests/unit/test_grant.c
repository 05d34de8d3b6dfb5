/* grant: what the claims of a token allow, and that what cannot be read allows nothing. */
#include "nakodo/service/grant.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/problem.h"
#include "nakodo/service/jwt.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define EXPIRES 77

/* To be freed; NULL: refused. */
static struct grant *grant_of(const char *text)
{
	struct jwt_claims claims = {.expires = EXPIRES, .len = strlen(text)};
	struct grant *grant = NULL;
	struct problem problem = {""};
	int error;

	assert_true(claims.len <= sizeof(claims.text));
	memcpy(claims.text, text, claims.len);
	error = grant_read(&grant, &claims, &problem);
	assert_int_equal(error, grant ? 0 : -EACCES);
	assert_true(grant || *problem.text);
	return grant;
}

static bool may_join(const char *claims, const char *room)
{
	struct grant *grant = grant_of(claims);
	bool may = grant_may_join(grant, room);

	assert_non_null(grant);
	grant_destroy(grant);
	return may;
}

static void a_grant_says_who_and_what(void **state)
{
	struct grant *grant = grant_of("{\"sub\":\"u1\",\"name\":\"\\u30a2\",\"room\":\"r\","
				       "\"can\":[\"send\",\"receive\",\"moderate\",\"fly\"],"
				       "\"max\":12}");

	(void)state;
	assert_non_null(grant);
	assert_int_equal(grant->expires, EXPIRES);
	assert_string_equal(grant->subject, "u1");
	assert_string_equal(grant->name, "\xe3\x82\xa2");
	assert_int_equal(grant->can, GRANT_SEND | GRANT_RECEIVE | GRANT_MODERATE);
	assert_int_equal(grant->max, 12);
	grant_destroy(grant);
}

static void what_a_grant_takes_is_counted(void **state)
{
	uint64_t before = memory_used();
	struct grant *grant = grant_of("{\"room\":\"r\"}");

	(void)state;
	assert_non_null(grant);
	assert_int_equal(memory_used() - before, grant->size);
	grant_destroy(grant);
	assert_null(grant_of("{\"room\":1}"));
	assert_int_equal(memory_used(), before);
}

static void what_is_not_said_is_send_and_receive_and_no_name(void **state)
{
	struct grant *grant = grant_of("{\"room\":\"r\"}");

	(void)state;
	assert_non_null(grant);
	assert_string_equal(grant->subject, "");
	assert_string_equal(grant->name, "");
	assert_int_equal(grant->can, GRANT_SEND | GRANT_RECEIVE);
	assert_int_equal(grant->max, 0);
	grant_destroy(grant);
}

static void a_room_is_exact_one_of_a_list_a_beginning_or_any(void **state)
{
	static const struct {
		const char *claims, *room;
		bool may;
	} cases[] = {
		{"{\"room\":\"team\"}", "team", true},
		{"{\"room\":\"team\"}", "team-a", false},
		{"{\"room\":\"team\"}", "tea", false},
		{"{\"room\":\"team\"}", "Team", false},
		{"{\"room\":\"team\"}", "", false},
		{"{\"room\":\"\"}", "", true},
		{"{\"room\":\"\"}", "a", false},
		{"{\"room\":\"team-*\"}", "team-", true},
		{"{\"room\":\"team-*\"}", "team-a", true},
		{"{\"room\":\"team-*\"}", "team", false},
		{"{\"room\":\"team-*\"}", "my-team-a", false},
		{"{\"room\":\"*-a\"}", "team-a", false},
		{"{\"room\":\"*-a\"}", "*-a", true},
		{"{\"room\":\"*\"}", "anything", true},
		{"{\"room\":\"*\"}", "", true},
		{"{\"room\":[\"a\",\"b-*\"]}", "a", true},
		{"{\"room\":[\"a\",\"b-*\"]}", "b-1", true},
		{"{\"room\":[\"a\",\"b-*\"]}", "c", false},
		{"{\"room\":[\"a\",\"\\u002a\"]}", "c", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (may_join(cases[i].claims, cases[i].room) != cases[i].may) {
			fail_msg("%s in %s", cases[i].room, cases[i].claims);
		}
	}
}

static void who_may_not_both_send_and_receive_may_nowhere(void **state)
{
	(void)state;
	assert_true(may_join("{\"room\":\"*\",\"can\":[\"receive\",\"send\"]}", "a"));
	assert_false(may_join("{\"room\":\"*\",\"can\":[\"receive\"]}", "a"));
	assert_false(may_join("{\"room\":\"*\",\"can\":[\"send\",\"admin\"]}", "a"));
	assert_false(may_join("{\"room\":\"*\",\"can\":[]}", "a"));
}

static void without_a_token_everybody_may(void **state)
{
	(void)state;
	assert_true(grant_may_join(NULL, "a"));
}

static void what_cannot_be_read_is_refused(void **state)
{
	static const char *const others[] = {"{}", "{\"room\":null}", "{\"room\":1}",
		"{\"room\":[]}", "{\"room\":[1]}", "{\"room\":[\"a\",[\"b\"]]}",
		"{\"room\":{\"a\":\"b\"}}", "{\"room\":\"a\",\"room\":\"*\"}",
		"{\"room\":\"a\\u0000*\"}", "{\"room\":\"\\ud800\"}", "{\"room\":\"a\",\"sub\":1}",
		"{\"room\":\"a\",\"name\":null}", "{\"room\":\"a\",\"can\":\"send\"}",
		"{\"room\":\"a\",\"max\":0}", "{\"room\":\"a\",\"max\":-1}",
		"{\"room\":\"a\",\"max\":1.5}", "{\"room\":\"a\",\"max\":\"1\"}",
		"{\"room\":\"a\",\"max\":99999999}", "[\"room\"]", ""};

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		if (grant_of(others[i])) {
			fail_msg("%s", others[i]);
		}
	}
}

/* A claim of so many texts of so many bytes. */
static bool is_taken(const char *member, unsigned count, unsigned bytes)
{
	char text[3 * 1024] = "";
	size_t len = (size_t)snprintf(text, sizeof(text), "{\"room\":\"a\",\"sub\":\"\"}");
	struct grant *grant;

	if (!strcmp(member, "room")) {
		len = (size_t)snprintf(text, sizeof(text), "{\"room\":[");
		for (unsigned i = 0; i < count; i++) {
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\"%0*u\"",
				i ? "," : "", (int)bytes, i);
		}
		snprintf(text + len, sizeof(text) - len, "]}");
	} else {
		snprintf(text, sizeof(text), "{\"room\":\"a\",\"sub\":\"%0*u\"}", (int)bytes, 1U);
	}
	grant = grant_of(text);
	grant_destroy(grant);
	return grant;
}

static void there_is_a_bound_to_each_text_and_to_the_rooms(void **state)
{
	(void)state;
	assert_true(is_taken("sub", 1, GRANT_NAME));
	assert_false(is_taken("sub", 1, GRANT_NAME + 1));
	assert_true(is_taken("room", 1, GRANT_NAME));
	assert_false(is_taken("room", 1, GRANT_NAME + 1));
	assert_true(is_taken("room", GRANT_ROOMS, 2));
	assert_false(is_taken("room", GRANT_ROOMS + 1, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_grant_says_who_and_what),
		cmocka_unit_test(what_a_grant_takes_is_counted),
		cmocka_unit_test(what_is_not_said_is_send_and_receive_and_no_name),
		cmocka_unit_test(a_room_is_exact_one_of_a_list_a_beginning_or_any),
		cmocka_unit_test(who_may_not_both_send_and_receive_may_nowhere),
		cmocka_unit_test(without_a_token_everybody_may),
		cmocka_unit_test(what_cannot_be_read_is_refused),
		cmocka_unit_test(there_is_a_bound_to_each_text_and_to_the_rooms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
