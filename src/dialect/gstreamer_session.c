/* gstreamer_session: starts and ends sessions and passes on what is said in them. See the header.
 */
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/json.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/gstreamer.h"

#define PREFIX "session "
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define STARTER "starter" /* the seat of who asked for the session */

/* Sessions that one peer may ask for, and that two may have with each other; who is asked has no
 * bound of its own, since a producer with many viewers is what this is for. All of them may end at
 * once, so a few peers must not make many. */
#define STARTED_MAX 64
#define PAIR_MAX 4

struct session_name {
	char text[PREFIX_LEN + IDS_UUID];
};

static const char *id_of(const struct room *session)
{
	return session->name + PREFIX_LEN;
}

static bool is_session(const struct room *room)
{
	return !strncmp(room->name, PREFIX, PREFIX_LEN);
}

static bool is_producer(const struct member *seat)
{
	return seat == seat->room->members;
}

static struct member *other_seat(const struct member *seat)
{
	return is_producer(seat) ? seat->next : seat->room->members;
}

static struct gstreamer_peer *who(const struct member *seat)
{
	return seat->peer->state_of_dialect;
}

/* The peer's seat in the session that the message names. NULL: there is no such session, which is
 * no fault since both sides may end it at once; or it is not the peer's, which is. */
static struct member *find_seat(const struct gstreamer_peer *self, const struct json_value *id)
{
	struct session_name name = {PREFIX};
	struct room *session;

	if (json_decode(id, name.text + PREFIX_LEN, sizeof(name.text) - PREFIX_LEN) < 0) {
		return NULL;
	}
	session = hub_room(self->mount->space, name.text);
	if (!session) {
		return NULL;
	}
	if (session->members->peer == self->peer) {
		return session->members;
	}
	if (session->members->next->peer == self->peer) {
		return session->members->next;
	}
	gstreamer_error(self, "Peer %s is not part of %s", self->id, id_of(session));
	return NULL;
}

static void announce(const struct gstreamer_peer *producer, const struct gstreamer_peer *consumer,
	const char *session, const struct json_value *offer)
{
	const struct iovec started[] = {
		PART("{\"type\":\"sessionStarted\",\"peerId\":\""),
		PART_OF(producer->id),
		PART("\",\"sessionId\":\""),
		PART_OF(session),
		PART("\"}"),
	};
	const struct iovec start[] = {
		PART("{\"type\":\"startSession\",\"peerId\":\""),
		PART_OF(consumer->id),
		PART("\",\"sessionId\":\""),
		PART_OF(session),
		PART("\",\"offer\":"),
		offer->kind == JSON_STRING ? PART_BYTES(offer->at, offer->len) : PART("null"),
		PART("}"),
	};

	hub_send_text(consumer->peer, started, sizeof(started) / sizeof(*started));
	hub_send_text(producer->peer, start, sizeof(start) / sizeof(*start));
}

static int count_sessions(const struct gstreamer_peer *self, const struct gstreamer_peer *other)
{
	const struct member *seat;
	int count = 0;

	DL_FOREACH2(self->peer->seats, seat, seat_next)
	{
		count += is_session(seat->room) && other_seat(seat)->peer == other->peer;
	}
	return count;
}

static void start(struct gstreamer_peer *self, const struct gstreamer_peer *producer,
	const struct gstreamer_peer *consumer, const struct json_value *offer)
{
	struct hub_space *space = self->mount->space;
	struct session_name name = {PREFIX};
	struct member *first = NULL;

	ids_uuid(name.text + PREFIX_LEN);
	/* The producer first: other functions here know it by that. */
	if (hub_join(space, name.text, producer->peer, self == producer ? STARTER : NULL, &first) ||
		hub_join(space, name.text, consumer->peer, self == consumer ? STARTER : NULL,
			NULL)) {
		if (first) {
			hub_leave(first);
		}
		hub_close(self->peer, 1011, "out of memory");
		return;
	}
	self->started++;
	announce(producer, consumer, name.text + PREFIX_LEN, offer);
}

void gstreamer_session_start(struct gstreamer_peer *self, const struct gstreamer_call *call)
{
	const struct json_value *offer = &call->members[GSTREAMER_OFFER].value;
	const struct json_value *wanted = &call->members[GSTREAMER_PEER_ID].value;
	char id[HUB_NAME_MAX + 1];
	const struct member *seat;
	const struct gstreamer_peer *other;

	if (wanted->kind != JSON_STRING ||
		(offer->kind != JSON_ABSENT && offer->kind != JSON_NULL &&
			(offer->kind != JSON_STRING || !json_is_portable(offer)))) {
		return;
	}
	if (json_decode(wanted, id, sizeof(id)) < 0) {
		snprintf(id, sizeof(id), "(too long)");
	}
	seat = hub_find(hub_room(self->mount->space, GSTREAMER_PEERS), id);
	other = seat ? who(seat) : NULL;
	if (!other) {
		gstreamer_error(self, "Peer with ID '%s' not found", id);
	} else if (other == self) {
		gstreamer_error(self, "Peer %s cannot have a session with itself", id);
	} else if (self->started >= STARTED_MAX) {
		gstreamer_error(self, "Peer %s has %d sessions already", self->id, STARTED_MAX);
	} else if (count_sessions(self, other) >= PAIR_MAX) {
		gstreamer_error(self, "Peers %s and %s have %d sessions already", self->id,
			other->id, PAIR_MAX);
	} else if (other->seats[GSTREAMER_PRODUCER]) {
		start(self, other, self, offer);
	} else if (other->seats[GSTREAMER_CONSUMER]) {
		start(self, self, other, offer);
	} else {
		gstreamer_error(self, "Missing a producer or a consumer: peer %s is neither", id);
	}
}

static bool is_sdp(const struct json_value *value, bool *ret_offer)
{
	struct json_member members[] = {{.name = "type"}, {.name = "sdp"}};

	if (json_scan(value->at, value->len, members, 2) != JSON_OK ||
		members[1].value.kind != JSON_STRING) {
		return false;
	}
	*ret_offer = json_equals(&members[0].value, "offer");
	return *ret_offer || json_equals(&members[0].value, "answer");
}

/* Native clients take any other as a fault of the whole pipeline, and browsers may leave the index
 * out. */
static bool is_candidate(const struct json_value *value)
{
	struct json_member members[] = {{.name = "candidate"}, {.name = "sdpMLineIndex"}};
	const struct json_value *index = &members[1].value;

	return json_scan(value->at, value->len, members, 2) == JSON_OK &&
	       members[0].value.kind == JSON_STRING && index->kind == JSON_NUMBER &&
	       strspn(index->at, "0123456789") == index->len && index->len < 10;
}

void gstreamer_session_pass_on(struct gstreamer_peer *self, const struct gstreamer_call *call)
{
	const struct json_value *sdp = &call->members[GSTREAMER_SDP].value;
	const struct json_value *ice = &call->members[GSTREAMER_ICE].value;
	const struct json_value all = {call->data, call->len, JSON_OBJECT};
	const struct member *seat;
	bool offer = false;

	/* One of the two: a reader that sees both could take either. */
	if (sdp->kind == JSON_ABSENT ? ice->kind == JSON_ABSENT || !is_candidate(ice)
				     : ice->kind != JSON_ABSENT || !is_sdp(sdp, &offer)) {
		return;
	}
	if (!json_is_portable(&all)) {
		return;
	}
	seat = find_seat(self, &call->members[GSTREAMER_SESSION_ID].value);
	if (!seat) {
		return;
	}
	if (offer && !is_producer(seat)) {
		gstreamer_error(self,
			"cannot forward offer from \"%s\" to \"%s\" as \"%s\" is not the producer",
			self->id, who(other_seat(seat))->id, self->id);
		return;
	}
	hub_send_text(other_seat(seat)->peer, &PART_BYTES(call->data, call->len), 1);
}

/* `error` NULL or not a string: without one. */
static void end(struct member *seat, const struct json_value *error)
{
	struct member *other = other_seat(seat);
	bool v1_1 = who(other)->v1_1;
	const struct iovec parts[] = {
		v1_1 ? PART("{\"type\":\"endSessionV1_1\",\"sessionId\":\"")
		     : PART("{\"type\":\"endSession\",\"sessionId\":\""),
		PART_OF(id_of(seat->room)),
		v1_1 ? PART("\",\"error\":") : PART("\"}"),
		error && error->kind == JSON_STRING ? PART_BYTES(error->at, error->len)
						    : PART("null"),
		PART("}"),
	};

	hub_send_text(other->peer, parts, v1_1 ? 5 : 3);
	who(seat->id ? seat : other)->started--;
	hub_leave(seat);
	hub_leave(other);
}

void gstreamer_session_end(struct gstreamer_peer *self, const struct gstreamer_call *call)
{
	const struct json_value *error = &call->members[GSTREAMER_ERROR].value;
	bool plain = json_equals(&call->members[GSTREAMER_TYPE].value, "endSession");
	struct member *seat;

	if (!plain && error->kind != JSON_ABSENT && error->kind != JSON_NULL &&
		(error->kind != JSON_STRING || !json_is_portable(error))) {
		return;
	}
	seat = find_seat(self, &call->members[GSTREAMER_SESSION_ID].value);
	if (!seat) {
		return;
	}
	if (!plain && error->kind == JSON_STRING && !self->v1_1) {
		gstreamer_error(self, "Peer %s has not chosen the protocol version v1_1", self->id);
		return;
	}
	end(seat, plain ? NULL : error);
}

void gstreamer_session_end_all(struct gstreamer_peer *self, enum gstreamer_role role)
{
	struct member *seat, *next;

	DL_FOREACH_SAFE2(self->peer->seats, seat, next, seat_next)
	{
		if (is_session(seat->room) && is_producer(seat) == (role == GSTREAMER_PRODUCER)) {
			end(seat, NULL);
		}
	}
}
