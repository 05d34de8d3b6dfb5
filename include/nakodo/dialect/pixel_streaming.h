/*
 * pixel_streaming: what the files of this dialect share. pixel_streaming.c knows the connections
 * and passes on what they say, pixel_streaming_list.c the streamers and their ids,
 * pixel_streaming_player.c who is subscribed to whom, pixel_streaming_peer.c what they all ask.
 *
 * The room PIXEL_STREAMING_LIST has the streamers that have said their id, each under it. A
 * streamer has one more room for its players, which is named by its connection's number.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/address.h"
#include "nakodo/service/share.h"

struct json_member;
struct member;
struct mount;
struct options;
struct peer;
struct room;
struct text;

#define PIXEL_STREAMING_LIST "streamers"

/* The state of a mount, or of all listeners of its own. */
struct pixel_streaming {
	size_t mounts; /* that have it */
	size_t peers; /* connections */
	struct hub_space *space;
	const struct options *options;
	struct share list; /* bytes of the list that each address has */
	uint64_t players; /* that have come so far */
};

/* One connection. */
struct pixel_streaming_peer {
	struct peer *peer;
	const struct mount *mount;
	struct address address;
	bool streams; /* it is a streamer, else a player */
	/* A streamer. */
	struct member *listed; /* its seat in the list; NULL: it has not said its id yet */
	struct share players; /* how many of them each address has */
	/* A player. */
	struct pixel_streaming_peer *streamer; /* NULL: it is not subscribed */
	struct member *seat; /* among the streamer's players */
	char id[24];
};

/* The members of a message that are looked at. */
enum {
	PIXEL_STREAMING_TYPE,
	PIXEL_STREAMING_ID,
	PIXEL_STREAMING_PLAYER_ID,
	PIXEL_STREAMING_STREAMER_ID,
	PIXEL_STREAMING_REASON,
	PIXEL_STREAMING_TIME,
	PIXEL_STREAMING_MEMBERS,
};

struct pixel_streaming_call {
	struct pixel_streaming_peer *self;
	const struct json_member *members;
	const char *data;
	size_t len;
};

/* What all files ask; this is its mount's state. */
struct pixel_streaming *pixel_streaming_peer_realm(const struct pixel_streaming_peer *self);
/* The peer has so much more of that share, or less; the memory that this takes is counted. -ENOMEM:
 * it has not. */
int pixel_streaming_peer_take(
	const struct pixel_streaming_peer *self, struct share *share, size_t amount);
void pixel_streaming_peer_give(
	const struct pixel_streaming_peer *self, struct share *share, size_t amount);
/* Send and empty the text; without memory the peer is closed. */
void pixel_streaming_peer_send(const struct pixel_streaming_peer *self, struct text *text);
/* The message goes nowhere. */
void pixel_streaming_peer_pass_over(void);
/* The last in the room that came from that address. NULL: none. */
struct peer *pixel_streaming_peer_last_of(const struct room *room, const struct address *address);
/* The room of a streamer's players. NULL: it has none. */
struct room *pixel_streaming_peer_players(const struct pixel_streaming_peer *streamer);

/* A streamer says its id: the first time, or another one. */
void pixel_streaming_list_enter(const struct pixel_streaming_call *call);
/* `reason` as event_leave() takes it. */
void pixel_streaming_list_leave(struct pixel_streaming_peer *streamer, const char *reason);
/* Answer listStreamers. */
void pixel_streaming_list_send(const struct pixel_streaming_call *call);
/* The streamer of that id, if this peer may join it. NULL: none. */
struct pixel_streaming_peer *pixel_streaming_list_find(
	const struct pixel_streaming_peer *self, const char *id);
/* The first that it may join. NULL: none. */
struct pixel_streaming_peer *pixel_streaming_list_first(const struct pixel_streaming_peer *self);

void pixel_streaming_player_subscribe(const struct pixel_streaming_call *call);
/* False: the player has been told why not, or closed. */
bool pixel_streaming_player_join(
	struct pixel_streaming_peer *player, struct pixel_streaming_peer *streamer);
/* The player is subscribed to nobody any more; its streamer is told. */
void pixel_streaming_player_leave(struct pixel_streaming_peer *player);
