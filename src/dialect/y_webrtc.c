/*
 * y-webrtc: rooms called topics, for the y-webrtc provider of Yjs. A peer subscribes to as many as
 * it likes; what is published to a topic goes to all of its subscribers, the sender included, with
 * their number in the member `clients`. docs/protocols/y-webrtc.md is the page for users.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/address.h"
#include "nakodo/base/json.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/event.h"
#include "nakodo/dialect/mount_audit.h"
#include "nakodo/hub/audit.h"
#include "nakodo/service/grant.h"
#include "nakodo/service/share.h"

/* Of one connection, and of one message: a page has one connection for all of its documents. */
#define TOPICS_MAX 100

enum { TYPE, TOPICS, TOPIC, CLIENTS, MEMBERS };

struct subscriber {
	const struct mount *mount;
	struct address address;
	bool turned_away; /* once, from a topic that was or became full, or was one too many */
};

static int y_webrtc_start(struct mount *mount, struct problem *problem)
{
	return mount_check(mount, (const char *const[]){NULL}, problem);
}

/* The original answers so to everything, and is watched by it. */
static bool y_webrtc_http(const struct mount *mount, const struct dialect_request *request,
	struct dialect_answer *ret)
{
	static const char body[] = "okay";

	(void)request;
	if (mount->path) {
		return false; /* on the common port there are pages */
	}
	ret->status = 200;
	ret->type = "text/plain";
	ret->body = body;
	ret->len = strlen(body);
	return true;
}

static void y_webrtc_open(struct peer *peer, const struct request *request)
{
	struct subscriber *self = calloc(1, sizeof(*self));

	if (!self) {
		hub_close(peer, 1011, "out of memory");
		return;
	}
	self->mount = request->mount;
	if (request->address) {
		self->address = *request->address;
	}
	peer->state_of_dialect = self;
}

static struct subscriber *who(const struct member *seat)
{
	return seat->peer->state_of_dialect;
}

static void forget_share(struct room *room)
{
	if (room->state_of_dialect) {
		memory_give(MEMORY_ROOMS, share_size(room->state_of_dialect));
		share_clear(room->state_of_dialect);
		free(room->state_of_dialect);
		room->state_of_dialect = NULL;
	}
}

/* Count the subscriber, or no longer. -ENOMEM: it is not counted. */
static int count(struct share *share, const struct member *seat, bool there)
{
	int error = 0;

	memory_give(MEMORY_ROOMS, share_size(share));
	if (there) {
		error = share_add(share, &who(seat)->address, 1);
	} else {
		share_remove(share, &who(seat)->address, 1);
	}
	memory_take(MEMORY_ROOMS, share_size(share));
	return error;
}

/* How many subscribers each address has. Counted when the topic is full for the first time, and
 * kept right from then on: a walk for each newcomer would cost more than what a message costs.
 * NULL: no memory. */
static struct share *share_by_address(struct room *room)
{
	struct share *share = room->state_of_dialect;
	const struct member *seat;

	if (share) {
		return share;
	}
	room->state_of_dialect = share = calloc(1, sizeof(*share));
	if (!share) {
		return NULL;
	}
	memory_take(MEMORY_ROOMS, share_size(share));
	DL_FOREACH (room->members, seat) {
		if (count(share, seat, true)) {
			forget_share(room);
			return NULL;
		}
	}
	return share;
}

/* The seat is about to go. */
static void uncount(const struct member *seat)
{
	struct room *room = seat->room;

	if (room->count == 1) {
		forget_share(room);
	} else if (room->state_of_dialect) {
		count(room->state_of_dialect, seat, false);
	}
}

static void leave(struct member *seat, const char *reason)
{
	event_leave(who(seat)->mount, seat->room, seat->peer, NULL, reason);
	uncount(seat);
	hub_leave(seat);
}

static void y_webrtc_close(struct peer *peer)
{
	const struct subscriber *self = peer->state_of_dialect;
	const struct member *seat;

	if (self) {
		event_close(self->mount, peer);
	}
	DL_FOREACH2(peer->seats, seat, seat_next)
	{
		uncount(seat);
	}
	free(peer->state_of_dialect);
	peer->state_of_dialect = NULL;
}

/* NULL: not subscribed. */
static struct member *find_seat(const struct peer *peer, const struct room *room)
{
	struct member *seat = peer->seats;

	while (seat && seat->room != room) {
		seat = seat->seat_next;
	}
	return seat;
}

/* The topic is full. The subscriber that gives way to a newcomer of that address is the first that
 * came of the address that has most of them: it has had time to find the others. NULL: nobody has
 * to give way. */
static struct member *find_yielding(struct room *room, const struct address *newcomer)
{
	const struct share *share = share_by_address(room);
	struct member *seat;
	struct address group;

	if (!share || !share_find_yielding(share, newcomer, 1, &group)) {
		return NULL;
	}
	DL_FOREACH (room->members, seat) {
		if (share_is_same(&who(seat)->address, &group)) {
			return seat;
		}
	}
	return NULL;
}

/* False: there is none for it. */
static bool make_room(const struct subscriber *self, struct room *room)
{
	struct member *seat = room ? find_yielding(room, &self->address) : NULL;

	if (!seat) {
		meter_add(METER_TOPICS_REFUSED, 1);
		return false;
	}
	meter_add(METER_TOPICS_YIELDED, 1);
	who(seat)->turned_away = true;
	leave(seat, EVENT_YIELDED);
	return true;
}

/* As hub_join() returns. */
static int take_seat(struct peer *peer, const char *topic)
{
	const struct subscriber *self = peer->state_of_dialect;
	struct member *seat;
	int error = hub_join(self->mount->space, topic, peer, NULL, &seat);

	if (error == -ENOSPC && make_room(self, hub_room(self->mount->space, topic))) {
		error = hub_join(self->mount->space, topic, peer, NULL, &seat);
	}
	if (!error && seat->room->state_of_dialect &&
		count(seat->room->state_of_dialect, seat, true)) {
		forget_share(seat->room);
	}
	if (!error) {
		event_join(self->mount, seat->room, peer, NULL);
	}
	return error;
}

/* Who asks for another's topic is closed; the protocol has no word for it. */
static bool may_speak_of(struct peer *peer, const char *topic)
{
	bool may = grant_may_join(peer->grant, topic);

	if (!may) {
		hub_close(peer, 4403, "the token does not let into this room");
	}
	return may;
}

static void subscribe(struct peer *peer, const char *topic)
{
	struct subscriber *self = peer->state_of_dialect;
	struct member *seat;
	int seats;

	if (find_seat(peer, hub_room(self->mount->space, topic))) {
		return;
	}
	if (!may_speak_of(peer, topic)) {
		return;
	}
	DL_COUNT2(peer->seats, seat, seats, seat_next);
	switch (seats < TOPICS_MAX ? take_seat(peer, topic) : -ENOSPC) {
	case 0:
		break;
	case -ENOSPC:
		/* Closed, it would be back at once, for ever; told, it would not understand. */
		meter_add(METER_TOPICS_REFUSED, seats >= TOPICS_MAX);
		self->turned_away = true;
		break;
	default:
		hub_close(peer, 1011, "out of memory");
	}
}

static void unsubscribe(struct peer *peer, const char *topic)
{
	struct subscriber *self = peer->state_of_dialect;
	struct member *seat = find_seat(peer, hub_room(self->mount->space, topic));

	if (seat) {
		leave(seat, EVENT_BYE);
	}
}

static void each_topic(struct peer *peer, const struct json_value *topics,
	void (*act)(struct peer *peer, const char *topic))
{
	char topic[HUB_NAME_MAX + 1];
	struct json_value item = {0};

	for (int i = 0; i < TOPICS_MAX && json_next(topics, &item); i++) {
		if (json_decode(&item, topic, sizeof(topic)) > 0) {
			act(peer, topic);
		}
		if (peer->state != PEER_OPEN) {
			return;
		}
	}
}

/* Only `clients` is written anew: a number or a text printed again is not always the same. */
static void relay(struct room *room, const char *data, size_t len, const struct json_value *clients)
{
	size_t head, tail; /* the bytes before `clients`, and where those behind it begin */
	bool there = clients->kind != JSON_ABSENT;
	struct iovec parts[3];
	char number[40];

	if (there) {
		head = (size_t)(clients->at - data);
		tail = head + clients->len;
	} else {
		head = len - 1;
		while (data[head] != '}') {
			head--; /* white space */
		}
		tail = head;
	}
	snprintf(number, sizeof(number), "%s%zu", there ? "" : ",\"clients\":", room->count);
	parts[0] = PART_BYTES(data, head);
	parts[1] = PART_OF(number);
	parts[2] = PART_BYTES(data + tail, len - tail);
	hub_publish_text(room, parts, 3, NULL);
}

static void publish(
	struct peer *peer, const char *data, size_t len, const struct json_member *members)
{
	const struct subscriber *self = peer->state_of_dialect;
	char topic[HUB_NAME_MAX + 1];
	struct room *room;

	if (json_decode(&members[TOPIC].value, topic, sizeof(topic)) < 1 ||
		!may_speak_of(peer, topic)) {
		return;
	}
	room = hub_room(self->mount->space, topic);
	/* Who cannot hear the answers must not be called: each call would take one of the few
	 * places that a client has for other clients. */
	if (room && (!self->turned_away || find_seat(peer, room))) {
		relay(room, data, len, &members[CLIENTS].value);
	}
}

static void answer_ping(struct peer *peer)
{
	hub_send_text(peer, &PART("{\"type\":\"pong\"}"), 1);
}

static void y_webrtc_message(struct peer *peer, const char *data, size_t len, bool binary)
{
	struct json_member members[MEMBERS] = {
		[TYPE].name = "type",
		[TOPICS].name = "topics",
		[TOPIC].name = "topic",
		[CLIENTS].name = "clients",
	};
	const struct json_value *type = &members[TYPE].value;

	(void)binary; /* JSON is read from both, and goes out as text */
	/* The protocol has no word for an error: what it does not know is passed over. */
	if (json_scan(data, len, members, MEMBERS) != JSON_OK) {
		return;
	}
	if (json_equals(type, "publish")) {
		publish(peer, data, len, members);
	} else if (json_equals(type, "subscribe")) {
		each_topic(peer, &members[TOPICS].value, subscribe);
	} else if (json_equals(type, "unsubscribe")) {
		each_topic(peer, &members[TOPICS].value, unsubscribe);
	} else if (json_equals(type, "ping")) {
		answer_ping(peer);
	}
}

#ifdef NAKODO_AUDIT
void y_webrtc_topic_audit(const struct room *room, struct audit *audit)
{
	const struct share *share = room->state_of_dialect;

	audit_bytes(audit, MEMORY_ROOMS, share ? share_size(share) : 0);
	if (share && share->used != room->count) {
		audit_fault(audit, "a topic counts %zu subscribers and has %zu", share->used,
			room->count);
	}
}
#endif

const struct dialect dialect_y_webrtc = {
	.name = "y-webrtc",
	.room_in_message = true,
	.start = y_webrtc_start,
	.http = y_webrtc_http,
	.open = y_webrtc_open,
	.message = y_webrtc_message,
	.close = y_webrtc_close,
};
