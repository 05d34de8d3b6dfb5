/* rules: see the header. */
#include "rules.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistr.h>

#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/hub/hub.h"

/* Who is away is kept news past the limits: of each of the few who were there at most that it went
 * away or came back, how it changed, and that it left. */
#define NEWS 64
#define NEWS_BYTES 8192

void rules_require(bool truth)
{
	if (!truth) {
		abort();
	}
}

/* One whole frame of the server (RFC 6455 section 5.2); the payload's length. */
static size_t check_frame(const struct frame *frame, const unsigned char **ret_payload)
{
	size_t head = 2, len = frame->bytes[1];

	rules_require(frame->refs > 0 && frame->len >= 2);
	if (len >= 126) {
		rules_require(len <= 127);
		head = len == 126 ? 4 : 10;
		len = 0;
		for (size_t i = 2; i < head; i++) {
			len = len << 8 | frame->bytes[i];
		}
		rules_require(len >= (head == 4 ? 126 : 65536));
	}
	rules_require(frame->len == head + len);
	*ret_payload = frame->bytes + head;
	return len;
}

bool rules_frame(const struct frame *frame)
{
	const unsigned char *payload;
	size_t len = check_frame(frame, &payload);

	switch (frame->bytes[0]) {
	case 0x80 | FRAME_TEXT:
		rules_require(!u8_check(payload, len));
		return false;
	case 0x80 | FRAME_BINARY:
		return false;
	case 0x80 | FRAME_CLOSE:
		rules_require(len == 0 || (len >= 2 && len <= 125));
		rules_require(len == 0 || !u8_check(payload + 2, len - 2));
		return true;
	default:
		rules_require(frame->bytes[0] == (0x80 | FRAME_PING) && len <= 125);
		return false;
	}
}

static void check_session(const struct session *session)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < session->kept.count; i++) {
		const struct frame *frame = session_kept(session, i);

		rules_require(frame->refs > 0);
		bytes += frame->len;
	}
	rules_require(session->kept.bytes == bytes);
	rules_require(bytes <= session->limits->bytes + NEWS * NEWS_BYTES);
	rules_require(session->kept.count <= session->limits->messages + NEWS);
	rules_require(session->acked + session->kept.count <= session->sent);
	rules_require(session->told <= session->received);
}

/* A seat of nakodo.v1: it has a connection or it waits for one. */
static void check_seat(const struct member *member)
{
	const struct nakodo_v1_seat *seat = nakodo_v1_seat_of(member);

	rules_require(seat->member == member);
	rules_require(!seat->gone.at == (seat->peer && !seat->snapshot));
	/* Of who has a session it only says whose tries are counted. */
	rules_require(!seat->nonce.seat || seat->snapshot || seat->confirmed.seat);
	rules_require(!seat->peer ||
		      (seat->peer->state == PEER_OPEN && seat->peer->state_of_dialect == seat));
	rules_require(!seat->ack.at || seat->peer);
	check_session(&seat->session);
}

void rules_room(struct room *room)
{
	struct member *member, *last = NULL;
	size_t count = 0;

	rules_require(hub_room(room->space, room->name) == room);
	for (member = room->members; member; member = member->next) {
		struct member *seat = member->peer ? member->peer->seats : NULL;
		bool session = member->id && member->session;

		rules_require(member->room == room && !member->peer == session);
		rules_require(!member->peer || member->peer->state == PEER_OPEN);
		rules_require(member == room->members || member->prev == last);
		rules_require(!member->id || hub_find(room, member->id) == member);
		while (seat && seat != member) {
			seat = seat->seat_next;
		}
		rules_require(seat == member || session);
		if (session) {
			check_seat(member);
		}
		last = member;
		count++;
	}
	rules_require(count == room->count && count > 0);
	rules_require(HASH_COUNT(room->ids) <= count);
}
