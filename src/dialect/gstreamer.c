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
#include "nakodo/base/problem.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"

#define META_MAX 4096 /* bytes */

/* Each change of a status goes to every listener. */
#define CHANGES_MAX 20
#define CHANGES_PERIOD 10000 /* ms */

#define LISTED 64 /* bytes of a list's entry, and more, without the meta */

/* As on the wire, and as the rooms are called. */
static const char *const role_names[] = {"producer", "consumer", "listener"};

/* One mount's state: the bytes in the lists of producers and of consumers. */
struct gstreamer {
	size_t listed[GSTREAMER_LISTENER];
};

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
	free(mount->state);
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
	ids_uuid(self->id);
	if (hub_join(request->mount->space, GSTREAMER_PEERS, peer, self->id, NULL)) {
		hub_close(peer, 1011, "out of memory");
		return;
	}
	const struct iovec parts[] = {
		PART("{\"type\":\"welcome\",\"peerId\":\""), PART_OF(self->id), PART("\"}")};

	hub_send_text(peer, parts, 3);
}

static struct iovec meta_of(const struct gstreamer_peer *self)
{
	return self->meta ? PART_BYTES(self->meta, self->meta_len) : PART("null");
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
		meta_of(self),
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

/* Would the lists still be short enough to be sent beside what else waits for who asks? */
static bool fits(const struct gstreamer_peer *self, const struct status *status)
{
	const struct gstreamer *state = self->mount->state;
	size_t max = hub_outbox_bytes(self->peer->hub) / 2;

	for (int i = 0; i < GSTREAMER_LISTENER; i++) {
		size_t own = self->seats[i] ? LISTED + self->meta_len : 0;

		if (status->roles[i] && state->listed[i] - own + LISTED + status->meta_len > max) {
			return false;
		}
	}
	return true;
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

/* Take the peer's entries out of the lists, or put them in: before and after it changes. */
static void count_entries(const struct gstreamer_peer *self, bool in)
{
	struct gstreamer *state = self->mount->state;
	size_t size = LISTED + self->meta_len;

	for (int i = 0; i < GSTREAMER_LISTENER; i++) {
		if (self->seats[i]) {
			state->listed[i] = in ? state->listed[i] + size : state->listed[i] - size;
		}
	}
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
	bool changed;

	if (status->meta && !meta) {
		hub_close(self->peer, 1011, "out of memory");
		return;
	}
	if (meta) {
		memcpy(meta, status->meta, status->meta_len);
	}
	count_entries(self, false);
	memory_give(MEMORY_ROOMS, self->meta_len);
	memory_take(MEMORY_ROOMS, status->meta_len);
	free(self->meta);
	self->meta = meta;
	self->meta_len = status->meta_len;
	changed = change_roles(self, status->roles);
	count_entries(self, true);
	if (changed) {
		broadcast(self, false);
	} else {
		hub_close(self->peer, 1011, "out of memory");
	}
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
	} else if (!fits(self, &status)) {
		gstreamer_error(self, "There are too many producers or consumers");
	} else if (!may_change(self)) {
		gstreamer_error(self, "Peer %s changes its status too often", self->id);
	} else {
		change(self, &status);
	}
}

static void send_list(const struct gstreamer_peer *self, enum gstreamer_role role)
{
	const struct room *room = hub_room(self->mount->space, role_names[role]);
	struct text text = {0}, *out = &text;
	struct iovec part;

	text_add(out, role == GSTREAMER_PRODUCER ? "{\"type\":\"list\",\"producers\":["
						 : "{\"type\":\"listConsumers\",\"consumers\":[");
	for (const struct member *at = room ? room->members : NULL; at; at = at->next) {
		const struct gstreamer_peer *peer = at->peer->state_of_dialect;
		struct iovec meta = meta_of(peer);

		text_print(out, "%s{\"id\":\"%s\",\"meta\":%.*s}", at == room->members ? "" : ",",
			peer->id, (int)meta.iov_len, (const char *)meta.iov_base);
	}
	text_add(out, "]}");
	part.iov_base = text_take(out, &part.iov_len);
	if (part.iov_base) {
		hub_send_text(self->peer, &part, 1);
	} else {
		hub_close(self->peer, 1011, "out of memory");
	}
	free(part.iov_base);
}

static void list(struct gstreamer_peer *self, const struct gstreamer_call *call)
{
	(void)call;
	send_list(self, GSTREAMER_PRODUCER);
}

static void list_consumers(struct gstreamer_peer *self, const struct gstreamer_call *call)
{
	(void)call;
	send_list(self, GSTREAMER_CONSUMER);
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
	bool known = false;

	if (!self) {
		return;
	}
	gstreamer_session_end_all(self, GSTREAMER_PRODUCER);
	gstreamer_session_end_all(self, GSTREAMER_CONSUMER);
	count_entries(self, false);
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

const struct dialect dialect_gstreamer = {
	.name = "gstreamer",
	.start = gstreamer_start,
	.stop = gstreamer_stop,
	.open = gstreamer_open,
	.message = gstreamer_message,
	.close = gstreamer_close,
};
