/* dialect: which mount a path belongs to, what is wrong with a mount, and settings of a client. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "peers.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *const usual[] = {"/=signal", "/relay=relay", "/chat=chat", "/ws=chat",
	"/echo=echo", "/video_chat/signaling=named-room", "/relay/deep=relay?frames=binary",
	"/a/b/c=relay", NULL};

static struct peers all;

static int set_up(void **state)
{
	(void)state;
	peers_init(&all, PEERS_ALL, usual);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

static void the_longest_mount_at_a_segment_boundary_wins(void **state)
{
	static const struct {
		const char *path, *mount, *room; /* `mount` NULL: no match */
	} cases[] = {
		{"/", "/", ""},
		{"/relay", "/relay", ""},
		{"/relay/", "/relay", ""},
		{"/relay/room", "/relay", "room"},
		{"/relay/deep", "/relay/deep", ""},
		{"/relay/deep/room", "/relay/deep", "room"},
		{"/relay/deeper", "/relay", "deeper"},
		{"/relay/r\xc3\xb6\xc3\xb6m 1", "/relay", "r\xc3\xb6\xc3\xb6m 1"},
		{"/chat/x", "/chat", "x"},
		{"/ws", "/ws", ""},
		{"/a/b/c/d", "/a/b/c", "d"},
		{"/video_chat/signaling", "/video_chat/signaling", ""},
		{"/video_chat/signaling/", "/video_chat/signaling", ""},
		/* only what is mounted, and only one segment more */
		{"/relayed", NULL, NULL},
		{"/rela", NULL, NULL},
		{"/relay/room/more", NULL, NULL},
		{"/relay/room/", NULL, NULL},
		{"/relay//", NULL, NULL},
		{"//relay", NULL, NULL},
		{"/a/b", NULL, NULL},
		{"/a", NULL, NULL},
		{"/room", NULL, NULL},
		{"/video_chat", NULL, NULL},
		{"/video_chat/signaling/room", NULL, NULL},
		{"/Relay", NULL, NULL},
		{"relay", NULL, NULL},
		{"", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *room = "unset";
		const struct mount *mount = dialect_table_route(all.mounts, cases[i].path, &room);

		assert_string_equal(
			mount ? mount->path : "none", cases[i].mount ? cases[i].mount : "none");
		assert_string_equal(room, cases[i].mount ? cases[i].room : "unset");
	}
}

static void a_mount_knows_its_dialect_and_parameters(void **state)
{
	const char *room;
	const struct mount *mount = dialect_table_route(all.mounts, "/relay/deep", &room);

	(void)state;
	assert_ptr_equal(mount->dialect, &dialect_relay);
	assert_string_equal(mount->parameters, "frames=binary");
	assert_string_equal(dialect_table_route(all.mounts, "/", &room)->parameters, "");
	assert_ptr_equal(dialect_table_route(all.mounts, "/ws", &room)->dialect, &dialect_chat);
}

static void each_mount_has_rooms_of_its_own(void **state)
{
	const char *room;
	struct peer *a = peers_connect(&all, "/chat/r"), *b = peers_connect(&all, "/ws/r");

	(void)state;
	assert_ptr_not_equal(dialect_table_route(all.mounts, "/ws", &room)->space,
		dialect_table_route(all.mounts, "/chat", &room)->space);
	peers_say(a, "hello");
	assert_string_equal(peers_hear(a), "text hello");
	assert_string_equal(peers_hear(b), "nothing");
}

/* What is wrong with the mount, in a sentence. */
static const char *refuse(const char *mount)
{
	static struct problem problem;
	struct option_item item = {(char *)mount, (char *)"nakodo.conf:7"};
	struct option_list list = {&item, 1};
	struct dialect_table *table = NULL;

	assert_int_equal(
		dialect_table_create(&table, all.hub, &peers_env, &list, &problem), -EINVAL);
	assert_null(table);
	return problem.text;
}

static void a_wrong_mount_is_explained(void **state)
{
	(void)state;
	assert_string_equal(refuse("/x"), "nakodo.conf:7: mount `/x` is not PATH=DIALECT");
	assert_string_equal(refuse("/x=relay?frames=paper"),
		"nakodo.conf:7: mount `/x=relay?frames=paper`: frames must be `text` or `binary`");
	assert_string_equal(refuse("/x=relay?speed=9"),
		"nakodo.conf:7: mount `/x=relay?speed=9`: relay has no parameter `speed`");
	assert_string_equal(refuse("/x=named-room?frames=text"),
		"nakodo.conf:7: mount `/x=named-room?frames=text`: named-room has no parameter "
		"`frames`");
}

static void an_unknown_dialect_is_answered_with_those_there_are(void **state)
{
	static const char *const known[] = {
		" chat,", " echo,", " named-room,", " relay,", " signal"};
	static const char start[] = "nakodo.conf:7: mount `/x=morse`: there is no dialect `morse`; "
				    "there are:";
	const char *at = refuse("/x=morse");

	(void)state;
	assert_memory_equal(at, start, strlen(start));
	for (size_t i = 0; i < COUNT(known); i++) {
		at = strstr(at, known[i]);
		assert_non_null(at);
	}
}

static void a_dialect_is_known_by_its_whole_name(void **state)
{
	static const char *const mounts[] = {"/x=", "/x=?frames=text", "/x=rela", "/x=relays",
		"/x=Relay", "/x= relay", "/x=off"};

	(void)state;
	for (size_t i = 0; i < COUNT(mounts); i++) {
		assert_non_null(strstr(refuse(mounts[i]), "there is no dialect"));
	}
}

static void parameters_are_checked_when_the_mount_is_made(void **state)
{
	static const char *const wrong[] = {"/x=signal?prefix=a", "/x=chat?frames",
		"/x=chat?frames=", "/x=chat?frames=texts", "/x=chat?frames=%00",
		"/x=chat?frames=text&room=r", "/x=chat?frame=text", "/x=chat?framess=text",
		"/x=chat?frames=a-word-that-is-much-too-long", "/x=echo?prefix=%",
		"/x=echo?prefix=a&frames=b", "/x=echo?prefix=%ff",
		"/x=echo?prefix=12345678901234567890123456789012345678901234567890123456789012345"};
	static const char *const right[] = {"/a=signal?frames=text", "/b=relay?frames=binary",
		"/c=chat?", "/d=chat?frames=text&", "/e=echo?prefix=echo:%20&frames=text",
		"/f=echo?prefix=", "/g=echo?prefix=%E5%90%8D", NULL};
	struct peers others;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		refuse(wrong[i]);
	}
	peers_init(&others, PEERS_ALL, right);
	peers_finish(&others);
}

static void a_listener_of_one_dialect_takes_every_path(void **state)
{
	struct problem problem;
	const char *room;
	const struct mount *named = dialect_table_own(all.mounts, "here", "named-room", &problem);
	const struct mount *relay =
		dialect_table_own(all.mounts, "here", "relay?frames=text", &problem);

	(void)state;
	assert_null(relay->path);
	assert_string_equal(relay->parameters, "frames=text");
	assert_ptr_equal(dialect_table_route_own(relay, "/", &room), relay);
	assert_string_equal(room, "");
	assert_ptr_equal(dialect_table_route_own(relay, "/room", &room), relay);
	assert_string_equal(room, "room");
	assert_null(dialect_table_route_own(relay, "/room/more", &room));
	assert_ptr_equal(dialect_table_route_own(named, "/any/path/at/all", &room), named);
	assert_string_equal(room, "");
	/* and is no mount among the others */
	assert_null(dialect_table_route(all.mounts, "/room", &room));
}

static void a_listener_of_an_unknown_dialect_is_refused(void **state)
{
	struct problem problem;

	(void)state;
	assert_null(dialect_table_own(all.mounts, "here", "morse", &problem));
	assert_non_null(strstr(problem.text, "there is no dialect `morse`; there are: "));
	assert_null(dialect_table_own(all.mounts, "here", "relay?x=1", &problem));
	assert_string_equal(problem.text, "relay has no parameter `x`");
}

static void plain_http_is_nothing_to_the_plain_dialects(void **state)
{
	struct dialect_request request = {.path = "/relay"};
	struct dialect_answer answer = {.status = 0};
	struct problem problem;
	const struct mount *own = dialect_table_own(all.mounts, "here", "relay", &problem);

	(void)state;
	assert_false(dialect_table_http(all.mounts, NULL, &request, &answer));
	assert_false(dialect_table_http(all.mounts, own, &request, &answer));
	assert_int_equal(answer.status, 0);
}

static void what_a_client_asks_for_comes_before_what_the_mount_says(void **state)
{
	static const struct mount mount = {.parameters = "frames=binary&prefix=m%20"};
	static const char *const arguments[] = {
		"framesx=no", "frame=no", "frames=text", "frames=later", "empty=", "bare", NULL};
	static const struct request request = {.mount = &mount, .arguments = arguments};
	static const struct request silent = {.mount = &mount};
	char buf[8];

	(void)state;
	assert_int_equal(request_get(&request, "frames", buf, sizeof(buf)), 4);
	assert_string_equal(buf, "text");
	assert_int_equal(request_get(&request, "prefix", buf, sizeof(buf)), 2);
	assert_string_equal(buf, "m ");
	assert_int_equal(request_get(&silent, "frames", buf, sizeof(buf)), 6);
	assert_string_equal(buf, "binary");
	assert_int_equal(request_get(&request, "empty", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");
	assert_int_equal(request_get(&request, "bare", buf, sizeof(buf)), 0);
	assert_int_equal(request_get(&request, "fram", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(request_get(&request, "room", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(request_get(&request, "frames", buf, 5), 4);
	assert_int_equal(request_get(&request, "frames", buf, 4), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_longest_mount_at_a_segment_boundary_wins, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_mount_knows_its_dialect_and_parameters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_mount_has_rooms_of_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_wrong_mount_is_explained, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_unknown_dialect_is_answered_with_those_there_are, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_dialect_is_known_by_its_whole_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			parameters_are_checked_when_the_mount_is_made, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_listener_of_one_dialect_takes_every_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_listener_of_an_unknown_dialect_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			plain_http_is_nothing_to_the_plain_dialects, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_a_client_asks_for_comes_before_what_the_mount_says, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
