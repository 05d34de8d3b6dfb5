/* nakodo.v1: who is in a room is told to whoever thinks of coming in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/address.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "v1.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define LONG_NAME                                                                                  \
	"1234567890123456789012345678901234567890123456789012345678901234"                         \
	"1234567890123456789012345678901234567890123456789012345678901234"

static const char *const mounts[] = {"/=nakodo.v1", "/v1=nakodo.v1", NULL};
static struct options options;
static struct peers all;

static int set_up(void **state)
{
	(void)state;
	options = peers_options;
	peers_options.room_peers = 60;
	peers_init(&all, PEERS_ALL, mounts);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	peers_options = options;
	return 0;
}

/* What is answered to a client of that address; to be freed. */
static char *look(const char *path, const char *client)
{
	struct address address = {0};
	struct dialect_request request = {.path = path, .address = &address};
	struct dialect_answer answer = {0};

	assert_true(!client || address_parse(&address, client, strlen(client)));
	assert_true(dialect_table_http(all.mounts, NULL, &request, &answer));
	assert_int_equal(answer.status, 200);
	assert_true(answer.cors);
	assert_int_equal(answer.len, strlen(answer.body));
	return answer.owned;
}

static void is_told(const char *path, const char *expected)
{
	char *body = look(path, NULL);

	assert_string_equal(body, expected);
	free(body);
}

static bool is_full_for(const char *client)
{
	char *body = look("/v1/r/peers", client);
	bool full = strstr(body, "\"full\":true");

	free(body);
	return full;
}

static void the_names_of_all_who_are_there_are_told_in_order(void **state)
{
	struct v1_one away;

	(void)state;
	is_told("/v1/r/peers", "{\"peers\":[],\"count\":0,\"full\":false,\"locked\":false}\n");
	v1_join(&all, "r?name=A\"");
	away = v1_join(&all, "r?name=B");
	v1_join(&all, "r");
	v1_join(&all, "other?name=C");
	v1_drop(away, 0);
	is_told("/v1/r/peers",
		"{\"peers\":[{\"name\":\"A\\\"\"},{\"name\":\"B\",\"away\":true},{}],"
		"\"count\":3,\"full\":false,\"locked\":false}\n");
	is_told("/r/peers",
		"{\"peers\":[],\"count\":0,\"full\":false,\"locked\":false}\n"); /* of another mount
										  */
}

static void of_many_fifty_are_named(void **state)
{
	const char *at;
	char *body;
	int named = 0;

	(void)state;
	for (int i = 0; i < 60; i++) {
		v1_join(&all, "r?name=A");
	}
	body = look("/v1/r/peers", NULL);
	for (at = body; (at = strstr(at, "{\"name\":\"A\"}")); at++) {
		named++;
	}
	assert_int_equal(named, 50);
	assert_non_null(strstr(body, "],\"count\":60,\"full\":true,\"locked\":false}"));
	free(body);
}

static void a_room_is_full_for_whom_nobody_gives_way_to(void **state)
{
	struct v1_one first;

	(void)state;
	first = v1_join_from(&all, "192.0.2.1", "r");
	for (int i = 1; i < 60; i++) {
		assert_false(is_full_for("192.0.2.9"));
		v1_confirm(v1_join_from(&all, "192.0.2.1", "r"));
	}
	assert_true(is_full_for("192.0.2.9"));
	v1_drop(first, 0); /* it has never shown that it can resume */
	assert_false(is_full_for("192.0.2.9"));
	v1_join_from(&all, "192.0.2.9", "r");
	assert_true(is_full_for("192.0.2.9"));
}

static void a_room_that_has_more_than_it_may_by_now_is_full(void **state)
{
	(void)state;
	v1_join_from(&all, "192.0.2.1", "r");
	v1_drop(v1_join_from(&all, "192.0.2.1", "r"), 0);
	peers_options.room_peers = 2;
	assert_false(is_full_for("192.0.2.9")); /* who is away gives way */
	peers_options.room_peers = 1;
	assert_true(is_full_for("192.0.2.9")); /* by which there is still no place */
	peers_options.room_peers = 60;
}

static bool refuse(
	void *cookie, const struct mount *mount, const char *room, const struct grant **ret_grant)
{
	*(bool *)cookie = true;
	*ret_grant = NULL;
	assert_string_equal(mount->path, "/v1");
	assert_string_equal(room, "r");
	return false;
}

static void who_may_not_join_the_room_is_told_nothing(void **state)
{
	bool asked = false;
	struct dialect_request request = {
		.path = "/v1/r/peers", .preflight = true, .may_join = refuse, .cookie = &asked};
	struct dialect_answer answer = {0};

	(void)state;
	assert_true(dialect_table_http(all.mounts, NULL, &request, &answer));
	assert_int_equal(answer.status, 204);
	assert_false(asked);
	request.preflight = false;
	answer = (struct dialect_answer){0};
	assert_true(dialect_table_http(all.mounts, NULL, &request, &answer));
	assert_true(asked);
	assert_null(answer.owned);
}

static void no_other_path_is_answered(void **state)
{
	static const char *const paths[] = {"/v1", "/v1/", "/v1/r", "/v1/r/peers/", "/v1/r/peersx",
		"/v1/\x01/peers", "/v1//peers", "/v1/" LONG_NAME "x/peers", "/peers", "/",
		"/v1x/a/b/peers"};
	struct dialect_answer answer = {0};
	struct dialect_request request = {.path = "/v1/" LONG_NAME "/peers"};

	(void)state;
	assert_true(dialect_table_http(all.mounts, NULL, &request, &answer));
	free(answer.owned);
	for (size_t i = 0; i < COUNT(paths); i++) {
		request.path = paths[i];
		if (dialect_table_http(all.mounts, NULL, &request, &answer)) {
			fail_msg("%s was answered", paths[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_names_of_all_who_are_there_are_told_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(of_many_fifty_are_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_room_is_full_for_whom_nobody_gives_way_to, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_room_that_has_more_than_it_may_by_now_is_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			who_may_not_join_the_room_is_told_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_other_path_is_answered, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
