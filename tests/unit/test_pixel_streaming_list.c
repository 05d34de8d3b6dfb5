/* pixel-streaming: whom an id belongs to, what is bounded, and what is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/dialect/mount.h"
#include "nakodo/dialect/pixel_streaming.h"
#include "nakodo/service/grant.h"
#include "pixel_streaming_peers.h"

static void who_may_not_have_an_id_takes_it_from_nobody(void **state)
{
	struct grant *grant = peers_grant("{\"room\":\"house\"}");
	struct peer *old = add_streamer("car", "car"), *thief;

	(void)state;
	peers_options.ping_interval = 30;
	peers_options.ping_timeout = 60;
	peers_wait(&all, 61000); /* it is silent */
	thief = streamer_from(NULL);
	thief->grant = grant;
	say_id(thief, "car");
	expect(thief, "close 4403 the token does not let in under this id");
	expect(old, "nothing");
	assert_int_equal(old->state, PEER_OPEN);
	thief->grant = NULL;
	grant_destroy(grant);
}

static void an_address_does_not_fill_a_streamer(void **state)
{
	struct peer *s = add_streamer("Str", "Str"), *players[3], *guest, *more;
	uint64_t yielded = meter_values[METER_PLAYERS_YIELDED];

	(void)state;
	for (int i = 0; i < 3; i++) {
		players[i] = add_player("192.0.2.1");
		subscribe(players[i], "Str");
	}
	forget_all();
	more = add_player("192.0.2.1");
	subscribe(more, "Str");
	expect(more, "text {\"type\":\"subscribeFailed\","
		     "\"message\":\"Streamer Str is full. Max players = 3.\"}");
	guest = add_player("198.51.100.1");
	subscribe(guest, "Str");
	expect(players[2], "close 4413 the streamer is full, and most players are of its address");
	expect(s, DISCONNECTED("Player2"));
	expect(s, CONNECTED("Player4"));
	assert_int_equal(meter_values[METER_PLAYERS_YIELDED] - yielded, 1);
	subscribe(guest, "Str"); /* it has a place */
	expect(s, DISCONNECTED("Player4"));
	expect(s, CONNECTED("Player4"));
}

/* Of 4096 bytes of outbox the list may have 1024: eight ids of 120 bytes. */
static void an_address_does_not_fill_the_list(void **state)
{
	struct peer *streamers[9];
	char id[128];

	(void)state;
	for (int i = 0; i < 9; i++) {
		snprintf(id, sizeof(id), "%0120d", i);
		streamers[i] = streamer_from("192.0.2.1");
		say_id(streamers[i], id);
	}
	forget_all();
	assert_int_equal(streamers[7]->state, PEER_OPEN);
	assert_int_not_equal(streamers[8]->state, PEER_OPEN);
	snprintf(id, sizeof(id), "%0120d", 9);
	say_id(streamer_from("198.51.100.1"), id);
	expect(streamers[7],
		"close 4413 there are too many streamers, and most are of its address");
	assert_int_equal(streamers[6]->state, PEER_OPEN);
}

static uint64_t counted_since(uint64_t before)
{
	return meter_values[METER_MEMORY_ROOMS] - before;
}

static void what_connections_and_their_shares_take_is_counted(void **state)
{
	const size_t own = sizeof(struct pixel_streaming_peer), none = sizeof(struct share);
	const struct pixel_streaming_peer *streamer;
	const struct pixel_streaming *realm;
	uint64_t before = meter_values[METER_MEMORY_ROOMS], listed;
	struct peer *s = streamer_from("192.0.2.1"), *p = add_player("192.0.2.2");

	(void)state;
	assert_int_equal(counted_since(before), 2 * own);
	say_id(s, "Str");
	streamer = s->state_of_dialect;
	realm = streamer->mount->state;
	listed = counted_since(before);
	assert_true(listed > 2 * own + share_size(&realm->list) - none);
	subscribe(p, "Str");
	assert_true(counted_since(before) - listed > share_size(&streamer->players) - none);
	say(p, "{\"type\":\"unsubscribe\"}");
	assert_int_equal(counted_since(before), listed);
	hub_drop(s);
	assert_int_equal(counted_since(before), own);
}

static void a_long_id_is_refused(void **state)
{
	struct peer *s = streamer_from(NULL);
	char id[128];

	(void)state;
	snprintf(id, sizeof(id), "%0121d", 0);
	say_id(s, id);
	expect(s, "close 4400 an id has at most 120 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		CASE(who_may_not_have_an_id_takes_it_from_nobody),
		CASE(an_address_does_not_fill_a_streamer),
		CASE(an_address_does_not_fill_the_list),
		CASE(what_connections_and_their_shares_take_is_counted),
		CASE(a_long_id_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
