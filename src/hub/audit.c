/* audit: see the header. Sizes are added up anew here, not asked of those who counted them. */
#include "nakodo/hub/audit.h"

#ifdef NAKODO_AUDIT

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/hub/hub.h"
#include "nakodo/hub/press.h"

void audit_fault(struct audit *audit, const char *format, ...)
{
	va_list arguments;

	if (!*audit->first.text) {
		va_start(arguments, format);
		vsnprintf(audit->first.text, sizeof(audit->first.text), format, arguments);
		va_end(arguments);
	}
}

void audit_bytes(struct audit *audit, enum memory_kind kind, size_t bytes)
{
	audit->bytes[kind] += bytes;
}

void audit_frame(struct audit *audit, struct frame *frame)
{
	if (!frame->found++) {
		frame->next_found = audit->frames;
		audit->frames = frame;
		audit_bytes(audit, MEMORY_FRAMES, sizeof(*frame) + frame->len);
	}
}

void audit_outbox(struct audit *audit, const struct outbox *outbox)
{
	size_t bytes = 0, exempt = 0;

	for (unsigned i = 0; i < outbox->count; i++) {
		struct frame *frame = outbox_at(outbox, i);

		audit_frame(audit, frame);
		bytes += frame->len;
		exempt += i < outbox->exempt ? frame->len : 0;
	}
	audit_bytes(audit, MEMORY_FRAMES, outbox->room * sizeof(struct frame *));
	if (bytes != outbox->bytes || exempt != outbox->exempt_bytes) {
		audit_fault(audit,
			"an outbox counts %zu bytes, %zu of them exempt, and has %zu and %zu",
			outbox->bytes, outbox->exempt_bytes, bytes, exempt);
	}
}

static bool is_found(const struct room *room, const struct member *member)
{
	struct member *found;

	HASH_FIND_STR(room->ids, member->id, found);
	return found == member;
}

static void audit_member(struct audit *audit, const struct room *room, struct member *member)
{
	audit_bytes(audit, MEMORY_ROOMS,
		member->id ? sizeof(*member) + strlen(member->id) + 1
			   : offsetof(struct member, session));
	if (member->room != room || !member->peer != (member->id && member->session)) {
		audit_fault(audit, "a room lists a seat that is of another, or nobody's");
	}
	if (member->id && !is_found(room, member)) {
		audit_fault(audit, "a seat is not found by its id");
	}
	member->found = true;
	audit->seats++;
}

void audit_room(struct audit *audit, struct room *room)
{
	struct member *member;
	size_t count = 0;

	audit_bytes(audit, MEMORY_ROOMS,
		sizeof(*room) + strlen(room->name) + 1 +
			hash_size(room->ids ? room->ids->hh.tbl : NULL));
	DL_FOREACH (room->members, member) {
		audit_member(audit, room, member);
		count++;
	}
	if (!count || count != room->count) {
		audit_fault(audit, "a room counts %zu members and lists %zu", room->count, count);
	}
}

void audit_seat(struct audit *audit, struct member *seat)
{
	if (!seat->found) {
		audit_fault(audit, "a seat is in no room, or belongs to two");
	} else {
		seat->found = false;
		audit->seats--;
	}
}

static void audit_press(struct audit *audit, const struct peer *peer)
{
	const struct press *press = peer->press;
	const struct peer *sender;

	if (!press) {
		return;
	}
	audit_bytes(audit, MEMORY_CONNECTIONS, sizeof(*press));
	DL_FOREACH2(press->waiting, sender, press->next)
	{
		if (!sender->press || sender->press->behind != peer) {
			audit_fault(audit, "a peer is waited for by one that does not know");
			return;
		}
	}
}

void audit_peer(struct audit *audit, const struct peer *peer)
{
	struct member *seat;

	audit_outbox(audit, &peer->outbox);
	audit->waiting += peer->outbox.count;
	audit_press(audit, peer);
	DL_FOREACH2(peer->seats, seat, seat_next)
	{
		if (seat->peer != peer || peer->state != PEER_OPEN) {
			audit_fault(audit, "a peer has a seat of another's, or after its end");
			return;
		}
		audit_seat(audit, seat);
	}
}

static void compare_frames(struct audit *audit)
{
	for (struct frame *frame = audit->frames; frame; frame = frame->next_found) {
		if (frame->found != frame->refs) {
			audit_fault(audit, "a frame of %zu bytes counts %u references and has %u",
				frame->len, frame->refs, frame->found);
		}
		frame->found = 0;
	}
}

static void compare_bytes(struct audit *audit, enum memory_kind kind)
{
	uint64_t counted = meter_values[kind];

	if (counted != audit->bytes[kind]) {
		audit_fault(audit, "%s counts %" PRIu64 " bytes, and %" PRIu64 " are found",
			meter_rows[kind].name, counted, audit->bytes[kind]);
	}
}

const char *audit_finish(struct audit *audit)
{
	uint64_t waiting = meter_values[METER_MESSAGES_QUEUED] - meter_values[METER_MESSAGES_OUT] -
			   meter_values[METER_MESSAGES_DROPPED];

	compare_frames(audit);
	if (audit->seats) {
		audit_fault(audit, "%zu seats in rooms belong to nobody", audit->seats);
	}
	compare_bytes(audit, MEMORY_CONNECTIONS);
	compare_bytes(audit, MEMORY_FRAMES);
	compare_bytes(audit, MEMORY_RECEIVED);
	compare_bytes(audit, MEMORY_ROOMS);
	compare_bytes(audit, MEMORY_ANSWERS);
	compare_bytes(audit, MEMORY_EVENTS);
	if (waiting != audit->waiting) {
		audit_fault(audit, "%" PRIu64 " frames were queued and not sent, and %zu wait",
			waiting, audit->waiting);
	}
	return *audit->first.text ? audit->first.text : NULL;
}

#endif
