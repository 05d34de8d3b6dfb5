/*
 * pixel_streaming_peers: streamers and players of pixel-streaming for its tests.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "peers.h"

#define CONFIG                                                                                     \
	"text {\"type\":\"config\",\"peerConnectionOptions\":{},\"protocolVersion\":\"1.3.0\"}"
#define CONNECTED(id)                                                                              \
	"text {\"type\":\"playerConnected\",\"dataChannel\":true,\"sfu\":false,\"playerId\":\"" id \
	"\"}"
#define DISCONNECTED(id) "text {\"type\":\"playerDisconnected\",\"playerId\":\"" id "\"}"
#define COUNTED(n) "text {\"type\":\"playerCount\",\"count\":" n "}"
#define STREAMER_GONE "text {\"type\":\"streamerDisconnected\"}"
#define CONFIRMED(id) "text {\"type\":\"endpointIdConfirm\",\"committedId\":\"" id "\"}"

static struct peers all;

static inline int set_up(void **state)
{
	(void)state;
	peers_options.max_peers_per_room = 3;
	peers_init(&all, (struct hub_limits){.room_members = 2, .outbox_bytes = 4096},
		(const char *const[]){"/ps=pixel-streaming", "/other=pixel-streaming",
			"/=pixel-streaming", NULL});
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	peers_options.max_peers_per_room = 0;
	peers_options.ping_interval = peers_options.ping_timeout = 0;
	return meter_values[METER_MEMORY_ROOMS] != 0;
}

static inline void expect(struct peer *peer, const char *text)
{
	assert_string_equal(peers_hear(peer), text);
}

static inline void expect_silence(void)
{
	for (size_t i = 0; i < all.count; i++) {
		expect(&all.all[i].peer, "nothing");
	}
}

static inline void say(struct peer *peer, const char *text)
{
	peers_send(peer, text, strlen(text), false);
}

static inline struct peer *streamer_from(const char *address)
{
	struct peer *peer = peers_connect_from(&all, address, "/ps/streamer");

	expect(peer, "text {\"type\":\"identify\"}");
	expect(peer, CONFIG);
	return peer;
}

static inline void say_id(struct peer *streamer, const char *id)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"type\":\"endpointId\",\"id\":\"%s\"}", id);
	say(streamer, text);
}

/* A streamer that is told to be `committed`. */
static inline struct peer *add_streamer(const char *id, const char *committed)
{
	struct peer *peer = streamer_from(NULL);
	char text[512];

	say_id(peer, id);
	snprintf(text, sizeof(text), CONFIRMED("%s"), committed);
	expect(peer, text);
	return peer;
}

static inline struct peer *add_player(const char *address)
{
	struct peer *peer = peers_connect_from(&all, address, "/ps/player");

	expect(peer, CONFIG);
	return peer;
}

static inline void subscribe(struct peer *player, const char *id)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"type\":\"subscribe\",\"streamerId\":\"%s\"}", id);
	say(player, text);
}

/* Nobody reads what has come so far. */
static inline void forget_all(void)
{
	for (size_t i = 0; i < all.count; i++) {
		while (strcmp(peers_hear(&all.all[i].peer), "nothing") != 0) {
		}
	}
}
