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
#include "nakodo/dialect/nakodo_v1_call.h"
#include "nakodo/dialect/nakodo_v1_history.h"
#include "nakodo/dialect/nakodo_v1_join.h"
#include "nakodo/dialect/nakodo_v1_journal.h"
#include "nakodo/dialect/nakodo_v1_moderate.h"
#include "nakodo/dialect/nakodo_v1_mount.h"
#include "nakodo/dialect/nakodo_v1_place.h"
#include "nakodo/dialect/nakodo_v1_record.h"
#include "nakodo/dialect/nakodo_v1_saved.h"
#include "nakodo/dialect/nakodo_v1_seat.h"
#include "nakodo/dialect/nakodo_v1_shed.h"
#include "nakodo/dialect/nakodo_v1_token.h"

#define ACK_DELAY 1000 /* ms, after the first message that is not acknowledged */
#define RELOAD_WAIT 5000 /* ms, for a tab that was closed or is reloading */
#define BYE 1000
#define GOING_AWAY 1001
#define FORBIDDEN 4403

static const struct nakodo_v1_fault no_fault;

/* Of the message that is being read, which is counted when it is done. `to` is JSON as it came, or
 * NULL. */
static void send_error(struct nakodo_v1_seat *seat, const struct nakodo_v1_fault *fault,
	const struct json_value *to)
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
		"token", "kicked"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (json_equals(type, names[i])) {
			return true;
		}
	}
	return false;
}

/* NULL: nobody of that id is in the room. */
static struct nakodo_v1_seat *find_peer(const struct nakodo_v1_call *call)
{
	char id[NAKODO_V1_ID];
	struct member *member = NULL;

	if (json_decode(&call->members[CALL_TO].value, id, sizeof(id)) > 0) {
		member = hub_find(call->seat->member->room, id);
	}
	return member ? nakodo_v1_seat_of(member) : NULL;
}

static void pass(struct nakodo_v1_seat *seat, struct nakodo_v1_seat *peer, struct message *message)
{
	static const struct nakodo_v1_fault busy = {
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

static struct nakodo_v1_fault relay(const struct nakodo_v1_call *call)
{
	const struct json_value *to = &call->members[CALL_TO].value;
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
			return nakodo_v1_unknown_peer();
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

static struct nakodo_v1_fault chat(const struct nakodo_v1_call *call)
{
	const struct json_value *text = &call->members[CALL_TEXT].value;

	if (text->kind != JSON_STRING) {
		return nakodo_v1_bad_message("A chat message needs the string text.");
	}
	if (call->members[CALL_TO].value.kind == JSON_ABSENT) {
		if (!json_is_portable(text)) {
			return nakodo_v1_bad_message(
				"The text has half of a surrogate pair or the character U+0000.");
		}
		nakodo_v1_history_add(call->seat, text->at, text->len);
	}
	return relay(call);
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

static void pong(const struct nakodo_v1_call *call)
{
	const struct json_value *t = &call->members[CALL_T].value;
	const struct iovec parts[] = {
		PART("{\"type\":\"pong\""),
		t->kind == JSON_ABSENT ? PART("") : PART(",\"t\":"),
		{(void *)t->at, t->len},
		PART("}"),
	};

	nakodo_v1_seat_tell(call->seat, parts, 4);
}

/* The messages that are not numbered; false: it is none of them, or not well-formed. */
static bool take_unnumbered(const struct nakodo_v1_call *call)
{
	const struct json_value *type = &call->members[CALL_TYPE].value;
	uint64_t n;

	if (json_equals(type, "ping")) {
		pong(call);
		return true;
	}
	if (json_equals(type, "bye")) {
		nakodo_v1_seat_leave(call->seat, "bye", BYE);
		return true;
	}
	if (nakodo_v1_token_take(call)) {
		return true;
	}
	if (json_equals(type, "ack") && read_count(&call->members[CALL_N].value, &n) &&
		!session_ack(&call->seat->session, n)) {
		nakodo_v1_journal_note(call->seat);
		nakodo_v1_seat_confirm(call->seat);
		return true;
	}
	return false;
}

static struct nakodo_v1_fault take_numbered(const struct nakodo_v1_call *call)
{
	const struct json_value *type = &call->members[CALL_TYPE].value;
	const struct json_value *to = &call->members[CALL_TO].value;

	if (to->kind != JSON_ABSENT && to->kind != JSON_STRING) {
		return nakodo_v1_bad_message("The member to must be a string.");
	}
	if (is_reserved(type)) {
		return nakodo_v1_bad_message("Only the server sends messages of this type.");
	}
	if (json_equals(type, "ack")) {
		return nakodo_v1_bad_message(
			"The member n must be a count of messages that were sent.");
	}
	if (json_equals(type, "update")) {
		return nakodo_v1_self_update(call);
	}
	if (json_equals(type, "lock")) {
		return nakodo_v1_moderate_lock(call);
	}
	if (json_equals(type, "kick")) {
		return nakodo_v1_moderate_kick(call, find_peer(call));
	}
	return json_equals(type, "chat") ? chat(call) : relay(call);
}

static struct nakodo_v1_fault fault_of_scan(
	enum json_result result, const struct json_member *members)
{
	switch (result) {
	case JSON_BAD:
		return (struct nakodo_v1_fault){
			"bad-json", "A message is one complete JSON value."};
	case JSON_NOT_OBJECT:
		return nakodo_v1_bad_message("A message is a JSON object.");
	case JSON_DOUBLED:
		return nakodo_v1_bad_message("A member stands twice.");
	case JSON_OK:
		break;
	}
	if (members[CALL_TYPE].value.kind != JSON_STRING) {
		return nakodo_v1_bad_message("A message needs the string type.");
	}
	if (members[CALL_FROM].value.kind != JSON_ABSENT) {
		return nakodo_v1_bad_message("Who a message is from is said by the server.");
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
	nakodo_v1_journal_note(seat);
	if (session_receive(&seat->session)) {
		nakodo_v1_seat_ack(seat);
	} else if (!seat->ack.at) {
		hub_set_timer(seat->mount->hub, &seat->ack, ACK_DELAY, on_ack);
	}
}

static void v1_open(struct peer *peer, const struct request *request)
{
	if (request->asks_token && !peer->grant) {
		nakodo_v1_token_await(peer, request);
	} else {
		nakodo_v1_join(peer, request);
	}
}

static bool is_asked_for(struct peer *peer, const struct request *request)
{
	const struct dialect_env *env = request->mount->env;

	return env->ask && env->ask(env->cookie, peer, request);
}

static void hear_guest(struct peer *peer, const char *data, size_t len)
{
	struct request *request = nakodo_v1_token_hear(peer, data, len);

	if (request && !is_asked_for(peer, request)) {
		nakodo_v1_join(peer, request);
	}
	free(request);
}

static void v1_refuse(struct peer *peer, unsigned code, const char *reason)
{
	char quoted[JSON_QUOTED(128)];

	json_quote(reason, quoted, sizeof(quoted));
	quoted[strlen(quoted) - 1] = '\0';
	nakodo_v1_refuse(
		peer, code == FORBIDDEN ? "not-admitted" : "unavailable", quoted + 1, code);
}

static void v1_message(struct peer *peer, const char *data, size_t len, bool binary)
{
	struct json_member members[CALL_MEMBERS] = {
		[CALL_TYPE].name = "type",
		[CALL_TO].name = "to",
		[CALL_FROM].name = "from",
		[CALL_N].name = "n",
		[CALL_T].name = "t",
		[CALL_TEXT].name = "text",
		[CALL_NAME].name = "name",
		[CALL_META].name = "meta",
		[CALL_TOKEN].name = "token",
		[CALL_LOCKED].name = "locked",
	};
	struct nakodo_v1_seat *seat = nakodo_v1_seat_at(peer);
	struct nakodo_v1_call call = {seat, data, len, members};
	struct nakodo_v1_fault fault = {"not-text", "A message is a text frame."};
	const struct json_value *to = NULL;

	if (!seat) {
		hear_guest(peer, data, len);
		return;
	}
	if (!binary) {
		fault = fault_of_scan(json_scan(data, len, members, CALL_MEMBERS), members);
		if (!fault.code && take_unnumbered(&call)) {
			return;
		}
	}
	if (!fault.code) {
		call.data = memchr(data, '{', len); /* there may be white space before it */
		call.len = len - (size_t)(call.data - data);
		fault = take_numbered(&call);
		to = &members[CALL_TO].value;
	}
	if (fault.code) {
		send_error(seat, &fault, to);
	}
	count(seat);
}

static void v1_closing(struct peer *peer, const char *reason, uint64_t retry_after)
{
	struct nakodo_v1_seat *seat = nakodo_v1_seat_at(peer);
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
	case 4403:
	case 4413:
		return true;
	default:
		return false;
	}
}

static void v1_close(struct peer *peer)
{
	struct nakodo_v1_seat *seat = nakodo_v1_seat_at(peer);
	bool theirs = peer->state == PEER_GONE; /* else we close it */

	if (!seat) {
		nakodo_v1_token_leave(peer);
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

static const struct member *v1_seat(const struct peer *peer)
{
	const struct nakodo_v1_seat *seat = nakodo_v1_seat_at(peer);

	return seat ? seat->member : NULL;
}

const struct dialect dialect_nakodo_v1 = {
	.name = "nakodo.v1",
	.room_in_path = true,
	.token_in_message = true,
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
	.seat = v1_seat,
	.kept = nakodo_v1_kept,
	.forsake = nakodo_v1_forsake,
	.kick = nakodo_v1_moderate_remove,
	.lock = nakodo_v1_moderate_set,
	.save = nakodo_v1_save,
	.restore = nakodo_v1_restore,
	.forget = nakodo_v1_forget,
	.settle = nakodo_v1_record_settle,
	.recorded = nakodo_v1_record_hear,
	.restore_room = nakodo_v1_restore_room,
	.open = v1_open,
	.refuse = v1_refuse,
	.message = v1_message,
	.renew = nakodo_v1_token_ask,
	.closing = v1_closing,
	.close = v1_close,
};
