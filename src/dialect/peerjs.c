/*
 * peerjs: what the clients of the PeerJS library speak. A peer comes under an id that it chose or
 * was given by HTTP; offers, answers and candidates go to the id they name. All ids of a mount are
 * members of the one room "". peerjs_queue.c keeps what is for ids that nobody holds yet.
 * docs/protocols/peerjs.md is the page for users.
 */
#include "nakodo/dialect/peerjs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/json.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/event.h"
#include "nakodo/dialect/peerjs_queue.h"
#include "nakodo/service/grant.h"

#define QUOTED JSON_QUOTED(HUB_NAME_MAX)

#define SAYS(type, msg) "{\"type\":\"" type "\",\"payload\":{\"msg\":\"" msg "\"}}"

enum { TYPE, DST, PAYLOAD, MEMBERS };

/* What is passed on. */
enum kind { OFFER, ANSWER, CANDIDATE, LEAVE, EXPIRE, KINDS };

static const struct {
	const char *name, *head;
} kinds[] = {
#define KIND(name) [name] = {#name, "{\"type\":\"" #name "\",\"src\":"}
	KIND(OFFER),
	KIND(ANSWER),
	KIND(CANDIDATE),
	KIND(LEAVE),
	KIND(EXPIRE),
};

static void send_text(struct peer *peer, const char *text)
{
	hub_send_text(peer, &PART_OF(text), 1);
}

static void refuse(struct peer *peer, const char *text)
{
	send_text(peer, text);
	hub_close(peer, 1005, "");
}

/* `absent` is a JSON string of `len` bytes. */
static void send_expire(const struct peerjs_client *to, const char *absent, size_t len)
{
	const struct iovec parts[] = {
		PART("{\"type\":\"EXPIRE\",\"src\":"),
		PART_BYTES(absent, len),
		PART(",\"dst\":"),
		PART_OF(to->quoted),
		PART("}"),
	};

	hub_send_text(to->peer, parts, 5);
}

static void on_expire(void *cookie, const char *src, const char *dst)
{
	struct member *sender = peerjs_realm_find(cookie, src);
	char quoted[QUOTED];

	if (sender) {
		send_expire(sender->peer->state_of_dialect, quoted,
			(size_t)json_quote(dst, quoted, sizeof(quoted)));
	}
}

static int peerjs_start(struct mount *mount, struct problem *problem)
{
	struct peerjs_realm *realm;
	int error = peerjs_realm_create(&realm, mount, on_expire, problem);

	if (!error) {
		mount->state = realm;
	}
	return error;
}

static void peerjs_weigh(const struct mount *mount, struct shortage *shortage)
{
	peerjs_queue_weigh(((const struct peerjs_realm *)mount->state)->queue, shortage);
}

static void peerjs_shed(struct mount *mount, struct shortage *shortage)
{
	peerjs_queue_shed(((struct peerjs_realm *)mount->state)->queue, shortage);
}

static void peerjs_stop(struct mount *mount)
{
	peerjs_realm_destroy(mount->state);
}

/* The last of that name, as other servers of this protocol take it; NULL: missing or empty. */
static const char *argument(const struct request *request, const char *name)
{
	size_t len = strlen(name);
	const char *value = NULL;

	for (const char *const *at = request->arguments; *at; at++) {
		if (!strncmp(*at, name, len) && (*at)[len] == '=') {
			value = *at + len + 1;
		}
	}
	return value && *value ? value : NULL;
}

/* It ends up in text frames: it must be UTF-8, and that is one thing a scan looks at. */
static bool is_id(const char *id, char quoted[QUOTED])
{
	long len;

	if (strlen(id) > HUB_NAME_MAX) {
		return false;
	}
	len = json_quote(id, quoted, QUOTED);
	return json_scan(quoted, (size_t)len, NULL, 0) == JSON_NOT_OBJECT;
}

/* In a time that does not tell how much of it was right. */
static bool is_token(const char *token, const char *right)
{
	size_t len = strlen(right);
	unsigned char wrong = 0;

	if (strlen(token) != len) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		wrong |= (unsigned char)(token[i] ^ right[i]);
	}
	return !wrong;
}

/* What its own token says: a subject of auth-webhook may be one of many. */
static const char *subject_of(const struct peer *peer)
{
	bool is_signed = peer->grant && peer->grant->expires != INT64_MAX;

	return is_signed ? peer->grant->subject : "";
}

/* Is who comes the one who is there? A signed token expires, and a fresh one has another text. */
static bool is_same(const struct peer *peer, const char *token, const struct peer *old)
{
	const struct peerjs_client *client = old->state_of_dialect;
	const char *subject = subject_of(peer);

	return !strcmp(subject, subject_of(old)) && (*subject || is_token(token, client->token));
}

static void check_alive(struct wheel_timer *timer)
{
	struct peerjs_client *client = (struct peerjs_client *)timer;
	struct peer *peer = client->peer;
	uint64_t silent = hub_now(peer->hub) - peer->heard, alive = client->realm->alive;

	if (silent >= alive) {
		hub_close(peer, 1005, "");
	} else {
		hub_set_timer(peer->hub, timer, alive - silent, check_alive);
	}
}

static bool client_create(
	struct peerjs_realm *realm, struct peer *peer, const char *quoted, const char *token)
{
	size_t id = strlen(quoted) + 1, size = strlen(token) + 1;
	struct peerjs_client *client = calloc(1, sizeof(*client) + id + size);

	if (!client) {
		return false;
	}
	client->peer = peer;
	client->realm = realm;
	memcpy(client->quoted, quoted, id);
	client->token = memcpy(client->quoted + id, token, size);
	peer->state_of_dialect = client;
	return true;
}

static void enter(struct peerjs_realm *realm, struct peer *peer, const char *id, const char *quoted,
	const char *token)
{
	struct member *old = peerjs_realm_find(realm, id);
	int error;

	if (old && !is_same(peer, token, old->peer)) {
		refuse(peer, SAYS("ID-TAKEN", "ID is taken"));
		return;
	}
	if (old) {
		hub_close(old->peer, 1005, "");
	}
	/* Whose id it is says its subject, if there is one; its token may be long. */
	error = client_create(realm, peer, quoted, *subject_of(peer) ? "" : token)
			? hub_join(realm->space, "", peer, id, NULL)
			: -ENOMEM;
	if (error == -ENOSPC) {
		refuse(peer, SAYS("ERROR", "Server has reached its concurrent user limit"));
	} else if (error) {
		hub_close(peer, 1011, "out of memory");
	} else {
		hub_set_timer(peer->hub, &((struct peerjs_client *)peer->state_of_dialect)->alive,
			realm->alive, check_alive);
		send_text(peer, "{\"type\":\"OPEN\"}");
		event_join(realm->mount, peer->seats->room, peer, id);
		peerjs_queue_flush(realm->queue, id, peer);
	}
}

/* Each may be NULL. */
static void note_address(struct peerjs_client *client, const struct address *address)
{
	if (client && address) {
		client->address = *address;
	}
}

static void peerjs_open(struct peer *peer, const struct request *request)
{
	struct peerjs_realm *realm = request->mount->state;
	const char *id = argument(request, "id"), *token = argument(request, "token");
	const char *key = argument(request, "key");
	char quoted[QUOTED];

	if (!id || !token || !key) {
		refuse(peer, SAYS("ERROR", "No id, token, or key supplied to websocket server"));
	} else if (strcmp(key, realm->key) != 0) {
		refuse(peer, SAYS("ERROR", "Invalid key provided"));
	} else if (!is_id(id, quoted)) {
		refuse(peer, SAYS("ERROR", "The id is not UTF-8 or has more than 128 bytes"));
	} else {
		enter(realm, peer, id, quoted, token);
		note_address(peer->state_of_dialect, request->address);
	}
}

static enum kind find_kind(const struct json_value *type)
{
	enum kind kind = OFFER;

	while (kind < KINDS && !json_equals(type, kinds[kind].name)) {
		kind++;
	}
	return kind;
}

/* An offer may come before the peer it is for, and what belongs to it too. */
static bool keep(const struct peerjs_client *client, enum kind kind, const char *dst,
	const struct iovec *parts, int count)
{
	return (kind == OFFER || kind == ANSWER || kind == CANDIDATE) && *dst &&
	       peerjs_queue_add(client->realm->queue, client->peer->seats->id, &client->address,
		       dst, parts, count);
}

/* `dst` "": an id too long for anybody to hold. */
static void pass_on(const struct peerjs_client *client, enum kind kind,
	const struct json_member *members, const char *dst)
{
	const struct json_value *to = &members[DST].value, *payload = &members[PAYLOAD].value;
	struct iovec parts[] = {
		PART_OF(kinds[kind].head),
		PART_OF(client->quoted),
		PART(",\"dst\":"),
		PART_BYTES(to->at, to->len),
		PART(",\"payload\":"),
		PART_BYTES(payload->at, payload->len),
		PART("}"),
	};
	struct member *receiver = peerjs_realm_find(client->realm, dst);
	int count = 7;

	if (payload->kind == JSON_ABSENT) {
		parts[4] = parts[6];
		count = 5;
	}
	if (receiver) {
		hub_send_text(receiver->peer, parts, count);
	} else if (!keep(client, kind, dst, parts, count) && kind == OFFER) {
		send_expire(client, to->at, to->len); /* it cannot wait: no use in waiting for it */
	}
}

static void peerjs_message(struct peer *peer, const char *data, size_t len, bool binary)
{
	struct json_member members[MEMBERS] = {
		[TYPE].name = "type",
		[DST].name = "dst",
		[PAYLOAD].name = "payload",
	};
	const struct json_value *to = &members[DST].value;
	char dst[HUB_NAME_MAX + 1];
	enum kind kind;
	long size;

	(void)binary;
	/* Who has given his id back is nobody, until the connection ends. */
	if (!peer->seats || json_scan(data, len, members, MEMBERS) != JSON_OK) {
		return;
	}
	kind = find_kind(&members[TYPE].value);
	if (kind == KINDS) {
		return; /* a HEARTBEAT too: that something came is all that it says */
	}
	size = json_decode(to, dst, sizeof(dst));
	if (size > 0) {
		pass_on(peer->state_of_dialect, kind, members, dst);
	} else if (size == -ENOSPC) {
		pass_on(peer->state_of_dialect, kind, members, "");
	} else if (kind == LEAVE &&
		   (size == 0 || to->kind == JSON_ABSENT || to->kind == JSON_NULL)) {
		event_leave(((struct peerjs_client *)peer->state_of_dialect)->realm->mount,
			peer->seats->room, peer, peer->seats->id, EVENT_BYE);
		hub_leave(peer->seats);
	}
}

static void peerjs_close(struct peer *peer)
{
	struct peerjs_client *client = peer->state_of_dialect;

	if (client) {
		hub_clear_timer(peer->hub, &client->alive);
		event_close(client->realm->mount, peer);
		free(client);
		peer->state_of_dialect = NULL;
	}
}

const struct dialect dialect_peerjs = {
	.name = "peerjs",
	.match = peerjs_match,
	.start = peerjs_start,
	.stop = peerjs_stop,
	.http = peerjs_http,
	.weigh = peerjs_weigh,
	.shed = peerjs_shed,
	.open = peerjs_open,
	.message = peerjs_message,
	.close = peerjs_close,
};
