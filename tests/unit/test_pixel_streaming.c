/* pixel-streaming: what streamers and players are told, who gets what is said, and what is bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect.h"
#include "pixel_streaming_peers.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
static void a_player_finds_a_streamer_and_they_talk(void **state)
{
	struct peer *s = add_streamer("Str", "Str"), *p = add_player(NULL);

	(void)state;
	say(p, "{\"type\":\"listStreamers\"}");
	expect(p, "text {\"type\":\"streamerList\",\"ids\":[\"Str\"]}");
	subscribe(p, "Str");
	expect(s, CONNECTED("Player0"));
	expect(p, COUNTED("1"));
	say(s, "{\"type\":\"offer\",\"playerId\":\"Player0\",\"sdp\":\"v=0\",\"x\":1.10}");
	expect(p, "text {\"type\":\"offer\",\"playerId\":\"Player0\",\"sdp\":\"v=0\",\"x\":1.10}");
	say(p, "{\"type\":\"answer\",\"sdp\":\"a\"}");
	expect(s, "text {\"type\":\"answer\",\"sdp\":\"a\",\"playerId\":\"Player0\"}");
	say(p, "{\"type\":\"unsubscribe\"}");
	expect(s, DISCONNECTED("Player0"));
	say(s, "{\"type\":\"offer\",\"playerId\":\"Player0\"}");
	expect_silence();
}

static void what_a_player_says_has_its_id_and_else_its_bytes(void **state)
{
	static const char *const cases[][2] = {
		{"{\"type\":\"offer\",\"playerId\":\"\",\"n\":12345678901234567890}",
			"text "
			"{\"type\":\"offer\",\"playerId\":\"Player0\",\"n\":12345678901234567890}"},
		{" {\"playerId\" : {\"a\":1} ,\"type\":\"answer\"} ",
			"text  {\"playerId\" : \"Player0\" ,\"type\":\"answer\"} "},
		{"{\"type\":\"iceCandidate\",\"candidate\":{\"playerId\":7} }\r\n",
			"text {\"type\":\"iceCandidate\",\"candidate\":{\"playerId\":7} "
			",\"playerId\":\"Player0\"}\r\n"},
		{"{\"type\":\"layerPreference\",\"spatialLayer\":0,\"player\\u0049d\":\"Player9\"}",
			"text {\"type\":\"layerPreference\",\"spatialLayer\":0,"
			"\"player\\u0049d\":\"Player0\"}"},
		{"{\"type\":\"dataChannelRequest\"}",
			"text {\"type\":\"dataChannelRequest\",\"playerId\":\"Player0\"}"},
		{"{\"type\":\"peerDataChannelsReady\"}",
			"text {\"type\":\"peerDataChannelsReady\",\"playerId\":\"Player0\"}"},
	};
	struct peer *s = add_streamer("Str", "Str"), *p = add_player(NULL);

	(void)state;
	subscribe(p, "Str");
	forget_all();
	for (size_t i = 0; i < COUNT(cases); i++) {
		peers_send(p, cases[i][0], strlen(cases[i][0]), i & 1);
		expect(s, cases[i][1]);
	}
	expect_silence();
}

static void a_ping_is_answered_with_its_own_bytes(void **state)
{
	struct peer *s = add_streamer("Str", "Str"), *p = add_player(NULL);

	(void)state;
	say(p, "{\"type\":\"ping\",\"time\":1795866131781}");
	expect(p, "text {\"type\":\"pong\",\"time\":1795866131781}");
	say(s, "{\"type\":\"ping\",\"time\":1.50e3}");
	expect(s, "text {\"type\":\"pong\",\"time\":1.50e3}");
}

static void a_streamer_reaches_only_its_own_players(void **state)
{
	struct peer *a = add_streamer("A", "A"), *b = add_streamer("B", "B");
	struct peer *p = add_player(NULL);

	(void)state;
	subscribe(p, "A");
	forget_all();
	say(b, "{\"type\":\"offer\",\"playerId\":\"Player0\"}");
	say(b, "{\"type\":\"disconnectPlayer\",\"playerId\":\"Player0\"}");
	expect_silence();
	subscribe(p, "B"); /* the old one is left */
	expect(a, DISCONNECTED("Player0"));
	expect(b, CONNECTED("Player0"));
	expect(p, COUNTED("1"));
	say(a, "{\"type\":\"offer\",\"playerId\":\"Player0\"}");
	expect_silence();
	say(b, "{\"type\":\"offer\",\"playerId\":\"Player0\"}");
	expect(p, "text {\"type\":\"offer\",\"playerId\":\"Player0\"}");
}

static void an_id_that_is_taken_gets_a_number(void **state)
{
	struct peer *asks;

	(void)state;
	add_streamer("Str", "Str");
	add_streamer("Str", "Str1");
	add_streamer("Str1", "Str11");
	asks = add_streamer("Str", "Str2");
	say_id(asks, "Str2"); /* its own */
	expect(asks, CONFIRMED("Str2"));
	add_streamer("", "UnknownStreamer");
	add_streamer("", "UnknownStreamer1");
	add_streamer("toString", "toString");
	add_streamer("__proto__", "__proto__");
}

static void a_newer_streamer_has_the_id_of_one_that_is_silent(void **state)
{
	struct peer *old = add_streamer("Str", "Str"), *p = add_player(NULL);

	(void)state;
	subscribe(p, "Str");
	forget_all();
	peers_options.ping_interval = 30;
	peers_options.ping_timeout = 60;
	peers_wait(&all, 61000);
	add_streamer("Str", "Str");
	expect(old, "close 4409 the id was taken by a newer connection");
	expect(p, STREAMER_GONE);
	expect(p, "close");
}

static void players_are_told_of_another_id(void **state)
{
	struct peer *s = add_streamer("Str", "Str"), *p = add_player(NULL);

	(void)state;
	subscribe(p, "Str");
	forget_all();
	say_id(s, "\\u0022New\\u0022");
	expect(s, CONFIRMED("\\\"New\\\""));
	expect(p, "text {\"type\":\"streamerIdChanged\",\"newID\":\"\\\"New\\\"\"}");
	say(p, "{\"type\":\"listStreamers\"}");
	expect(p, "text {\"type\":\"streamerList\",\"ids\":[\"\\\"New\\\"\"]}");
}

static void who_has_not_said_its_id_is_not_listed(void **state)
{
	struct peer *p;

	(void)state;
	streamer_from(NULL);
	p = add_player(NULL);
	say(p, "{\"type\":\"listStreamers\"}");
	expect(p, "text {\"type\":\"streamerList\",\"ids\":[]}");
	subscribe(p, "");
	expect(p, "text {\"type\":\"subscribeFailed\",\"message\":\"Streamer  does not exist.\"}");
}

static void a_subscription_to_nobody_fails_and_changes_nothing(void **state)
{
	struct peer *s = add_streamer("Str", "Str"), *p = add_player(NULL);

	(void)state;
	subscribe(p, "Str");
	forget_all();
	subscribe(p, "no\\\"pe");
	expect(p, "text {\"type\":\"subscribeFailed\","
		  "\"message\":\"Streamer no\\\"pe does not exist.\"}");
	say(p, "{\"type\":\"subscribe\"}");
	expect(p, "text {\"type\":\"subscribeFailed\",\"message\":\"There is no such streamer.\"}");
	say(p, "{\"type\":\"answer\"}");
	expect(s, "text {\"type\":\"answer\",\"playerId\":\"Player0\"}");
}

static void an_old_player_that_never_subscribes_gets_the_first_streamer(void **state)
{
	struct peer *early = add_player(NULL), *s, *late;

	(void)state;
	say(early, "{\"type\":\"answer\",\"sdp\":\"\"}");
	expect(early, "close");
	s = add_streamer("A", "A");
	add_streamer("B", "B");
	late = add_player(NULL);
	say(late, "{\"type\":\"answer\",\"sdp\":\"\"}");
	expect(s, CONNECTED("Player1"));
	expect(s, "text {\"type\":\"answer\",\"sdp\":\"\",\"playerId\":\"Player1\"}");
	expect(late, COUNTED("1"));
	expect_silence();
}

static void a_streamer_sends_a_player_away(void **state)
{
	static const char say_it[] =
		"{\"type\":\"disconnectPlayer\",\"playerId\":\"Player1\",\"reason\":\"%0120d"
		"\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\"}";
	struct peer *s = add_streamer("Str", "Str"), *p = add_player(NULL), *q = add_player(NULL);
	char text[512];

	(void)state;
	subscribe(p, "Str");
	subscribe(q, "Str");
	forget_all();
	say(s, "{\"type\":\"disconnectPlayer\",\"playerId\":\"Player0\",\"reason\":\"go away\"}");
	expect(p, "close 1011 go away");
	expect(s, DISCONNECTED("Player0"));
	expect(q, COUNTED("1"));
	snprintf(text, sizeof(text), say_it, 0);
	say(s, text); /* longer than a close frame: cut between characters */
	snprintf(text, sizeof(text), "close 1011 %0120d\xe3\x81\x82", 0);
	expect(q, text);
	expect(s, DISCONNECTED("Player1"));
	expect_silence();
}

static void who_is_left_hears_of_who_leaves(void **state)
{
	struct peer *s = add_streamer("Str", "Str"), *p = add_player(NULL), *q = add_player(NULL);

	(void)state;
	subscribe(p, "Str");
	subscribe(q, "Str");
	forget_all();
	hub_drop(p);
	expect(s, DISCONNECTED("Player0"));
	expect(q, COUNTED("1"));
	hub_drop(s);
	expect(q, STREAMER_GONE);
	expect(q, "close");
	expect_silence();
}

static void what_is_no_message_is_passed_over_and_counted(void **state)
{
	static const char *const messages[] = {"", "x", "null", "[null]", "{}", "1", "\"ping\"",
		"{\"type\":null}", "{\"type\":\"toString\"}", "{\"type\":\"__proto__\"}",
		"{\"type\":\"ping\"}", "{\"type\":\"ping\",\"time\":\"1\"}",
		"{\"type\":\"ping\",\"type\":\"ping\",\"time\":1}", "[{\"type\":\"ping\"}]",
		"{\"type\":\"endpointId\"}", "{\"type\":\"endpointId\",\"id\":5}",
		"{\"type\":\"endpointId\",\"id\":\"\\ud800\"}", "{\"type\":\"offer\"}",
		"{\"type\":\"offer\",\"playerId\":\"nobody\"}",
		"{\"type\":\"answer\",\"playerId\":0}", "{\"type\":\"disconnectPlayer\"}",
		"{\"type\":\"subscribe\",\"streamerId\":\"Str\"}", "{\"type\":\"listStreamers\"}"};
	struct peer *s = add_streamer("Str", "Str");
	uint64_t before = meter_values[METER_MESSAGES_PASSED_OVER];

	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		say(s, messages[i]);
	}
	say(s, "{\"type\":\"layerPreference\"}"); /* for an SFU */
	expect_silence();
	assert_int_equal(s->state, PEER_OPEN);
	assert_int_equal(meter_values[METER_MESSAGES_PASSED_OVER] - before, COUNT(messages));
}

static void the_path_says_the_role(void **state)
{
	static const char *const players[] = {"/ps", "/ps/", "/ps/player/", "/", "/player"};
	static const char *const streamers[] = {"/ps/streamer/", "/streamer"};

	(void)state;
	for (size_t i = 0; i < COUNT(players); i++) {
		expect(peers_connect(&all, players[i]), CONFIG);
	}
	for (size_t i = 0; i < COUNT(streamers); i++) {
		expect(peers_connect(&all, streamers[i]), "text {\"type\":\"identify\"}");
	}
}

static void each_mount_has_streamers_of_its_own(void **state)
{
	struct peer *p;

	(void)state;
	add_streamer("Str", "Str");
	p = peers_connect(&all, "/other/player");
	expect(p, CONFIG);
	say(p, "{\"type\":\"listStreamers\"}");
	expect(p, "text {\"type\":\"streamerList\",\"ids\":[]}");
}

static void a_player_is_told_to_come_back_when_the_server_stops(void **state)
{
	struct peer *s = add_streamer("Str", "Str"), *p = add_player(NULL);

	(void)state;
	dialect_pixel_streaming.closing(s, "drain", 1);
	dialect_pixel_streaming.closing(p, "drain", 1);
	expect(p, "close 1012 the server is stopping");
	assert_int_equal(s->state, PEER_OPEN); /* 1001 is as good for it */
}

static void a_parameter_is_refused(void **state)
{
	struct mount mount = {.dialect = &dialect_pixel_streaming, .parameters = "x=2"};
	struct problem problem;

	(void)state;
	mount.space = hub_space_create(all.hub);
	assert_int_not_equal(dialect_pixel_streaming.start(&mount, &problem), 0);
	assert_string_equal(problem.text, "pixel-streaming has no parameter `x`");
	mount.parameters = "role=sfu";
	assert_int_not_equal(dialect_pixel_streaming.start(&mount, &problem), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		CASE(a_player_finds_a_streamer_and_they_talk),
		CASE(what_a_player_says_has_its_id_and_else_its_bytes),
		CASE(a_ping_is_answered_with_its_own_bytes),
		CASE(a_streamer_reaches_only_its_own_players),
		CASE(an_id_that_is_taken_gets_a_number),
		CASE(a_newer_streamer_has_the_id_of_one_that_is_silent),
		CASE(players_are_told_of_another_id),
		CASE(who_has_not_said_its_id_is_not_listed),
		CASE(a_subscription_to_nobody_fails_and_changes_nothing),
		CASE(an_old_player_that_never_subscribes_gets_the_first_streamer),
		CASE(a_streamer_sends_a_player_away),
		CASE(who_is_left_hears_of_who_leaves),
		CASE(what_is_no_message_is_passed_over_and_counted),
		CASE(the_path_says_the_role),
		CASE(each_mount_has_streamers_of_its_own),
		CASE(a_player_is_told_to_come_back_when_the_server_stops),
		CASE(a_parameter_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
