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

#include "nakodo/base/json.h"
#include "nakodo/dialect/dialect.h"

/* Of one connection, and of one message: a page has one connection for all of its documents. */
#define TOPICS_MAX 100

enum { TYPE, TOPICS, TOPIC, CLIENTS, MEMBERS };

struct subscriber {
	struct hub_space *space;
	bool turned_away; /* once, from a topic that was full or one too many */
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
	self->space = request->mount->space;
	peer->state_of_dialect = self;
}

static void y_webrtc_close(struct peer *peer)
{
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

static void subscribe(struct peer *peer, const char *topic)
{
	struct subscriber *self = peer->state_of_dialect;
	struct member *seat;
	int seats;

	if (find_seat(peer, hub_room(self->space, topic))) {
		return;
	}
	DL_COUNT2(peer->seats, seat, seats, seat_next);
	switch (seats < TOPICS_MAX ? hub_join(self->space, topic, peer, NULL, NULL) : -ENOSPC) {
	case 0:
		break;
	case -ENOSPC:
		/* Closed, it would be back at once, for ever; told, it would not understand. */
		self->turned_away = true;
		break;
	default:
		hub_close(peer, 1011, "out of memory");
	}
}

static void unsubscribe(struct peer *peer, const char *topic)
{
	struct subscriber *self = peer->state_of_dialect;
	struct member *seat = find_seat(peer, hub_room(self->space, topic));

	if (seat) {
		hub_leave(seat);
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

	if (json_decode(&members[TOPIC].value, topic, sizeof(topic)) < 1) {
		return;
	}
	room = hub_room(self->space, topic);
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

const struct dialect dialect_y_webrtc = {
	.name = "y-webrtc",
	.start = y_webrtc_start,
	.http = y_webrtc_http,
	.open = y_webrtc_open,
	.message = y_webrtc_message,
	.close = y_webrtc_close,
};
