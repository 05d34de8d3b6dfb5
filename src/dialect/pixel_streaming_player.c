/* pixel_streaming_player: owns who is subscribed to which streamer. See the header. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "nakodo/base/json.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/pixel_streaming.h"
#include "nakodo/service/grant.h"

static void tell_count(const struct pixel_streaming_peer *streamer)
{
	struct room *room = pixel_streaming_peer_players(streamer);
	char text[64];

	if (room) {
		snprintf(text, sizeof(text), "{\"type\":\"playerCount\",\"count\":%zu}",
			room->count);
		hub_publish_text(room, &PART_OF(text), 1, NULL);
	}
}

/* The player is subscribed to nobody any more. */
void pixel_streaming_player_leave(struct pixel_streaming_peer *player)
{
	struct pixel_streaming_peer *streamer = player->streamer;
	const struct iovec parts[] = {PART("{\"type\":\"playerDisconnected\",\"playerId\":\""),
		PART_OF(player->id), PART("\"}")};

	if (!streamer) {
		return;
	}
	pixel_streaming_peer_give(player, &streamer->players, 1);
	hub_leave(player->seat);
	player->seat = NULL;
	player->streamer = NULL;
	if (streamer->peer->state == PEER_OPEN) {
		hub_send_text(streamer->peer, parts, 3);
		tell_count(streamer);
	}
}

static void refuse(const struct pixel_streaming_peer *self, const char *message)
{
	char quoted[JSON_QUOTED(HUB_NAME_MAX + 64)];

	json_quote(message, quoted, sizeof(quoted));
	meter_add(METER_MESSAGES_WRONG, 1);
	hub_send_text(self->peer,
		(struct iovec[]){PART("{\"type\":\"subscribeFailed\",\"message\":"),
			PART_OF(quoted), PART("}")},
		3);
}

/* Is there a place for one more player? One of the address that has most gives way to one that has
 * fewer. */
static bool has_place(struct pixel_streaming_peer *streamer,
	const struct pixel_streaming_peer *player, size_t most)
{
	struct room *room = pixel_streaming_peer_players(streamer);
	struct address group;
	struct peer *other;

	if (!room || room->count < most || player->streamer == streamer) {
		return true;
	}
	if (room->count > most ||
		!share_find_yielding(&streamer->players, &player->address, 1, &group)) {
		return false;
	}
	other = pixel_streaming_peer_last_of(room, &group);
	if (other) {
		meter_add(METER_PLAYERS_YIELDED, 1);
		hub_close(other, 4413, "the streamer is full, and most players are of its address");
	}
	return other;
}

/* False: it has been told why not, or closed. */
bool pixel_streaming_player_join(
	struct pixel_streaming_peer *player, struct pixel_streaming_peer *streamer)
{
	struct pixel_streaming *all = pixel_streaming_peer_realm(player);
	size_t most = grant_bound(player->peer->grant, all->options->max_peers_per_room);
	char text[HUB_NAME_MAX + 64];

	if (!has_place(streamer, player, most)) {
		snprintf(text, sizeof(text), "Streamer %s is full. Max players = %zu.",
			streamer->listed->id, most);
		meter_add(METER_PLAYERS_REFUSED, 1);
		refuse(player, text);
		return false;
	}
	pixel_streaming_player_leave(player);
	snprintf(text, sizeof(text), "%" PRIu64, streamer->peer->id);
	if (pixel_streaming_peer_take(player, &streamer->players, 1)) {
		hub_close(player->peer, 1011, "out of memory");
		return false;
	}
	if (hub_join(all->space, text, player->peer, player->id, &player->seat)) {
		pixel_streaming_peer_give(player, &streamer->players, 1);
		hub_close(player->peer, 1011, "out of memory");
		return false;
	}
	player->streamer = streamer;
	hub_send_text(streamer->peer,
		(struct iovec[]){PART("{\"type\":\"playerConnected\",\"dataChannel\":true,"
				      "\"sfu\":false,\"playerId\":\""),
			PART_OF(player->id), PART("\"}")},
		3);
	tell_count(streamer);
	return true;
}

void pixel_streaming_player_subscribe(const struct pixel_streaming_call *call)
{
	struct pixel_streaming_peer *self = call->self, *streamer;
	char id[HUB_NAME_MAX + 1], text[HUB_NAME_MAX + 64];

	if (json_decode(&call->members[PIXEL_STREAMING_STREAMER_ID].value, id, sizeof(id)) < 0) {
		refuse(self, "There is no such streamer.");
		return;
	}
	streamer = pixel_streaming_list_find(self, id);
	if (streamer) {
		pixel_streaming_player_join(self, streamer);
	} else {
		snprintf(text, sizeof(text), "Streamer %s does not exist.", id);
		refuse(self, text);
	}
}
