/* unit: who hears each other is of one unit, however the request is spelled. */
#include "nakodo/net/workers/unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "nakodo/base/board.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/socket/listener.h"
#include "peers.h"

static const char *const usual[] = {"/=signal", "/relay=relay", "/chat=chat", "/echo=echo",
	"/signaling=ayame", "/libdatachannel=libdatachannel", "/matchbox=matchbox",
	"/peerjs=peerjs", "/v1=nakodo.v1", "/webtorrent=webtorrent", NULL};

static struct peers all;
static struct listener listener;

static int set_up(void **state)
{
	int fd = board_create(1);

	(void)state;
	assert_int_equal(board_join(fd, 1, 0), 0);
	close(fd);
	peers_init(&all, PEERS_ALL, usual);
	listener.own = NULL;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

/* Of a copy of its own, so that a sanitizer sees what is read behind it. */
static uint64_t unit_of(const char *head, size_t len)
{
	char *copy = malloc(len ? len : 1);
	char name[UNIT_NAME];
	bool found;

	memcpy(copy, head, len);
	found = unit_of_head(all.mounts, &listener, copy, len, name);
	free(copy);
	return found ? unit_number(name) : 0;
}

/* Of a request for that target, with these headers. */
static uint64_t ask(const char *target, const char *headers)
{
	char head[2048];
	int len = snprintf(
		head, sizeof(head), "GET %s HTTP/1.1\r\nHost: here\r\n%s\r\n", target, headers);

	return unit_of(head, (size_t)len);
}

/* All of these targets are of one unit, which is returned. */
static uint64_t together(const char *const *targets)
{
	uint64_t unit = ask(*targets, "");

	assert_int_not_equal(unit, 0);
	while (*++targets) {
		if (ask(*targets, "") != unit) {
			fail_msg("%s is elsewhere", *targets);
		}
	}
	return unit;
}

static void a_room_is_one_unit_however_its_path_is_spelled(void **state)
{
	static const char *const team[] = {"/relay/team", "/relay/%74eam", "/%72elay/te%61m",
		"/relay//team", "//relay/team", "/relay/./team", "/./relay/team",
		"/relay/other/../team", "/relay?room=team", "/relay/?room=team",
		"/relay?room=%74e%61m", "/relay?name=x&room=team&y", "/relay?name=x;room=team",
		"/relay?room=team&room=other", "/relay/team?room=other", "/relay/team?", NULL};
	static const char *const spaced[] = {
		"/relay/our%20team", "/relay/our+team", "/relay?room=our+team", NULL};
	static const char *const foreign[] = {"/v1/%E6%97%A5%E6%9C%AC", "/v1/日本", NULL};

	(void)state;
	together(team);
	together(spaced);
	together(foreign);
}

static void a_room_among_the_subprotocols_comes_first(void **state)
{
	uint64_t team = ask("/relay/team", "");

	(void)state;
	assert_int_equal(ask("/relay", "Sec-WebSocket-Protocol: nakodo.room.team\r\n"), team);
	assert_int_equal(ask("/relay", "sec-websocket-protocol:nakodo.room.team\r\n"), team);
	assert_int_equal(ask("/relay?room=other", "Accept: */*\r\nSec-WebSocket-Protocol: chat, "
						  "nakodo.name.x,nakodo.room.team, sip\r\n"),
		team);
	assert_int_equal(ask("/relay/team", "Sec-WebSocket-Protocol: nakodo.room.other\r\n"), team);
	assert_int_not_equal(ask("/relay", "X-Sec-WebSocket-Protocol: nakodo.room.team\r\n"), team);
}

static void other_rooms_and_other_mounts_are_other_units(void **state)
{
	static const char *const mounts[] = {"/relay", "/chat", "/v1", "/matchbox"};
	uint64_t units[400];
	char target[64];
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		snprintf(target, sizeof(target), "%s/%zu", mounts[i % 4], i / 4);
		units[count] = ask(target, "");
		for (size_t j = 0; j < count; j++) {
			assert_int_not_equal(units[j], units[count]);
		}
		count++;
	}
	/* and each of several workers has some */
	for (uint64_t worker = 0; worker < 3; worker++) {
		size_t has = 0;

		for (size_t i = 0; i < count; i++) {
			has += units[i] % 3 == worker;
		}
		assert_true(has > 60);
	}
}

static void a_mount_whose_rooms_come_in_messages_is_one_unit(void **state)
{
	static const char *const ayame[] = {"/signaling", "//signaling", "/signaling?room=a", NULL};
	static const char *const torrent[] = {"/webtorrent", "/webtorrent?room=b", NULL};
	static const char *const data[] = {
		"/libdatachannel", "/libdatachannel/a", "/libdatachannel/b", NULL};

	(void)state;
	together(ayame);
	together(torrent);
	together(data);
}

static void plain_requests_are_of_the_unit_that_they_ask_about(void **state)
{
	static const char *const peerjs[] = {"/peerjs/peerjs?key=peerjs&id=a&token=t",
		"/peerjs/peerjs?key=peerjs&id=b&token=t", "/peerjs/peerjs/id", "/peerjs/other/id",
		"/peerjs/peerjs/peers", "/peerjs", NULL};
	static const char *const room[] = {
		"/v1/room", "/v1/room/peers", "/v1//room/./peers", "/v1/%72oom/peers?x=1", NULL};

	(void)state;
	together(peerjs);
	assert_int_not_equal(together(room), ask("/v1/other/peers", ""));
}

static void a_room_is_of_the_same_unit_without_a_request(void **state)
{
	char name[UNIT_NAME];
	const char *room;

	(void)state;
	unit_of_room(dialect_table_route(all.mounts, "/v1/team", &room), "team", name);
	assert_string_equal(name, "/v1\nteam");
	assert_int_equal(unit_number(name), ask("/v1/team", ""));
	unit_of_room(dialect_table_route(all.mounts, "/signaling", &room), "team", name);
	assert_string_equal(name, "/signaling\n");
	assert_int_equal(unit_number(name), ask("/signaling", ""));
}

static void a_listener_of_one_dialect_has_rooms_of_its_own(void **state)
{
	static const char *const team[] = {"/team", "//team", "/%74eam", "/?room=team", NULL};
	struct problem problem;
	uint64_t mounted = ask("/relay/team", "");

	(void)state;
	listener.own = dialect_table_own(all.mounts, "here", "relay", &problem);
	assert_int_not_equal(together(team), mounted);
	listener.own = dialect_table_own(all.mounts, "here", "ayame", &problem);
	assert_int_equal(ask("/any", ""), ask("/path/at/all", ""));
}

static void pages_are_of_no_unit(void **state)
{
	static const char *const pages[] = {"/index.html", "/ice.json", "/metrics", "/js/app.js",
		"/relayed/team", "/relay/team/more", "/peerjs.js"};

	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		if (ask(pages[i], "")) {
			fail_msg("%s is of a unit", pages[i]);
		}
	}
}

static void what_is_no_request_is_of_no_unit(void **state)
{
	static const char *const heads[] = {"", "\n", "GET", "GET \n",
		"GET relay/team HTTP/1.1\r\n", "GET http://here/relay/team HTTP/1.1\r\n",
		"\x16\x03\x01\x02", "GET /relay/team"};

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		assert_int_equal(unit_of(heads[i], strlen(heads[i])), 0);
	}
}

static void a_head_may_be_cut_anywhere(void **state)
{
	static const char head[] =
		"GET /re%6cay//x/../%74eam?a=%62&room=te+am HTTP/1.1\r\nHost: here\r\n"
		"Sec-WebSocket-Protocol: nakodo.room.team, chat\r\n\r\n";
	size_t line = strcspn(head, "\n");
	uint64_t team = ask("/relay/team", "");

	(void)state;
	for (size_t len = 0; len < sizeof(head); len++) {
		assert_int_equal(unit_of(head, len), len > line ? team : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_room_is_one_unit_however_its_path_is_spelled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_room_among_the_subprotocols_comes_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			other_rooms_and_other_mounts_are_other_units, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_mount_whose_rooms_come_in_messages_is_one_unit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			plain_requests_are_of_the_unit_that_they_ask_about, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_room_is_of_the_same_unit_without_a_request, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_listener_of_one_dialect_has_rooms_of_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pages_are_of_no_unit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_no_request_is_of_no_unit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_head_may_be_cut_anywhere, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
