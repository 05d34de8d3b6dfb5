/*
 * nakodo_v1_seat: owns the seats of a mount and each room's share in it. Nothing here reads a
 * message.
 *
 * Every numbered message goes into the session of its receiver, and into the connection too if
 * there is one; if not, nakodo_v1_waiting.c says what is kept.
 */
#include "nakodo/dialect/nakodo_v1_seat.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/board.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/event.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/nakodo_v1_away.h"
#include "nakodo/dialect/nakodo_v1_history.h"
#include "nakodo/dialect/nakodo_v1_journal.h"
#include "nakodo/hub/hold.h"

/* ms for a client that may have lost its welcome, and loses nothing if it is a newcomer again */
#define UNCONFIRMED_WAIT 10000
/* ms for those to come back whose process was killed, before the others hear that they are away */
#define UNHEARD_WAIT 5000

struct nakodo_v1_seat *nakodo_v1_seat_at(const struct peer *peer)
{
	struct nakodo_v1_party *party = peer->state_of_dialect;

	return party && !party->guest ? (struct nakodo_v1_seat *)party : NULL;
}

bool nakodo_v1_is_deserted(const struct room *room)
{
	const struct member *member;

	DL_FOREACH (room->members, member) {
		if (nakodo_v1_seat_of(member)->peer) {
			return false;
		}
	}
	return true;
}

static size_t length(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

void nakodo_v1_seat_count(struct nakodo_v1_seat *seat)
{
	memory_give(MEMORY_ROOMS, seat->counted);
	seat->counted = sizeof(*seat) + length(seat->name) + length(seat->meta) +
			length(seat->user) + length(seat->snapshot);
	memory_take(MEMORY_ROOMS, seat->counted);
	nakodo_v1_journal_note_self(seat);
}

static void free_snapshot(struct nakodo_v1_seat *seat)
{
	if (seat->snapshot) {
		free(seat->snapshot);
		seat->snapshot = NULL;
		nakodo_v1_seat_count(seat);
	}
	if (seat->peer) {
		hub_clear_timer(seat->mount->hub, &seat->gone);
	}
}

/* Its client never showed that it has it. */
static void give_up_snapshot(struct nakodo_v1_seat *seat)
{
	free_snapshot(seat);
	nakodo_v1_key_forget(&seat->nonce);
}

void nakodo_v1_seat_confirm(struct nakodo_v1_seat *seat)
{
	free_snapshot(seat);
	if (seat->issued.seat) {
		nakodo_v1_key_forget(&seat->confirmed);
		nakodo_v1_key_forget(&seat->issued);
		memcpy(seat->confirmed.hash, seat->issued.hash, TOKEN_HASH);
		nakodo_v1_key_enter_hash(seat, &seat->confirmed);
	}
	if (!seat->confirmed.seat) { /* no memory: there is nothing to come back with */
		nakodo_v1_key_forget(&seat->nonce);
	}
}

bool nakodo_v1_seat_is_confirmed(const struct nakodo_v1_seat *seat)
{
	return seat->confirmed.seat;
}

static int sit_down(struct nakodo_v1_seat *seat, const char *room, const char *id)
{
	struct hub_space *space = seat->mount->mount->space;
	bool fresh = !hub_room(space, room);
	int error = hub_join_session(space, room, &seat->session, id, &seat->member);

	if (!error) {
		seat->mount->rooms += fresh;
		meter_add(METER_V1_ROOMS, fresh);
	}
	return error;
}

static bool is_full(const struct nakodo_v1 *v1)
{
	return v1->rooms + board_elsewhere(METER_V1_ROOMS) >= v1->mount->env->options->rooms_max;
}

static int take_seat(struct nakodo_v1_seat *seat, const char *room)
{
	const struct nakodo_v1 *v1 = seat->mount;
	char id[TOKEN_TEXT];
	int error;

	if (!hub_room(v1->mount->space, room) && is_full(v1)) {
		return -ENOSPC;
	}
	do {
		token_create(id);
		id[NAKODO_V1_ID - 1] = '\0';
		error = sit_down(seat, room, id);
	} while (error == -EEXIST);
	return error;
}

static void stand_up(struct nakodo_v1_seat *seat)
{
	struct nakodo_v1 *v1 = seat->mount;

	if (seat->member) {
		if (seat->member->room->count == 1) {
			v1->rooms--;
			meter_subtract(METER_V1_ROOMS, 1);
		}
		hub_leave(seat->member);
	}
}

/* `id` NULL: a new one. */
static int create(
	struct nakodo_v1_seat **ret, struct nakodo_v1 *v1, const char *room, const char *id)
{
	struct nakodo_v1_seat *seat = calloc(1, sizeof(*seat));
	int error;

	if (!seat) {
		return -ENOMEM;
	}
	seat->mount = v1;
	session_init(&seat->session, &v1->limits);
	error = id ? sit_down(seat, room, id) : take_seat(seat, room);
	error = error ? error : nakodo_v1_journal_begin(seat);
	if (error) {
		stand_up(seat);
		free(seat);
		return error;
	}
	seat->known = UINT64_MAX;
	seat->granted = hub_now(v1->hub);
	DL_APPEND(v1->seats, seat);
	nakodo_v1_seat_count(seat);
	*ret = seat;
	return 0;
}

int nakodo_v1_seat_create(struct nakodo_v1_seat **ret, struct nakodo_v1 *v1, const char *room)
{
	return create(ret, v1, room, NULL);
}

int nakodo_v1_seat_restore(
	struct nakodo_v1_seat **ret, struct nakodo_v1 *v1, const char *room, const char *id)
{
	int error = create(ret, v1, room, id);

	if (!error) {
		(*ret)->grant = v1->limits.messages; /* it has lived in another process */
	}
	return error;
}

void nakodo_v1_seat_destroy(struct nakodo_v1_seat *seat)
{
	struct nakodo_v1 *v1 = seat->mount;
	struct room *room = seat->member->room;

	nakodo_v1_journal_end(seat);
	if (seat->peer) {
		hold_drop(seat->peer);
		seat->peer->state_of_dialect = NULL;
	} else {
		nakodo_v1_away_end(seat);
	}
	hub_clear_timer(v1->hub, &seat->gone);
	hub_clear_timer(v1->hub, &seat->ack);
	nakodo_v1_key_forget(&seat->confirmed);
	nakodo_v1_key_forget(&seat->issued);
	nakodo_v1_key_forget(&seat->nonce);
	nakodo_v1_away_leave_place(seat);
	if (room->members == seat->member && seat->member->next) {
		nakodo_v1_seat_of(seat->member->next)->locked = seat->locked;
		nakodo_v1_journal_note(nakodo_v1_seat_of(seat->member->next));
	}
	if (room->count == 1) {
		nakodo_v1_history_free(v1, room);
	}
	stand_up(seat);
	DL_DELETE(v1->seats, seat);
	nakodo_v1_waiting_end(&seat->waiting);
	session_finish(&seat->session);
	memory_give(MEMORY_ROOMS, seat->counted);
	free(seat->name);
	free(seat->meta);
	free(seat->user);
	free(seat->snapshot);
	free(seat);
}

void nakodo_v1_seat_leave(struct nakodo_v1_seat *seat, const char *reason, unsigned code)
{
	struct peer *peer = seat->peer;
	const struct iovec parts[] = {
		PART("{\"type\":\"peer-left\",\"id\":\""),
		PART_OF(seat->member->id),
		PART("\",\"reason\":\""),
		PART_OF(reason),
		PART("\"}"),
	};

	event_leave_member(seat->mount->mount, seat->member, &seat->address, reason);
	nakodo_v1_seat_publish(seat, NAKODO_V1_LEFT, parts, 5);
	nakodo_v1_seat_destroy(seat);
	if (peer && code) {
		hub_close(peer, code, code == 4409 ? "resumed or replaced elsewhere" : "");
	}
}

void nakodo_v1_refuse(struct peer *peer, const char *code, const char *message, unsigned close)
{
	const struct iovec parts[] = {
		PART("{\"type\":\"error\",\"code\":\""),
		PART_OF(code),
		PART("\",\"message\":\""),
		PART_OF(message),
		PART("\"}"),
	};

	hub_send_text(peer, parts, 5);
	hub_close(peer, close, code);
}

static void say_away(struct nakodo_v1_seat *seat)
{
	const struct iovec parts[] = {
		PART("{\"type\":\"peer-away\",\"id\":\""),
		PART_OF(seat->member->id),
		PART("\"}"),
	};

	nakodo_v1_seat_publish(seat, NAKODO_V1_TURNED, parts, 3);
}

static void on_gone(struct wheel_timer *timer)
{
	size_t offset = offsetof(struct nakodo_v1_seat, gone);
	struct nakodo_v1_seat *seat = (void *)((char *)timer - offset);

	if (seat->peer) {
		give_up_snapshot(seat);
	} else if (seat->unheard && seat->wait > UNHEARD_WAIT) {
		seat->unheard = false;
		nakodo_v1_journal_note(seat);
		hub_set_timer(seat->mount->hub, timer, seat->wait - UNHEARD_WAIT, on_gone);
		say_away(seat);
	} else {
		nakodo_v1_seat_leave(seat, "gone", 0);
	}
}

void nakodo_v1_seat_keep(struct nakodo_v1_seat *seat, char *snapshot)
{
	uint64_t wait = seat->mount->mount->env->options->resume_seconds * 1000;

	seat->snapshot = snapshot;
	nakodo_v1_seat_count(seat);
	hub_set_timer(seat->mount->hub, &seat->gone, wait, on_gone);
}

static void leave_peer(struct nakodo_v1_seat *seat)
{
	seat->grant += seat->peer->unmetered; /* what it has not used */
	hold_drop(seat->peer);
	seat->peer->state_of_dialect = NULL;
	seat->peer = NULL;
}

struct peer *nakodo_v1_seat_attach(struct nakodo_v1_seat *seat, struct peer *peer)
{
	struct peer *before = seat->peer;

	if (before) {
		leave_peer(seat);
	}
	hub_clear_timer(seat->mount->hub, &seat->gone);
	nakodo_v1_away_end(seat);
	nakodo_v1_waiting_end(&seat->waiting);
	nakodo_v1_away_leave_place(seat);
	seat->peer = peer;
	seat->known = UINT64_MAX;
	seat->unheard = false;
	peer->state_of_dialect = seat;
	nakodo_v1_journal_attach(seat);
	return before;
}

void nakodo_v1_seat_await(struct nakodo_v1_seat *seat, uint64_t wait)
{
	const struct dialect_env *env = seat->mount->mount->env;

	nakodo_v1_away_begin(seat);
	if (!nakodo_v1_seat_is_confirmed(seat)) {
		wait = wait < UNCONFIRMED_WAIT ? wait : UNCONFIRMED_WAIT;
	} else {
		seat->placed = env->keep_place && env->keep_place(env->cookie, &seat->address);
	}
	seat->wait = wait;
	nakodo_v1_journal_note(seat);
	hub_set_timer(seat->mount->hub, &seat->gone, wait, on_gone);
}

void nakodo_v1_seat_detach(struct nakodo_v1_seat *seat, uint64_t wait)
{
	leave_peer(seat);
	nakodo_v1_waiting_begin(&seat->waiting, &seat->session);
	hub_clear_timer(seat->mount->hub, &seat->ack);
	nakodo_v1_seat_await(seat, wait);
	say_away(seat);
}

void nakodo_v1_seat_miss(struct nakodo_v1_seat *seat, uint64_t wait)
{
	nakodo_v1_seat_await(seat, wait);
	seat->unheard = true;
	if (seat->wait > UNHEARD_WAIT) {
		hub_set_timer(seat->mount->hub, &seat->gone, UNHEARD_WAIT, on_gone);
	}
}

/* To one that has a connection. */
static void deliver(struct nakodo_v1_seat *seat, struct frame *frame)
{
	nakodo_v1_journal_note(seat);
	if (!session_push(&seat->session, frame) && seat->snapshot) {
		give_up_snapshot(seat);
	}
	hub_send_frame(seat->peer, frame);
}

/* To one that is away something is lost: it cannot come back. Somebody may be walking through its
 * room, so its timer does the rest. */
static void lose(struct nakodo_v1_seat *seat)
{
	give_up_snapshot(seat);
	hub_set_timer(seat->mount->hub, &seat->gone, 0, on_gone);
}

void nakodo_v1_seat_send(struct nakodo_v1_seat *seat, const struct iovec *parts, int count)
{
	struct message message;

	message_init(&message, parts, count, false, true);
	deliver(seat, message_frame(&message, FRAME_AS_SENT));
	message_finish(&message);
}

void nakodo_v1_seat_publish(
	struct nakodo_v1_seat *seat, enum nakodo_v1_news news, const struct iovec *parts, int count)
{
	struct member *member;
	struct message message;

	message_init(&message, parts, count, false, true);
	DL_FOREACH (seat->member->room->members, member) {
		struct nakodo_v1_seat *other = nakodo_v1_seat_of(member);
		struct frame *frame = message_frame(&message, FRAME_AS_SENT);

		if (other == seat) {
			continue;
		}
		nakodo_v1_journal_note(other);
		if (other->peer) {
			deliver(other, frame);
		} else if (!nakodo_v1_waiting_tell(
				   &other->waiting, news, seat->member->id, frame)) {
			lose(other);
		}
	}
	message_finish(&message);
}

void nakodo_v1_seat_publish_text(
	struct nakodo_v1_seat *seat, enum nakodo_v1_news news, struct text *text)
{
	struct iovec part;

	part.iov_base = text_take(text, &part.iov_len);
	if (part.iov_base) {
		nakodo_v1_seat_publish(seat, news, &part, 1);
		free(part.iov_base);
	}
}

bool nakodo_v1_seat_pass(
	const struct nakodo_v1_seat *from, struct nakodo_v1_seat *to, struct message *message)
{
	struct frame *frame = message_frame(message, FRAME_AS_SENT);
	int error;

	if (to->peer) {
		deliver(to, frame);
		return true;
	}
	nakodo_v1_journal_note(to);
	error = nakodo_v1_waiting_pass(&to->waiting, from->member->id, &from->address, frame);
	if (error == -ENOMEM) {
		lose(to);
	}
	return error != -EBUSY;
}

void nakodo_v1_seat_tell(struct nakodo_v1_seat *seat, const struct iovec *parts, int count)
{
	if (seat->peer) {
		hub_send_text(seat->peer, parts, count);
	}
}

void nakodo_v1_seat_ack(struct nakodo_v1_seat *seat)
{
	char text[64];
	int len;

	nakodo_v1_journal_note(seat);
	len = snprintf(text, sizeof(text), "{\"type\":\"ack\",\"n\":%" PRIu64 "}",
		session_tell(&seat->session));
	hub_clear_timer(seat->mount->hub, &seat->ack);
	nakodo_v1_seat_tell(seat, &PART_BYTES(text, (size_t)len), 1);
}

void nakodo_v1_seat_print(const struct nakodo_v1_seat *seat, struct text *out)
{
	text_print(out, "\"id\":\"%s\"", seat->member->id);
	if (seat->name) {
		text_print(out, ",\"name\":%s", seat->name);
	}
	if (seat->user) {
		text_print(out, ",\"user\":%s", seat->user);
	}
	if (seat->meta) {
		text_print(out, ",\"meta\":%s", seat->meta);
	}
}
