/* peerjs_http: which paths belong to a mount, and what a plain request is answered with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "peers.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct peers all;
static const struct mount *own; /* a listener's */

static int set_up(void **state)
{
	struct problem problem;

	(void)state;
	peers_init(&all, PEERS_ALL,
		(const char *const[]){"/=signal", "/peerjs=peerjs?allow-discovery=yes",
			"/a/peerjs=peerjs?key=K", "/plain=peerjs", NULL});
	own = dialect_table_own(all.mounts, "here", "peerjs", &problem);
	assert_non_null(own);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

static void these_paths_are_for_websockets(void **state)
{
	static const struct {
		const char *path, *mount; /* NULL: none */
	} cases[] = {
		{"/peerjs", "/peerjs"},
		{"/peerjs/peerjs", "/peerjs"},
		{"/a/peerjs", "/a/peerjs"},
		{"/a/peerjs/peerjs", "/a/peerjs"},
		{"/plain/peerjs", "/plain"},
		{"/", "/"},
		{"/peerjs/", NULL},
		{"/peerjs/peerjs/", NULL},
		{"/peerjs/peerjs/peerjs", NULL},
		{"/peerjs/id", NULL},
		{"/peerjsx", NULL},
		{"/a", NULL},
		{"/a/peerjsx", NULL},
		{"/plain", NULL},
		{"/plain/", NULL},
		{"/plain/peer", NULL},
		{"/xplain/peerjs", NULL},
		{"/PeerJS", NULL},
		{"", NULL},
	};
	const char *room;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct mount *mount = dialect_table_route(all.mounts, cases[i].path, &room);

		assert_string_equal(
			mount ? mount->path : "none", cases[i].mount ? cases[i].mount : "none");
		assert_true(!mount || !*room);
	}
	assert_ptr_equal(dialect_table_route_own(own, "/peerjs", &room), own);
	assert_null(dialect_table_route_own(own, "/", &room));
	assert_null(dialect_table_route_own(own, "/peerjs/", &room));
	assert_null(dialect_table_route_own(own, "/peerjs/peerjs", &room));
}

static const struct row {
	const char *path;
	int mounts,
		own; /* status, on the common port and on a listener of its own; 0: not theirs */
} rows[] = {
	{"/peerjs/id", 200, 200},
	{"/peerjs/peers", 200, 401},
	{"/peerjs/any/id", 200, 0},
	{"/peerjs/any/peers", 200, 0},
	{"/peerjs", 200, 0},
	{"/peerjs/", 200, 0},
	{"/any/id", 0, 200},
	{"/any/peers", 0, 401},
	{"/a/K/id", 200, 0},
	{"/a/K/peers", 401, 0},
	{"/a/peerjs/id", 200, 0},
	{"/a/peerjs/peers", 401, 0},
	{"/a/peerjs/any/peers", 401, 0},
	{"/a/k/id", 0, 0},
	{"/a/KK/id", 0, 0},
	{"/a/id", 0, 200}, /* a key like any other */
	{"/a", 0, 0},
	{"/plain/any/id", 200, 0},
	{"/plain/any/peers", 401, 0},
	{"/plain", 200, 0},
	{"/plain/id", 0, 200},
	{"/plainer/any/id", 0, 0},
	{"/", 0, 200},
	{"", 0, 0},
	{"//id", 0, 0},
	{"/id", 0, 0},
	{"/peerjs/id/", 0, 0},
	{"/peerjs/idx", 0, 0},
	{"/peerjs//id", 0, 0},
	{"/peerjs/any/id/x", 0, 0},
};

static void check_row(const struct row *row, const struct mount *mount, int status, bool preflight)
{
	static const char *const none[] = {NULL};
	struct dialect_request request = {
		.path = row->path, .arguments = none, .preflight = preflight};
	struct dialect_answer answer = {0};
	bool answered = dialect_table_http(all.mounts, mount, &request, &answer);

	assert_int_equal(answered ? answer.status : 0, status && preflight ? 204 : status);
	if (answered) {
		assert_true(answer.cors);
		assert_int_equal(answer.body ? strlen(answer.body) : 0, answer.len);
	}
	if (answered && !preflight && strstr(row->path, "/id")) {
		assert_string_equal(answer.type, "text/html; charset=utf-8");
		assert_int_equal(answer.len, 36);
	} else if (answered && !preflight && status == 401) {
		assert_string_equal(answer.type, "text/plain; charset=utf-8");
		assert_string_equal(answer.body, "Unauthorized");
	}
	free(answer.owned);
}

static void these_paths_are_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (int preflight = 0; preflight < 2; preflight++) {
			check_row(&rows[i], NULL, rows[i].mounts, preflight);
			check_row(&rows[i], own, rows[i].own, preflight);
		}
	}
}

static void expect_body(const char *path, const char *body)
{
	static const char *const none[] = {NULL};
	struct dialect_request request = {.path = path, .arguments = none};
	struct dialect_answer answer = {0};

	assert_true(dialect_table_http(all.mounts, NULL, &request, &answer));
	assert_string_equal(answer.type, "application/json; charset=utf-8");
	assert_string_equal(answer.body, body);
	free(answer.owned);
}

static void the_list_has_who_is_in(void **state)
{
	struct peer *first;

	(void)state;
	expect_body("/peerjs/peers", "[]");
	first = peers_connect(&all, "/peerjs?key=peerjs&id=one&token=t");
	expect_body("/peerjs/peers", "[\"one\"]");
	peers_connect(&all, "/peerjs/peerjs?key=peerjs&id=\"2\"\xc3\xa9&token=t");
	peers_connect(&all, "/peerjs?key=peerjs&id=three&token=t");
	peers_connect(&all, "/peerjs?key=wrong&id=four&token=t");
	peers_connect(&all, "/a/peerjs?key=K&id=five&token=t");
	expect_body("/peerjs/x/peers", "[\"one\",\"\\\"2\\\"\xc3\xa9\",\"three\"]");
	hub_drop(first);
	expect_body("/peerjs/peers", "[\"\\\"2\\\"\xc3\xa9\",\"three\"]");
	expect_body("/peerjs", "{\"name\":\"nakodo\",\"description\":\"Signaling for PeerJS "
			       "clients.\",\"website\":\"https://peerjs.com/\"}");
}

static void a_mount_at_the_root_leaves_the_page_there(void **state)
{
	struct dialect_request request = {.path = "/", .arguments = (const char *const[]){NULL}};
	struct dialect_answer answer = {0};
	const char *room;

	(void)state;
	tear_down(NULL);
	peers_init(&all, PEERS_ALL, (const char *const[]){"/=peerjs", NULL});
	assert_false(dialect_table_http(all.mounts, NULL, &request, &answer));
	request.path = "/any/id";
	assert_true(dialect_table_http(all.mounts, NULL, &request, &answer));
	free(answer.owned);
	assert_non_null(dialect_table_route(all.mounts, "/peerjs", &room));
	assert_null(dialect_table_route(all.mounts, "/", &room));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(these_paths_are_for_websockets),
		TEST(these_paths_are_answered),
		TEST(the_list_has_who_is_in),
		TEST(a_mount_at_the_root_leaves_the_page_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
