/*
 * gstreamer: what the signalling server of gst-plugins-rs speaks, for webrtcsink, webrtcsrc and
 * gstwebrtc-api. Peers take roles, listeners hear of every change, and a peer asks another one for
 * a session. docs/protocols/gstreamer.md is the page for users; gstreamer.h tells how it is built.
 */
#include "nakodo/dialect/gstreamer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/json.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/event.h"

#define META_MAX 4096 /* bytes */

/* Each change of a status goes to every listener. */
#define CHANGES_MAX 20
#define CHANGES_PERIOD 10000 /* ms */

/* As on the wire, and as the rooms are called. */
static const char *const role_names[] = {"producer", "consumer", "listener"};

static int gstreamer_start(struct mount *mount, struct problem *problem)
{
	if (mount_check(mount, (const char *const[]){NULL}, problem)) {
		return -EINVAL;
	}
	mount->state = calloc(1, sizeof(struct gstreamer));
	if (!mount->state) {
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	/* The rooms hold all peers of the mount, as many as max-peers lets in. */
	hub_space_set_room_members(mount->space, SIZE_MAX);
	return 0;
}

static void gstreamer_stop(struct mount *mount)
{
	struct gstreamer *state = mount->state;

	for (int i = 0; i < GSTREAMER_LISTENER; i++) {
		share_clear(&state->lists[i]);
	}
	free(state);
}

static void gstreamer_open(struct peer *peer, const struct request *request)
{
	struct gstreamer_peer *self = calloc(1, sizeof(*self));

	peer->state_of_dialect = self;
	if (!self) {
		hub_close(peer, 1011, "out of memory");
		return;
	}
	self->peer = peer;
	self->mount = request->mount;
	if (request->address) {
		self->address = *request->address;
	}
	ids_uuid(self->id);
	if (hub_join(request->mount->space, GSTREAMER_PEERS, peer, self->id, NULL)) {
		hub_close(peer, 1011, "out of memory");
		return;
	}
	event_join(request->mount, peer->seats->room, peer, self->id);
	const struct iovec parts[] = {
		PART("{\"type\":\"welcome\",\"peerId\":\""), PART_OF(self->id), PART("\"}")};

	hub_send_text(peer, parts, 3);
}

/* Tell all listeners what the peer now is; when it leaves, it is in no role any more. */
static void broadcast(const struct gstreamer_peer *self, bool leaves)
{
	struct room *listeners = hub_room(self->mount->space, role_names[GSTREAMER_LISTENER]);
	char roles[64] = "";

	for (int i = 0; i < GSTREAMER_ROLES && !leaves; i++) {
		if (self->seats[i]) {
			size_t len = strlen(roles);

			snprintf(roles + len, sizeof(roles) - len, "%s\"%s\"", len ? "," : "",
				role_names[i]);
		}
	}
	const struct iovec parts[] = {
		PART("{\"type\":\"peerStatusChanged\",\"roles\":["),
		PART_OF(roles),
		PART("],\"meta\":"),
		gstreamer_list_meta(self),
		PART(",\"peerId\":\""),
		PART_OF(self->id),
		PART("\"}"),
	};

	if (listeners) {
		hub_publish_text(listeners, parts, sizeof(parts) / sizeof(*parts), NULL);
	}
}

/* False: not a list of roles. */
static bool read_roles(const struct json_value *array, bool ret[GSTREAMER_ROLES])
{
	struct json_value item = {0};

	if (array->kind != JSON_ARRAY) {
		return false;
	}
	while (json_next(array, &item)) {
		int role = 0;

		while (role < GSTREAMER_ROLES && !json_equals(&item, role_names[role])) {
			role++;
		}
		if (role == GSTREAMER_ROLES) {
			return false;
		}
		ret[role] = true;
	}
	return true;
}

/* A status as it is asked for. */
struct status {
	bool roles[GSTREAMER_ROLES];
	const char *meta; /* NULL: null */
	size_t meta_len;
};

static bool is_same(const struct gstreamer_peer *self, const struct status *status)
{
	for (int i = 0; i < GSTREAMER_ROLES; i++) {
		if (status->roles[i] != !!self->seats[i]) {
			return false;
		}
	}
	return self->meta_len == status->meta_len &&
	       (!status->meta_len || !memcmp(self->meta, status->meta, status->meta_len));
}

static bool may_change(struct gstreamer_peer *self)
{
	uint64_t now = hub_now(self->peer->hub);

	if (!self->changes || now - self->since >= CHANGES_PERIOD) {
		self->since = now;
		self->changes = 0;
	}
	if (self->changes >= CHANGES_MAX) {
		return false;
	}
	self->changes++;
	return true;
}

/* False: no memory. */
static bool change_roles(struct gstreamer_peer *self, const bool *wanted)
{
	for (int i = 0; i < GSTREAMER_ROLES; i++) {
		if (wanted[i] && !self->seats[i] &&
			hub_join(self->mount->space, role_names[i], self->peer, NULL,
				&self->seats[i])) {
			return false;
		}
		if (!wanted[i] && self->seats[i]) {
			if (i != GSTREAMER_LISTENER) {
				gstreamer_session_end_all(self, i);
			}
			hub_leave(self->seats[i]);
			self->seats[i] = NULL;
		}
	}
	return true;
}

static void change(struct gstreamer_peer *self, const struct status *status)
{
	char *meta = status->meta ? malloc(status->meta_len) : NULL;

	if (status->meta && !meta) {
		hub_close(self->peer, 1011, "out of memory");
		return;
	}
	if (meta) {
		memcpy(meta, status->meta, status->meta_len);
	}
	gstreamer_list_leave(self);
	memory_give(MEMORY_ROOMS, self->meta_len);
	memory_take(MEMORY_ROOMS, status->meta_len);
	free(self->meta);
	self->meta = meta;
	self->meta_len = status->meta_len;
	if (change_roles(self, status->roles) && !gstreamer_list_enter(self)) {
		broadcast(self, false);
	} else {
		hub_close(self->peer, 1011, "out of memory");
	}
}

/* The peer gives up a role for a newcomer. */
static void give_up(struct gstreamer_peer *self, enum gstreamer_role role)
{
	struct member *seat = self->seats[role];

	meter_add(METER_ENTRIES_YIELDED, 1);
	gstreamer_notify(self,
		"Peer %s is no %s any more: there are too many, and most are of its address",
		self->id, role_names[role]);
	gstreamer_session_end_all(self, role);
	gstreamer_list_leave(self); /* nobody is in both lists */
	self->seats[role] = NULL;
	hub_leave(seat);
	broadcast(self, false);
}

/* Do the lists hold what is asked for? Who has too much of them gives way. */
static bool make_room(const struct gstreamer_peer *self, const struct status *status)
{
	for (int i = 0; i < GSTREAMER_LISTENER; i++) {
		while (status->roles[i] && !gstreamer_list_fits(self, i, status->meta_len)) {
			struct gstreamer_peer *other =
				gstreamer_list_find_yielding(self, i, status->meta_len);

			if (!other) {
				meter_add(METER_ENTRIES_REFUSED, 1);
				return false;
			}
			give_up(other, i);
		}
	}
	return true;
}

static void set_status(struct gstreamer_peer *self, const struct gstreamer_call *call)
{
	const struct json_value *meta = &call->members[GSTREAMER_META].value;
	const struct json_value *id = &call->members[GSTREAMER_PEER_ID].value;
	struct status status = {0};

	if (!read_roles(&call->members[GSTREAMER_WANTED].value, status.roles) ||
		(id->kind != JSON_ABSENT && id->kind != JSON_NULL && id->kind != JSON_STRING)) {
		return;
	}
	if (meta->kind != JSON_ABSENT && meta->kind != JSON_NULL) {
		status.meta = meta->at;
		status.meta_len = meta->len;
	}
	/* Who does not say its id, as browsers do not, waits to hear its status even if it is the
	 * same. */
	if (json_equals(id, self->id) && is_same(self, &status)) {
		return;
	}
	if (status.roles[GSTREAMER_PRODUCER] && status.roles[GSTREAMER_CONSUMER]) {
		gstreamer_error(self,
			"Cannot register peer %s as both producer and passive consumer", self->id);
	} else if (status.meta_len > META_MAX) {
		gstreamer_error(
			self, "The meta of peer %s is longer than %d bytes", self->id, META_MAX);
	} else if (!json_is_portable(meta)) {
		gstreamer_error(self,
			"The meta of peer %s has a string or a number that not every reader takes",
			self->id);
	} else if (!may_change(self)) {
		gstreamer_error(self, "Peer %s changes its status too often", self->id);
	} else if (!make_room(self, &status)) {
		gstreamer_error(self, "There are too many producers or consumers");
	} else {
		change(self, &status);
	}
}

static void list(struct gstreamer_peer *self, const struct gstreamer_call *call)
{
	(void)call;
	gstreamer_list_send(self, GSTREAMER_PRODUCER);
}

static void list_consumers(struct gstreamer_peer *self, const struct gstreamer_call *call)
{
	(void)call;
	gstreamer_list_send(self, GSTREAMER_CONSUMER);
}

static void set_version(struct gstreamer_peer *self, const struct gstreamer_call *call)
{
	const struct json_value *version = &call->members[GSTREAMER_VERSION].value;
	bool v1_1 = json_equals(version, "v1_1");

	if (!v1_1 && !json_equals(version, "v1_0")) {
		return;
	}
	if (self->spoke) {
		gstreamer_error(self,
			"Protocol version selection for peer '%s' must be first message", self->id);
		return;
	}
	self->v1_1 = v1_1;
}

static const struct {
	const char *type;
	void (*take)(struct gstreamer_peer *self, const struct gstreamer_call *call);
} verbs[] = {
	{"endSession", gstreamer_session_end},
	{"endSessionV1_1", gstreamer_session_end},
	{"list", list},
	{"listConsumers", list_consumers},
	{"peer", gstreamer_session_pass_on},
	{"setPeerStatus", set_status},
	{"setProtocolVersion", set_version},
	{"startSession", gstreamer_session_start},
};

/* What is no message of this protocol is passed over: clients make an answer they did not ask for
 * an error of their own. */
static void gstreamer_message(struct peer *peer, const char *data, size_t len, bool binary)
{
	struct gstreamer_peer *self = peer->state_of_dialect;
	struct json_member members[GSTREAMER_MEMBERS] = {
		[GSTREAMER_TYPE].name = "type",
		[GSTREAMER_VERSION].name = "version",
		[GSTREAMER_WANTED].name = "roles",
		[GSTREAMER_META].name = "meta",
		[GSTREAMER_PEER_ID].name = "peerId",
		[GSTREAMER_OFFER].name = "offer",
		[GSTREAMER_SESSION_ID].name = "sessionId",
		[GSTREAMER_ERROR].name = "error",
		[GSTREAMER_SDP].name = "sdp",
		[GSTREAMER_ICE].name = "ice",
	};
	const struct gstreamer_call call = {members, data, len};

	if (binary || json_scan(data, len, members, GSTREAMER_MEMBERS) != JSON_OK) {
		return;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (json_equals(&members[GSTREAMER_TYPE].value, verbs[i].type)) {
			verbs[i].take(self, &call);
			if (peer->state == PEER_OPEN) {
				self->spoke = true; /* else it is gone */
			}
			return;
		}
	}
}

static void gstreamer_close(struct peer *peer)
{
	struct gstreamer_peer *self = peer->state_of_dialect;
	struct room *peers;
	bool known = false;

	if (!self) {
		return;
	}
	peers = hub_room(self->mount->space, GSTREAMER_PEERS);
	if (peers && hub_find(peers, self->id)) {
		event_leave(self->mount, peers, peer, self->id, NULL);
	}
	gstreamer_session_end_all(self, GSTREAMER_PRODUCER);
	gstreamer_session_end_all(self, GSTREAMER_CONSUMER);
	gstreamer_list_leave(self);
	for (int i = 0; i < GSTREAMER_ROLES; i++) {
		known = known || self->seats[i];
	}
	if (known) {
		broadcast(self, true);
	}
	memory_give(MEMORY_ROOMS, self->meta_len);
	free(self->meta);
	free(self);
}

static size_t gstreamer_kept(const struct peer *peer)
{
	const struct gstreamer_peer *self = peer->state_of_dialect;

	return self ? self->meta_len : 0;
}

const struct dialect dialect_gstreamer = {
	.name = "gstreamer",
	.start = gstreamer_start,
	.stop = gstreamer_stop,
	.kept = gstreamer_kept,
	.open = gstreamer_open,
	.message = gstreamer_message,
	.close = gstreamer_close,
};
