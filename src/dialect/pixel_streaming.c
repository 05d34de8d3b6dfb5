/*
 * pixel-streaming: what the signalling server of Unreal Engine's Pixel Streaming speaks. Streamers
 * are listed under ids of their own, players subscribe to one of them, and what either says goes to
 * the other. docs/protocols/pixel-streaming.md is the page for users; pixel_streaming.h tells how
 * it is built.
 */
#include "nakodo/dialect/pixel_streaming.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/json.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/query.h"
#include "nakodo/base/text.h"
#include "nakodo/base/utf8.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/service/ice.h"

#define REASON_MAX 123 /* bytes that a close frame can hold */
#define VERSION "1.3.0"

/* What the mount's or the listener's parameter says. "": nothing. */
static long read_role(const struct mount *mount, char *role, size_t size)
{
	long len = query_get(mount->parameters, "role", role, size);

	if (len == -ENOENT) {
		role[0] = '\0';
		return 0;
	}
	return len;
}

static int check(const struct mount *mount, struct problem *problem)
{
	int error = mount_check(mount, (const char *const[]){"role", NULL}, problem);
	char role[sizeof("streamer")];

	if (!error &&
		(read_role(mount, role, sizeof(role)) < 0 ||
			(*role && strcmp(role, "streamer") != 0 && strcmp(role, "player") != 0))) {
		error = problem_set(problem, -EINVAL, "role must be streamer or player");
	}
	return error;
}

static int pixel_start(struct mount *mount, struct problem *problem)
{
	int error = check(mount, problem);
	struct pixel_streaming *all = mount->state;

	if (error) {
		return error;
	}
	mount->state = all = all ? all : calloc(1, sizeof(*all));
	if (!all) {
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	all->mounts++;
	all->space = mount->space;
	all->options = mount->env->options;
	/* Bounds of its own: the list's length, and max-peers-per-room for players. */
	hub_space_set_room_members(mount->space, SIZE_MAX);
	return 0;
}

static void pixel_stop(struct mount *mount)
{
	struct pixel_streaming *all = mount->state;

	if (!--all->mounts) {
		free(all);
	}
}

/* Is it the path of that role? */
static bool is_role(const char *path, const char *role)
{
	size_t len = strlen(role);

	return *path == '/' && !strncmp(path + 1, role, len) &&
	       (!path[1 + len] || !strcmp(path + 1 + len, "/"));
}

/* The roles are paths, and a mount's own path is a player's. On a listener of its own players may
 * bring any path, as their pages do, and with a role all that come there have that one. */
static bool pixel_match(const struct mount *mount, const char *path, const char **ret_room)
{
	size_t len = mount->path && mount->path[1] ? strlen(mount->path) : 0;
	char role[sizeof("streamer")];

	if (strncmp(path, mount->path ? mount->path : "", len) != 0) {
		return false;
	}
	path += len;
	read_role(mount, role, sizeof(role));
	*ret_room = !strcmp(role, "streamer") || (!*role && is_role(path, "streamer")) ? "streamer"
										       : "player";
	return !mount->path || !*path || !strcmp(path, "/") || is_role(path, *ret_room);
}

static void tell(const struct pixel_streaming_peer *self, const char *text)
{
	hub_send_text(self->peer, &PART_OF(text), 1);
}

static void send_config(const struct pixel_streaming_peer *self)
{
	const struct ice *ice = self->mount->env->ice;
	struct text text = {0};

	text_add(&text, "{\"type\":\"config\",\"peerConnectionOptions\":{");
	if (!ice_is_empty(ice)) {
		text_add(&text, "\"iceServers\":");
		ice_print(ice, &text);
	}
	text_add(&text, "},\"protocolVersion\":\"" VERSION "\"}");
	pixel_streaming_peer_send(self, &text);
}

static void pixel_open(struct peer *peer, const struct request *request)
{
	struct pixel_streaming_peer *self = calloc(1, sizeof(*self));

	peer->state_of_dialect = self;
	if (!self) {
		hub_close(peer, 1011, "out of memory");
		return;
	}
	self->peer = peer;
	self->mount = request->mount;
	memory_take(MEMORY_ROOMS, sizeof(*self));
	pixel_streaming_peer_realm(self)->peers++;
	self->streams = !strcmp(request->room, "streamer");
	if (request->address) {
		self->address = *request->address;
	}
	if (self->streams) {
		tell(self, "{\"type\":\"identify\"}");
	} else {
		snprintf(self->id, sizeof(self->id), "Player%" PRIu64,
			pixel_streaming_peer_realm(self)->players++);
	}
	send_config(self);
}

/* A streamer takes its players with it: that their sockets close is how they notice. */
static void pixel_close(struct peer *peer)
{
	struct pixel_streaming_peer *self = peer->state_of_dialect;
	struct room *room;

	if (!self) {
		return;
	}
	pixel_streaming_player_leave(self);
	pixel_streaming_list_leave(self, NULL);
	while (self->streams && (room = pixel_streaming_peer_players(self))) {
		tell(room->members->peer->state_of_dialect, "{\"type\":\"streamerDisconnected\"}");
		hub_close(room->members->peer, 1005, "");
	}
	memory_give(MEMORY_ROOMS, sizeof(*self));
	pixel_streaming_peer_realm(self)->peers--;
	free(self);
	peer->state_of_dialect = NULL;
}

/* After 1001 a player never comes back, since its page is leaving. */
static void pixel_closing(struct peer *peer, const char *reason, uint64_t retry_after)
{
	const struct pixel_streaming_peer *self = peer->state_of_dialect;

	(void)reason;
	(void)retry_after;
	if (!self->streams) {
		hub_close(peer, 1012, "the server is stopping");
	}
}

/* Behind this the object ends. */
static size_t end_of(const struct pixel_streaming_call *call)
{
	size_t at = call->len;

	while (call->data[at - 1] != '}') {
		at--;
	}
	return at - 1;
}

/* The object as it came, but with the player's id in it. */
static void send_on(const struct pixel_streaming_call *call)
{
	const struct pixel_streaming_peer *self = call->self;
	const struct json_value *id = &call->members[PIXEL_STREAMING_PLAYER_ID].value;
	bool there = id->kind != JSON_ABSENT;
	size_t before = there ? (size_t)(id->at - call->data) : end_of(call);
	size_t after = there ? before + id->len : before;
	const struct iovec parts[] = {
		PART_BYTES(call->data, before),
		there ? PART("\"") : PART(",\"playerId\":\""),
		PART_OF(self->id),
		PART("\""),
		PART_BYTES(call->data + after, call->len - after),
	};

	hub_send_text(self->streamer->peer, parts, sizeof(parts) / sizeof(*parts));
}

/* Players of older engines never subscribe: they take what is there. */
static void to_streamer(const struct pixel_streaming_call *call)
{
	struct pixel_streaming_peer *self = call->self, *first;

	if (self->streamer) {
		send_on(call);
		return;
	}
	first = pixel_streaming_list_first(self);
	if (!first) {
		hub_close(self->peer, 1005, "");
	} else if (pixel_streaming_player_join(self, first)) {
		send_on(call);
	}
}

/* One of the streamer's own. NULL: that is none. */
static struct peer *player_of(const struct pixel_streaming_call *call)
{
	const struct json_value *id = &call->members[PIXEL_STREAMING_PLAYER_ID].value;
	const struct room *room = pixel_streaming_peer_players(call->self);
	const struct member *member = NULL;
	char name[sizeof(call->self->id)];

	if (room && json_decode(id, name, sizeof(name)) > 0) {
		member = hub_find(room, name);
	}
	return member ? member->peer : NULL;
}

static void to_player(const struct pixel_streaming_call *call)
{
	struct peer *player = player_of(call);

	if (player) {
		hub_send_text(player, &PART_BYTES(call->data, call->len), 1);
	} else {
		pixel_streaming_peer_pass_over();
	}
}

/* Cut between characters: a browser takes no half of one. */
static void cut_reason(char *reason)
{
	size_t len = strlen(reason);

	len = len < REASON_MAX ? len : REASON_MAX;
	while (!utf8_is_valid(reason, len)) {
		len--;
	}
	reason[len] = '\0';
}

static void disconnect_player(const struct pixel_streaming_call *call)
{
	const struct json_value *value = &call->members[PIXEL_STREAMING_REASON].value;
	struct peer *player = player_of(call);
	char *reason;

	if (!player) {
		pixel_streaming_peer_pass_over();
		return;
	}
	reason = malloc(value->len + 1);
	if (reason && json_decode(value, reason, value->len + 1) >= 0) {
		cut_reason(reason);
		hub_close(player, 1011, reason);
	} else {
		hub_close(player, 1011, "");
	}
	free(reason);
}

static void ping(const struct pixel_streaming_call *call)
{
	const struct json_value *time = &call->members[PIXEL_STREAMING_TIME].value;

	if (time->kind != JSON_NUMBER) {
		pixel_streaming_peer_pass_over();
		return;
	}
	hub_send_text(call->self->peer,
		(struct iovec[]){PART("{\"type\":\"pong\",\"time\":"),
			PART_BYTES(time->at, time->len), PART("}")},
		3);
}

static void unsubscribe(const struct pixel_streaming_call *call)
{
	pixel_streaming_player_leave(call->self);
}

static void listen_only(const struct pixel_streaming_call *call)
{
	(void)call;
}

struct verb {
	const char *type;
	void (*take)(const struct pixel_streaming_call *call);
};

static const struct verb of_streamers[] = {
	{"answer", to_player},
	{"disconnectPlayer", disconnect_player},
	{"endpointId", pixel_streaming_list_enter},
	{"iceCandidate", to_player},
	{"layerPreference", listen_only},
	{"offer", to_player},
	{"ping", ping},
	{NULL, NULL},
};

static const struct verb of_players[] = {
	{"answer", to_streamer},
	{"dataChannelRequest", to_streamer},
	{"iceCandidate", to_streamer},
	{"layerPreference", to_streamer},
	{"listStreamers", pixel_streaming_list_send},
	{"offer", to_streamer},
	{"peerDataChannelsReady", to_streamer},
	{"ping", ping},
	{"pong", listen_only},
	{"stats", listen_only},
	{"subscribe", pixel_streaming_player_subscribe},
	{"unsubscribe", unsubscribe},
	{NULL, NULL},
};

/* The protocol has no word for an error: what is none of its messages is passed over. Binary frames
 * are as good as text, since json_scan() takes only UTF-8. */
static void pixel_message(struct peer *peer, const char *data, size_t len, bool binary)
{
	struct json_member members[PIXEL_STREAMING_MEMBERS] = {
		[PIXEL_STREAMING_TYPE].name = "type",
		[PIXEL_STREAMING_ID].name = "id",
		[PIXEL_STREAMING_PLAYER_ID].name = "playerId",
		[PIXEL_STREAMING_STREAMER_ID].name = "streamerId",
		[PIXEL_STREAMING_REASON].name = "reason",
		[PIXEL_STREAMING_TIME].name = "time",
	};
	const struct pixel_streaming_call call = {peer->state_of_dialect, members, data, len};
	const struct verb *verb = call.self->streams ? of_streamers : of_players;

	(void)binary;
	if (json_scan(data, len, members, PIXEL_STREAMING_MEMBERS) != JSON_OK) {
		pixel_streaming_peer_pass_over();
		return;
	}
	while (verb->type && !json_equals(&members[PIXEL_STREAMING_TYPE].value, verb->type)) {
		verb++;
	}
	if (verb->type) {
		verb->take(&call);
	} else {
		pixel_streaming_peer_pass_over();
	}
}

const struct dialect dialect_pixel_streaming = {
	.name = "pixel-streaming",
	.room_in_message = true,
	.own_together = true,
	.match = pixel_match,
	.start = pixel_start,
	.stop = pixel_stop,
	.open = pixel_open,
	.message = pixel_message,
	.closing = pixel_closing,
	.close = pixel_close,
};
