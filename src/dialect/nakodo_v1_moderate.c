/* nakodo_v1_moderate: see the header. */
#include "nakodo/dialect/nakodo_v1_moderate.h"

#include <utlist.h>

#include "nakodo/base/meter.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/nakodo_v1_journal.h"
#include "nakodo/dialect/nakodo_v1_seat.h"
#include "nakodo/service/grant.h"

#define KICKED 4403

bool nakodo_v1_is_locked(const struct room *room)
{
	return room && nakodo_v1_seat_of(room->members)->locked;
}

bool nakodo_v1_is_moderator(const struct grant *grant)
{
	return grant && grant->can & GRANT_MODERATE;
}

static bool may_lock(const struct grant *grant)
{
	return !grant || nakodo_v1_is_moderator(grant);
}

void nakodo_v1_moderate_print(const struct nakodo_v1_seat *seat, struct text *out)
{
	const struct grant *grant = seat->peer->grant;

	text_print(out, "\"locked\":%s,\"can\":[%s%s]",
		nakodo_v1_is_locked(seat->member->room) ? "true" : "false",
		may_lock(grant) ? "\"lock\"" : "",
		nakodo_v1_is_moderator(grant) ? ",\"kick\"" : "");
}

static struct nakodo_v1_fault forbidden(const char *message)
{
	meter_add(METER_MODERATION_REFUSED, 1);
	return (struct nakodo_v1_fault){"forbidden", message};
}

/* Not numbered: behind `resumed`, which says how it is now, an older one would come too late. */
static void set_lock(const struct room *room, const struct member *by, bool locked)
{
	const struct iovec parts[] = {
		PART("{\"type\":\"lock\",\"locked\":"),
		locked ? PART("true") : PART("false"),
		by ? PART(",\"by\":\"") : PART(""),
		by ? PART_OF(by->id) : PART(""),
		by ? PART("\"}") : PART("}"),
	};
	struct member *member;
	struct message message;

	nakodo_v1_seat_of(room->members)->locked = locked;
	message_init(&message, parts, sizeof(parts) / sizeof(*parts), false, true);
	DL_FOREACH (room->members, member) {
		struct nakodo_v1_seat *seat = nakodo_v1_seat_of(member);

		nakodo_v1_journal_note(seat);
		if (seat->peer) {
			hub_send_frame(seat->peer, message_frame(&message, FRAME_AS_SENT));
		}
	}
	message_finish(&message);
}

struct nakodo_v1_fault nakodo_v1_moderate_lock(const struct nakodo_v1_call *call)
{
	const struct json_value *locked = &call->members[CALL_LOCKED].value;
	const struct nakodo_v1_seat *seat = call->seat;

	if (locked->kind != JSON_BOOL) {
		return nakodo_v1_bad_message("The member locked must be true or false.");
	}
	if (!may_lock(seat->peer->grant)) {
		return forbidden("Only a moderator may lock this room.");
	}
	set_lock(seat->member->room, seat->member, *locked->at == 't');
	return (struct nakodo_v1_fault){0};
}

void nakodo_v1_moderate_set(struct room *room, bool locked)
{
	set_lock(room, NULL, locked);
}

static void remove_seat(struct nakodo_v1_seat *seat, const char *message)
{
	struct peer *connection = seat->peer;

	nakodo_v1_seat_leave(seat, "kicked", 0);
	if (connection) {
		nakodo_v1_refuse(connection, "kicked", message, KICKED);
	}
}

void nakodo_v1_moderate_remove(struct peer *peer)
{
	struct nakodo_v1_seat *seat = nakodo_v1_seat_at(peer);

	if (seat) {
		remove_seat(seat, "An administrator has removed you from this room.");
	}
}

struct nakodo_v1_fault nakodo_v1_moderate_kick(
	const struct nakodo_v1_call *call, struct nakodo_v1_seat *peer)
{
	if (call->members[CALL_TO].value.kind != JSON_STRING) {
		return nakodo_v1_bad_message("The member to must say who is kicked.");
	}
	if (!nakodo_v1_is_moderator(call->seat->peer->grant)) {
		return forbidden("Only a moderator may kick.");
	}
	if (!peer) {
		return nakodo_v1_unknown_peer();
	}
	if (peer == call->seat) { /* which is still needed by who called us */
		return nakodo_v1_bad_message("Nobody kicks oneself; say bye.");
	}
	meter_add(METER_KICKED, 1);
	remove_seat(peer, "A moderator has removed you from this room.");
	return (struct nakodo_v1_fault){0};
}
