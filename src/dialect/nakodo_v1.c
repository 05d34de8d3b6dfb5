/*
 * nakodo.v1: the protocol of our own. A connection is one participant in one room; what is not for
 * us goes byte for byte to one other or to all, with the sender's id in it; and a connection that
 * is lost loses nothing. docs/protocols/nakodo.v1.md is the page for users.
 *
 * Reads messages and close codes. The rest is in the files that the header names.
 */
#include "nakodo/dialect/nakodo_v1.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/json.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/nakodo_v1_history.h"
#include "nakodo/dialect/nakodo_v1_mount.h"
#include "nakodo/dialect/nakodo_v1_place.h"
#include "nakodo/dialect/nakodo_v1_saved.h"
#include "nakodo/dialect/nakodo_v1_shed.h"

#define ACK_DELAY 1000 /* ms, after the first message that is not acknowledged */
#define RELOAD_WAIT 5000 /* ms, for a tab that was closed or is reloading */
#define BYE 1000
#define GOING_AWAY 1001

enum { TYPE, TO, FROM, N, T, TEXT, NAME, META, MEMBERS };

/* One message from a client. */
struct call {
	struct nakodo_v1_seat *seat;
	const char *data; /* from its { on */
	size_t len;
	struct json_member *members;
};

/* What is wrong with a message; `code` NULL: nothing. */
struct fault {
	const char *code, *message;
};

static const struct fault no_fault;

static struct fault bad_message(const char *message)
{
	return (struct fault){"bad-message", message};
}

/* Of the message that is being read, which is counted when it is done. `to` is JSON as it came, or
 * NULL. */
static void send_error(
	struct nakodo_v1_seat *seat, const struct fault *fault, const struct json_value *to)
{
	bool echo = to && to->kind == JSON_STRING && to->len <= HUB_NAME_MAX;
	char n[32];
	int len = snprintf(n, sizeof(n), "%" PRIu64, seat->session.received + 1);
	const struct iovec parts[] = {
		PART("{\"type\":\"error\",\"code\":\""),
		PART_OF(fault->code),
		PART("\",\"message\":\""),
		PART_OF(fault->message),
		PART("\",\"n\":"),
		{n, (size_t)len},
		echo ? PART(",\"to\":") : PART(""),
		echo ? (struct iovec){(void *)to->at, to->len} : PART(""),
		PART("}"),
	};

	meter_add(METER_MESSAGES_WRONG, 1);
	nakodo_v1_seat_send(seat, parts, sizeof(parts) / sizeof(*parts));
}

static bool is_reserved(const struct json_value *type)
{
	static const char *const names[] = {"welcome", "resumed", "peer-joined", "peer-left",
		"peer-away", "peer-back", "peer-updated", "ice", "error", "pong", "closing",
		"token", "kick", "kicked", "lock"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (json_equals(type, names[i])) {
			return true;
		}
	}
	return false;
}

/* NULL: nobody of that id is in the room. */
static struct nakodo_v1_seat *find_peer(const struct call *call)
{
	char id[NAKODO_V1_ID];
	struct member *member = NULL;

	if (json_decode(&call->members[TO].value, id, sizeof(id)) > 0) {
		member = hub_find(call->seat->member->room, id);
	}
	return member ? nakodo_v1_seat_of(member) : NULL;
}

static void pass(struct nakodo_v1_seat *seat, struct nakodo_v1_seat *peer, struct message *message)
{
	static const struct fault busy = {
		"peer-busy", "That peer is away, and enough is waiting for it."};
	char quoted[NAKODO_V1_ID + JSON_QUOTE_EXTRA];
	struct json_value to = {.kind = JSON_STRING, .at = quoted};

	if (!nakodo_v1_seat_pass(seat, peer, message)) {
		meter_add(METER_PEER_BUSY, 1);
		to.len = (size_t)snprintf(quoted, sizeof(quoted), "\"%s\"", peer->member->id);
		send_error(seat, &busy, &to);
	}
}

static void pass_to_all(struct nakodo_v1_seat *seat, struct message *message)
{
	struct member *member;

	DL_FOREACH (seat->member->room->members, member) {
		if (member != seat->member) {
			pass(seat, nakodo_v1_seat_of(member), message);
		}
	}
}

static struct fault relay(const struct call *call)
{
	const struct json_value *to = &call->members[TO].value;
	const struct iovec parts[] = {
		PART("{\"from\":\""),
		PART_OF(call->seat->member->id),
		PART("\","),
		{(void *)(call->data + 1), call->len - 1},
	};
	struct nakodo_v1_seat *peer = NULL;
	struct message message;

	if (to->kind != JSON_ABSENT) {
		peer = find_peer(call);
		if (!peer) {
			return (struct fault){
				"unknown-peer", "There is no such peer in this room."};
		}
	}
	message_init(&message, parts, 4, false, true);
	if (peer) {
		pass(call->seat, peer, &message);
	} else {
		pass_to_all(call->seat, &message);
	}
	message_finish(&message);
	return no_fault;
}

static struct fault chat(const struct call *call)
{
	const struct json_value *text = &call->members[TEXT].value;

	if (text->kind != JSON_STRING) {
		return bad_message("A chat message needs the string text.");
	}
	if (call->members[TO].value.kind == JSON_ABSENT) {
		if (!json_is_portable(text)) {
			return bad_message(
				"The text has half of a surrogate pair or the character U+0000.");
		}
		nakodo_v1_history_add(call->seat, text->at, text->len);
	}
	return relay(call);
}

/* It goes to the participant too, who learns by it that its update was taken. */
static void publish_update(struct nakodo_v1_seat *seat)
{
	struct text text = {0};
	struct iovec part;

	text_add(&text, "{\"type\":\"peer-updated\",\"peer\":{");
	nakodo_v1_seat_print(seat, &text);
	text_add(&text, "}}");
	part.iov_base = text_take(&text, &part.iov_len);
	if (part.iov_base) {
		nakodo_v1_seat_publish(seat, NAKODO_V1_UPDATED, &part, 1);
		nakodo_v1_seat_send(seat, &part, 1);
		free(part.iov_base);
	}
}

static void replace(char **text, const char *by, size_t len)
{
	char *copy = strndup(by, len);

	if (copy) {
		free(*text);
		*text = copy;
	}
}

static struct fault update(const struct call *call)
{
	const struct json_value *meta = &call->members[META].value;
	const struct json_value *given = &call->members[NAME].value;
	char name[HUB_NAME_MAX + 1], quoted[JSON_QUOTED(HUB_NAME_MAX)];

	if (given->kind != JSON_ABSENT &&
		(json_decode(given, name, sizeof(name)) < 1 || !nakodo_v1_is_name(name))) {
		return bad_message("A name has 1 to 128 bytes of UTF-8 without control "
				   "characters and slashes.");
	}
	if (meta->kind != JSON_ABSENT && meta->kind != JSON_OBJECT) {
		return bad_message("The member meta must be an object.");
	}
	if (meta->len > call->seat->mount->mount->env->options->max_meta) {
		return bad_message("The member meta is too long.");
	}
	if (!json_is_portable(meta)) {
		return bad_message("The member meta has half of a surrogate pair, the character "
				   "U+0000 or a number that is too large.");
	}
	if (given->kind != JSON_ABSENT) {
		json_quote(name, quoted, sizeof(quoted));
		replace(&call->seat->name, quoted, strlen(quoted));
	}
	if (meta->kind != JSON_ABSENT) {
		replace(&call->seat->meta, meta->at, meta->len);
	}
	nakodo_v1_seat_count(call->seat);
	publish_update(call->seat);
	return no_fault;
}

/* A count that fits into a JSON number without loss. */
static bool read_count(const struct json_value *value, uint64_t *ret)
{
	uint64_t count = 0;

	if (value->kind != JSON_NUMBER || value->len > 16) {
		return false;
	}
	for (size_t i = 0; i < value->len; i++) {
		if (value->at[i] < '0' || value->at[i] > '9') {
			return false;
		}
		count = count * 10 + (uint64_t)(value->at[i] - '0');
	}
	*ret = count;
	return true;
}

static void pong(const struct call *call)
{
	const struct json_value *t = &call->members[T].value;
	const struct iovec parts[] = {
		PART("{\"type\":\"pong\""),
		t->kind == JSON_ABSENT ? PART("") : PART(",\"t\":"),
		{(void *)t->at, t->len},
		PART("}"),
	};

	nakodo_v1_seat_tell(call->seat, parts, 4);
}

/* The messages that are not numbered; false: it is none of them, or not well-formed. */
static bool take_unnumbered(const struct call *call)
{
	const struct json_value *type = &call->members[TYPE].value;
	uint64_t n;

	if (json_equals(type, "ping")) {
		pong(call);
		return true;
	}
	if (json_equals(type, "bye")) {
		nakodo_v1_seat_leave(call->seat, "bye", BYE);
		return true;
	}
	if (json_equals(type, "ack") && read_count(&call->members[N].value, &n) &&
		!session_ack(&call->seat->session, n)) {
		nakodo_v1_seat_confirm(call->seat);
		return true;
	}
	return false;
}

static struct fault take_numbered(const struct call *call)
{
	const struct json_value *type = &call->members[TYPE].value;
	const struct json_value *to = &call->members[TO].value;

	if (to->kind != JSON_ABSENT && to->kind != JSON_STRING) {
		return bad_message("The member to must be a string.");
	}
	if (is_reserved(type)) {
		return bad_message("Only the server sends messages of this type.");
	}
	if (json_equals(type, "ack")) {
		return bad_message("The member n must be a count of messages that were sent.");
	}
	if (json_equals(type, "update")) {
		return update(call);
	}
	return json_equals(type, "chat") ? chat(call) : relay(call);
}

static struct fault fault_of_scan(enum json_result result, const struct json_member *members)
{
	switch (result) {
	case JSON_BAD:
		return (struct fault){"bad-json", "A message is one complete JSON value."};
	case JSON_NOT_OBJECT:
		return bad_message("A message is a JSON object.");
	case JSON_DOUBLED:
		return bad_message("A member stands twice.");
	case JSON_OK:
		break;
	}
	if (members[TYPE].value.kind != JSON_STRING) {
		return bad_message("A message needs the string type.");
	}
	if (members[FROM].value.kind != JSON_ABSENT) {
		return bad_message("Who a message is from is said by the server.");
	}
	return no_fault;
}

static void on_ack(struct wheel_timer *timer)
{
	size_t offset = offsetof(struct nakodo_v1_seat, ack);

	nakodo_v1_seat_ack((void *)((char *)timer - offset));
}

static void count(struct nakodo_v1_seat *seat)
{
	if (session_receive(&seat->session)) {
		nakodo_v1_seat_ack(seat);
	} else if (!seat->ack.at) {
		hub_set_timer(seat->mount->hub, &seat->ack, ACK_DELAY, on_ack);
	}
}

static void v1_message(struct peer *peer, const char *data, size_t len, bool binary)
{
	struct json_member members[MEMBERS] = {
		[TYPE].name = "type",
		[TO].name = "to",
		[FROM].name = "from",
		[N].name = "n",
		[T].name = "t",
		[TEXT].name = "text",
		[NAME].name = "name",
		[META].name = "meta",
	};
	struct nakodo_v1_seat *seat = peer->state_of_dialect;
	struct call call = {seat, data, len, members};
	struct fault fault = {"not-text", "A message is a text frame."};
	const struct json_value *to = NULL;

	if (!seat) {
		return;
	}
	if (!binary) {
		fault = fault_of_scan(json_scan(data, len, members, MEMBERS), members);
		if (!fault.code && take_unnumbered(&call)) {
			return;
		}
	}
	if (!fault.code) {
		call.data = memchr(data, '{', len); /* there may be white space before it */
		call.len = len - (size_t)(call.data - data);
		fault = take_numbered(&call);
		to = &members[TO].value;
	}
	if (fault.code) {
		send_error(seat, &fault, to);
	}
	count(seat);
}

static void v1_closing(struct peer *peer, const char *reason, uint64_t retry_after)
{
	struct nakodo_v1_seat *seat = peer->state_of_dialect;
	char seconds[32];
	struct iovec parts[] = {
		PART("{\"type\":\"closing\",\"reason\":\""),
		PART_OF(reason),
		PART("\",\"retryAfter\":"),
		{seconds, 0},
		PART("}"),
	};

	if (seat) {
		parts[3].iov_len = (size_t)snprintf(seconds, sizeof(seconds),
			"%" PRIu64 ".%" PRIu64, retry_after / 1000, retry_after / 100 % 10);
		nakodo_v1_seat_tell(seat, parts, 5);
	}
}

static bool ends_session(unsigned code)
{
	switch (code) {
	case BYE:
	case 1007:
	case 1009:
	case 4400:
	case 4401:
	case 4403:
	case 4413:
		return true;
	default:
		return false;
	}
}

static void v1_close(struct peer *peer)
{
	struct nakodo_v1_seat *seat = peer->state_of_dialect;
	bool theirs = peer->state == PEER_GONE; /* else we close it */

	if (!seat) {
		return;
	}
	if (ends_session(peer->close_code)) {
		nakodo_v1_seat_leave(seat, peer->close_code == BYE ? "bye" : "gone", 0);
	} else if (theirs && peer->close_code == GOING_AWAY) {
		nakodo_v1_seat_detach(seat, RELOAD_WAIT);
	} else {
		nakodo_v1_seat_detach(
			seat, seat->mount->mount->env->options->resume_seconds * 1000);
	}
}

const struct dialect dialect_nakodo_v1 = {
	.name = "nakodo.v1",
	.room_in_path = true,
	.subprotocol = "nakodo.v1",
	.match = nakodo_v1_mount_match,
	.start = nakodo_v1_mount_start,
	.adapt = nakodo_v1_mount_adapt,
	.stop = nakodo_v1_mount_stop,
	.http = nakodo_v1_http,
	.is_awaited = nakodo_v1_is_awaited,
	.weigh = nakodo_v1_weigh,
	.shed = nakodo_v1_shed,
	.give_way = nakodo_v1_give_way,
	.kept = nakodo_v1_kept,
	.forsake = nakodo_v1_forsake,
	.save = nakodo_v1_save,
	.restore = nakodo_v1_restore,
	.forget = nakodo_v1_forget,
	.open = nakodo_v1_join,
	.message = v1_message,
	.closing = v1_closing,
	.close = v1_close,
};
