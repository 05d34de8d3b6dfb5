/*
 * ayame: rooms of two, as the Ayame signaling server has them. The second to come makes the offer;
 * when one leaves, so must the other. docs/protocols/ayame.md is the page for users.
 *
 *   FRESH ──register──► REGISTERING ──admit()──► MEMBER
 *
 * While it registers, auth-webhook is asked; its words are those of Ayame's authn_webhook_url.
 *
 * Whoever does anything else ends its own connection, always with 1000 and without a reason.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nakodo/base/ids.h"
#include "nakodo/base/json.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/event.h"
#include "nakodo/service/admission.h"
#include "nakodo/service/admission_answer.h"
#include "nakodo/service/grant.h"
#include "nakodo/service/ice.h"
#include "nakodo/service/jwt.h"

#define PING_INTERVAL 5000 /* ms */
#define PONG_TIMEOUT 60000 /* ms */
#define ROOM_SEATS 2

enum state {
	FRESH, /* has not registered */
	REGISTERING, /* whether it may come in is being found out; it says nothing meanwhile */
	MEMBER, /* in its room */
};

struct session {
	struct wheel_timer timer; /* the next ping; first: a timer is turned back by a cast */
	struct peer *peer;
	const struct mount *mount;
	uint64_t heard; /* ms; the last pong, before the first one when it connected */
	enum state state;
	bool asks_token; /* it comes in only with a grant */
	bool standalone; /* drops signaling once it has a connection: is not pinged, hears no bye */
	char id[IDS_ULID]; /* of the connection; "" while FRESH */
	char room[HUB_NAME_MAX + 1]; /* the same */
};

static int ayame_start(struct mount *mount, struct problem *problem)
{
	return mount_check(mount, (const char *const[]){NULL}, problem);
}

static bool ayame_match(const struct mount *mount, const char *path, const char **ret_room)
{
	*ret_room = "";
	return !strcmp(path, mount->path ? mount->path : "/signaling");
}

/* The original's health check. On a port that is shared, /healthz is ours. */
static bool ayame_http(const struct mount *mount, const struct dialect_request *request,
	struct dialect_answer *ret)
{
	if (mount->path || strcmp(request->path, "/.ok")) {
		return false;
	}
	ret->status = 200;
	ret->type = "text/plain";
	ret->body = "";
	return true;
}

/* Takes its session away. */
static void end(struct peer *peer)
{
	hub_close(peer, 1000, "");
}

static void on_timer(struct wheel_timer *timer)
{
	struct session *session = (struct session *)timer;
	struct hub *hub = session->peer->hub;

	/* Who is nobody yet does not keep its place. */
	if (hub_now(hub) - session->heard >= PONG_TIMEOUT ||
		(session->asks_token && session->state == FRESH)) {
		end(session->peer);
		return;
	}
	hub_send_text(session->peer, &PART("{\"type\":\"ping\"}"), 1);
	hub_set_timer(hub, timer, PING_INTERVAL, on_timer);
}

static void ayame_open(struct peer *peer, const struct request *request)
{
	struct session *session = calloc(1, sizeof(*session));

	peer->state_of_dialect = session;
	if (!session) {
		hub_close(peer, 1011, "out of memory");
		return;
	}
	session->peer = peer;
	session->mount = request->mount;
	session->asks_token = request->asks_token;
	session->heard = hub_now(peer->hub);
	hub_set_timer(peer->hub, &session->timer, PING_INTERVAL, on_timer);
}

/* NULL: it is alone, or in no room. */
static struct peer *partner(const struct peer *peer)
{
	const struct member *member = peer->seats ? peer->seats->room->members : NULL;

	if (member && member->peer == peer) {
		member = member->next;
	}
	return member ? member->peer : NULL;
}

/* The room ends with the first of its members to leave. When the partner then leaves in its turn,
 * it finds this one gone already, with which the hub does nothing more. */
static void ayame_close(struct peer *peer)
{
	struct session *session = peer->state_of_dialect;
	struct peer *other = partner(peer);

	if (!session) {
		return;
	}
	hub_clear_timer(peer->hub, &session->timer);
	if (other) {
		const struct session *theirs = other->state_of_dialect;

		if (!theirs->standalone) {
			hub_send_text(other, &PART("{\"type\":\"bye\"}"), 1);
		}
		end(other);
	}
	event_close(session->mount, peer); /* behind the other: the room closes with this one */
	free(session);
}

/* `reason` is a string of JSON. */
static void reject_in(struct peer *peer, const char *reason, size_t len)
{
	const struct iovec parts[] = {
		PART("{\"type\":\"reject\",\"reason\":"), PART_BYTES(reason, len), PART("}")};

	hub_send_text(peer, parts, 3);
	end(peer);
}

static void reject(struct peer *peer, const char *reason)
{
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"%s\"", reason);
	reject_in(peer, quoted, strlen(quoted));
}

/* What auth-webhook gives to one whom it lets in. */
struct gifts {
	struct json_value metadata, servers; /* of any kind; an array */
};

static void accept_peer(const struct session *session, bool exists, const struct gifts *gifts)
{
	const struct ice *ice = session->mount->env->ice;
	const char *answer = exists ? "true" : "false";
	struct text text = {0};
	struct iovec part;

	text_print(&text, "{\"type\":\"accept\",\"connectionId\":\"%s\"", session->id);
	if (gifts->metadata.kind != JSON_ABSENT) {
		text_add(&text, ",\"authzMetadata\":");
		text_add_bytes(&text, gifts->metadata.at, gifts->metadata.len);
	}
	if (gifts->servers.kind == JSON_ARRAY) {
		text_add(&text, ",\"iceServers\":");
		text_add_bytes(&text, gifts->servers.at, gifts->servers.len);
	} else if (!ice_is_empty(ice)) {
		text_add(&text, ",\"iceServers\":");
		ice_print(ice, &text);
	}
	text_print(&text, ",\"isExistClient\":%s,\"isExistUser\":%s}", answer, answer);
	part.iov_base = text_take(&text, &part.iov_len);
	if (part.iov_base) {
		hub_send_text(session->peer, &part, 1);
		free(part.iov_base);
	} else {
		hub_close(session->peer, 1011, "out of memory");
	}
}

/* The verdict on a REGISTERING peer, whenever it comes; `refusal` NULL: it may come in. Whether
 * there is room is looked at only now, since time may have passed. */
static void admit(struct session *session, const char *refusal, const struct gifts *gifts)
{
	struct hub_space *space = session->mount->space;
	const struct room *room = hub_room(space, session->room);
	size_t count = room ? room->count : 0;

	if (!refusal && count >= ROOM_SEATS) {
		refusal = "full";
	}
	if (!refusal && hub_join(space, session->room, session->peer, NULL, NULL)) {
		refusal = "InternalServerError";
	}
	if (refusal) {
		reject(session->peer, refusal);
		return;
	}
	session->state = MEMBER;
	event_join(session->mount, session->peer->seats->room, session->peer, NULL);
	accept_peer(session, count > 0, gifts);
}

enum {
	ROOM_ID,
	STANDALONE,
	CLIENT_ID,
	SIGNALING_KEY,
	KEY, /* the old name of signalingKey, and the one the web SDK uses */
	AUTHN_METADATA,
	AYAME_CLIENT,
	LIBWEBRTC,
	ENVIRONMENT,
	MEMBERS,
};

static bool is_optional(const struct json_value *value, enum json_kind kind)
{
	return value->kind == JSON_ABSENT || value->kind == JSON_NULL || value->kind == kind;
}

/* A key of the old name stands for one of the new. */
static bool is_given(const struct json_member *members, int i)
{
	const struct json_value *value = &members[i].value;

	if (i == CLIENT_ID) {
		return value->kind == JSON_STRING && value->len > 2;
	}
	return value->kind != JSON_ABSENT && value->kind != JSON_NULL &&
	       (i != KEY || members[SIGNALING_KEY].value.kind != JSON_STRING);
}

/* False: the message is no register message. */
static bool read_register(struct json_member *members, const char *data, size_t len)
{
	if (json_scan(data, len, members, MEMBERS) != JSON_OK ||
		!is_optional(&members[STANDALONE].value, JSON_BOOL)) {
		return false;
	}
	for (int i = CLIENT_ID; i < MEMBERS; i++) {
		if (i != AUTHN_METADATA && !is_optional(&members[i].value, JSON_STRING)) {
			return false;
		}
	}
	return true;
}

/* What the token in signalingKey allows, which is then nobody else's business, and in `members` no
 * more. NULL: there is no good one. */
static struct grant *take_token(const struct dialect_env *env, struct json_member *members)
{
	struct json_value *key = &members[SIGNALING_KEY].value, *old = &members[KEY].value;
	char token[JWT_MAX + 1];
	long len = json_decode(key->kind == JSON_STRING ? key : old, token, sizeof(token));
	struct grant *grant;
	const char *why;

	if (len < 0 || env->read_token(env->cookie, token, (size_t)len, &grant, &why)) {
		return NULL;
	}
	key->kind = old->kind = JSON_ABSENT;
	return grant;
}

/* Who it is stands in signalingKey, if the URL has not said it. NULL: it may come in. */
static const char *check_token(const struct session *session, struct json_member *members)
{
	const struct dialect_env *env = session->mount->env;
	struct peer *peer = session->peer;
	struct grant *grant = session->asks_token ? take_token(env, members) : NULL;

	if (peer->grant) {
		grant_destroy(grant);
	} else if (grant) {
		env->take_grant(env->cookie, peer, grant);
	} else if (session->asks_token) {
		return "Unauthorized";
	}
	return grant_may_join(peer->grant, session->room) ? NULL : "Forbidden";
}

/* What Ayame asks, and who a token is for. Whatever the answer depends on comes first, and the
 * connection's id last. */
static bool ask(struct session *session, const struct json_member *members)
{
	const struct dialect_env *env = session->mount->env;
	struct admission_text question;
	struct text text = {0};
	bool asked;
	char *made;

	if (!env->ask_in) {
		return false;
	}
	text_add(&text, "{\"roomId\":");
	text_add_bytes(&text, members[ROOM_ID].value.at, members[ROOM_ID].value.len);
	for (int i = CLIENT_ID; i < MEMBERS; i++) {
		const struct json_value *value = &members[i].value;

		if (is_given(members, i)) {
			text_print(&text, ",\"%s\":", i == KEY ? "signalingKey" : members[i].name);
			text_add_bytes(&text, value->at, value->len);
		}
	}
	if (!is_given(members, CLIENT_ID)) {
		text_print(&text, ",\"clientId\":\"%s\"", session->id);
	}
	grant_print(session->peer->grant, &text);
	question.key = text.len;
	text_print(&text, ",\"connectionId\":\"%s\"}", session->id);
	made = text_take(&text, &question.len);
	question.body = made;
	if (!made) {
		hub_close(session->peer, 1011, "out of memory");
		return true;
	}
	asked = env->ask_in(env->cookie, session->peer, &question);
	free(made);
	return asked;
}

static void ayame_answered(struct peer *peer, const struct admission_answer *answer)
{
	struct json_member members[] = {
		{.name = "reason"}, {.name = "authzMetadata"}, {.name = "iceServers"}};
	const struct json_value *reason = &members[0].value;
	struct session *session = peer->state_of_dialect;
	struct gifts gifts;

	if (answer->problem || json_scan(answer->text, answer->len, members, 3) != JSON_OK ||
		(!answer->allowed && reason->kind != JSON_STRING)) {
		reject(peer, "InternalServerError");
	} else if (!answer->allowed) {
		reject_in(peer, reason->at, reason->len);
	} else {
		gifts = (struct gifts){members[1].value, members[2].value};
		admit(session, NULL, &gifts);
	}
}

static void register_peer(struct session *session, const char *data, size_t len)
{
	struct json_member members[MEMBERS] = {
		[ROOM_ID].name = "roomId",
		[STANDALONE].name = "standalone",
		[CLIENT_ID].name = "clientId",
		[SIGNALING_KEY].name = "signalingKey",
		[KEY].name = "key",
		[AUTHN_METADATA].name = "authnMetadata",
		[AYAME_CLIENT].name = "ayameClient",
		[LIBWEBRTC].name = "libwebrtc",
		[ENVIRONMENT].name = "environment",
	};
	const struct gifts none = {0};
	struct peer *peer = session->peer;
	const char *refusal;
	struct timespec now;
	long size;

	if (session->state != FRESH || !read_register(members, data, len)) {
		end(peer);
		return;
	}
	size = json_decode(&members[ROOM_ID].value, session->room, sizeof(session->room));
	if (size == -ENOSPC) {
		reject(peer, "roomId is too long");
		return;
	}
	if (size < 1) {
		end(peer);
		return;
	}
	if (members[STANDALONE].value.kind == JSON_BOOL && *members[STANDALONE].value.at == 't') {
		session->standalone = true;
		hub_clear_timer(peer->hub, &session->timer);
	}
	clock_gettime(CLOCK_REALTIME, &now);
	ids_ulid(session->id, (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
	session->state = REGISTERING;
	refusal = check_token(session, members);
	if (refusal || !ask(session, members)) {
		admit(session, refusal, &none);
	}
}

static void pass_on(const struct peer *peer, const char *data, size_t len)
{
	struct peer *other = partner(peer);

	if (other) {
		hub_send_text(other, &PART_BYTES(data, len), 1);
	}
}

static void member_message(
	struct session *session, const struct json_value *type, const char *data, size_t len)
{
	if (json_equals(type, "offer") || json_equals(type, "answer") ||
		json_equals(type, "candidate")) {
		pass_on(session->peer, data, len);
	} else if (!json_equals(type, "connected") || session->standalone) {
		end(session->peer);
	}
}

/* A binary frame is as good as a text frame: what json_scan() takes is UTF-8. */
static void ayame_message(struct peer *peer, const char *data, size_t len, bool binary)
{
	struct session *session = peer->state_of_dialect;
	struct json_member type = {.name = "type"};

	(void)binary;
	if (json_scan(data, len, &type, 1) != JSON_OK) {
		end(peer);
	} else if (json_equals(&type.value, "pong")) {
		session->heard = hub_now(peer->hub);
	} else if (json_equals(&type.value, "register")) {
		register_peer(session, data, len);
	} else if (session->state == MEMBER) {
		member_message(session, &type.value, data, len);
	} else {
		end(peer);
	}
}

const struct dialect dialect_ayame = {
	.name = "ayame",
	.match = ayame_match,
	.start = ayame_start,
	.http = ayame_http,
	.room_in_message = true,
	.token_in_message = true,
	.open = ayame_open,
	.message = ayame_message,
	.answered = ayame_answered,
	.close = ayame_close,
};
