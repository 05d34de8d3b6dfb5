/*
 * hub: owns the spaces, and fills the outboxes; hub_room.c has rooms and members. Peers are net's
 * memory. See the header for the objects and for when things happen.
 */
#include "nakodo/hub/hub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "hub_space.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/hub/audit.h"
#include "nakodo/hub/press.h"
#include "nakodo/hub/room_walk.h"

#define CLOSE_TOO_SLOW 4508

struct hub {
	struct hub_limits limits;
	struct hub_host host;
	struct hub_space *spaces;
	struct peer *dirty, *overflowed;
	struct presses presses;
	struct queued queued;
};

struct hub *hub_create(const struct hub_limits *limits)
{
	struct hub *hub = calloc(1, sizeof(*hub));

	if (hub) {
		hub_set_limits(hub, limits);
	}
	return hub;
}

void hub_set_limits(struct hub *hub, const struct hub_limits *limits)
{
	hub->limits = *limits;
	hub->presses.most = limits->outbox_bytes;
}

void hub_destroy(struct hub *hub)
{
	struct hub_space *space, *next;

	if (!hub) {
		return;
	}
	for (space = hub->spaces; space; space = next) {
		next = space->next;
		free(space);
	}
	free(hub);
}

void hub_set_host(struct hub *hub, const struct hub_host *host)
{
	hub->host = *host;
}

uint64_t hub_now(const struct hub *hub)
{
	return hub->host.now(hub->host.cookie);
}

void hub_set_timer(struct hub *hub, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn)
{
	hub->host.set_timer(hub->host.cookie, timer, delay, fn);
}

void hub_clear_timer(struct hub *hub, struct wheel_timer *timer)
{
	if (timer->at) {
		hub->host.clear_timer(hub->host.cookie, timer);
	}
}

struct hub *hub_of_space(const struct hub_space *space)
{
	return space->hub;
}

struct presses *hub_presses(struct hub *hub)
{
	return &hub->presses;
}

struct hub_space *hub_space_create(struct hub *hub)
{
	struct hub_space *space = calloc(1, sizeof(*space));

	if (space) {
		space->hub = hub;
		space->room_members = &hub->limits.room_members;
		LL_PREPEND(hub->spaces, space);
	}
	return space;
}

void hub_space_destroy(struct hub_space *space)
{
	LL_DELETE(space->hub->spaces, space);
	room_walk_leave(space->walks);
	free(space);
}

void hub_space_set_room_members(struct hub_space *space, size_t members)
{
	space->own = members;
	space->room_members = &space->own;
}

size_t hub_outbox_bytes(const struct hub *hub)
{
	return hub->limits.outbox_bytes;
}

void hub_open(struct hub *hub, struct peer *peer, uint64_t id, peer_leave_fn *on_leave)
{
	peer->hub = hub;
	peer->id = id;
	peer->state = PEER_OPEN;
	peer->on_leave = on_leave;
}

void hub_mark_dirty(struct peer *peer)
{
	if (!peer->dirty) {
		peer->dirty = true;
		DL_APPEND2(peer->hub->dirty, peer, prev_dirty, next_dirty);
	}
}

static void note_queued(struct peer *peer, const struct frame *frame)
{
	meter_add(METER_MESSAGES_QUEUED, 1);
	peer->held += peer->holds;
	peer->hub->queued.frames++;
	peer->hub->queued.bytes += frame->len;
	hub_mark_dirty(peer);
}

static bool push(struct peer *peer, struct frame *frame)
{
	if (!outbox_push(&peer->outbox, frame)) {
		return false;
	}
	note_queued(peer, frame);
	return true;
}

void hub_discard(struct peer *peer)
{
	meter_add(METER_MESSAGES_DROPPED, peer->outbox.count);
	outbox_clear(&peer->outbox);
}

static void overflow(struct peer *peer)
{
	meter_add(METER_MESSAGES_REFUSED, 1);
	peer->overflowed = true;
	hub_discard(peer); /* so the close frame has a chance to get through */
	LL_PREPEND2(peer->hub->overflowed, peer, next_overflowed);
}

static bool is_open(const struct peer *peer)
{
	return peer->state == PEER_OPEN && !peer->overflowed && !peer->muted;
}

/* A receiver that cannot be given this message must not go on as if it had got it. */
static void push_bounded(struct peer *peer, struct frame *frame)
{
	struct presses *presses = &peer->hub->presses;
	bool busy = press_load(&peer->outbox, frame ? frame->len : 0) > presses->most / 2;
	uint64_t now = busy ? hub_now(peer->hub) : 0;

	if (!frame || (busy && !press_has_room(presses, peer, frame->len, now)) ||
		!push(peer, frame)) {
		overflow(peer);
	} else if (busy) {
		press_add(presses, peer, frame->len, now);
	}
}

static void deliver(struct peer *peer, struct message *message)
{
	if (is_open(peer)) {
		push_bounded(peer, message_frame(message, peer->choice));
	}
}

void hub_publish(struct room *room, struct message *message, const struct peer *except)
{
	struct member *member;

	DL_FOREACH (room->members, member) {
		if (member->peer && member->peer != except) {
			deliver(member->peer, message);
		}
	}
}

void hub_publish_text(
	struct room *room, const struct iovec *parts, int count, const struct peer *except)
{
	struct message message;

	message_init(&message, parts, count, false, true);
	hub_publish(room, &message, except);
	message_finish(&message);
}

void hub_send(struct peer *peer, struct message *message)
{
	deliver(peer, message);
}

void hub_send_text(struct peer *peer, const struct iovec *parts, int count)
{
	struct message message;

	message_init(&message, parts, count, false, true);
	deliver(peer, &message);
	message_finish(&message);
}

void hub_send_frame(struct peer *peer, struct frame *frame)
{
	if (is_open(peer)) {
		push_bounded(peer, frame);
	}
}

void hub_send_first(struct peer *peer, struct frame *frame)
{
	if (!is_open(peer)) {
		return;
	}
	if (frame && outbox_push_exempt(&peer->outbox, frame)) {
		note_queued(peer, frame);
		peer->hub->queued.first += frame->len;
	} else {
		overflow(peer);
	}
}

void hub_push_control(struct peer *peer, struct frame *frame)
{
	if (is_open(peer)) {
		push(peer, frame);
	}
}

/* The last thing a peer does as one of us. Its dialect hears of it while the seats are still there,
 * and the state is set first, so that nothing the dialect does comes back here. */
static void leave_all(struct peer *peer, enum peer_state state)
{
	struct member *member, *next;

	peer->state = state;
	if (peer->overflowed) {
		LL_DELETE2(peer->hub->overflowed, peer, next_overflowed);
		peer->overflowed = false;
	}
	peer->on_leave(peer);
	DL_FOREACH_SAFE2(peer->seats, member, next, seat_next)
	{
		hub_leave(member);
	}
	press_end(&peer->hub->presses, peer);
}

void hub_close(struct peer *peer, unsigned code, const char *reason)
{
	struct frame *frame;

	if (peer->state != PEER_OPEN) {
		return;
	}
	if (peer->muted) {
		hub_drop(peer); /* nobody is there to be told why */
		return;
	}
	peer->close_code = (uint16_t)code;
	meter_closed(code);
	leave_all(peer, PEER_CLOSING);
	frame = frame_create_close(code, reason);
	if (frame) {
		push(peer, frame);
		frame_unref(frame);
	}
	/* Without memory for the frame the flush still has to end the connection. */
	hub_mark_dirty(peer);
}

void hub_close_slow(struct peer *peer)
{
	hub_discard(peer);
	hub_close(peer, CLOSE_TOO_SLOW, "too slow");
}

/* What waits is thrown away, and nothing will be written. */
static void silence(struct peer *peer)
{
	hub_discard(peer);
	if (peer->dirty) {
		DL_DELETE2(peer->hub->dirty, peer, prev_dirty, next_dirty);
		peer->dirty = false;
	}
}

void hub_drop(struct peer *peer)
{
	if (peer->state == PEER_OPEN) {
		leave_all(peer, PEER_GONE);
	}
	peer->state = PEER_GONE;
	silence(peer);
}

void hub_mute(struct peer *peer)
{
	peer->muted = true;
	silence(peer);
	press_end(&peer->hub->presses, peer);
}

void hub_settle(struct hub *hub)
{
	while (hub->overflowed) {
		hub_close_slow(hub->overflowed);
	}
}

struct peer *hub_next_dirty(struct hub *hub, const struct peer *end, bool newest)
{
	struct peer *first = hub->dirty, *peer;

	if (!first || first == end) {
		hub->queued = (struct queued){0};
		return NULL;
	}
	peer = newest ? (end ? end : first)->prev_dirty : first;
	DL_DELETE2(hub->dirty, peer, prev_dirty, next_dirty);
	peer->dirty = false;
	return peer;
}

bool hub_is_dirty(const struct hub *hub)
{
	return hub->dirty || hub->overflowed;
}

struct queued hub_queued(const struct hub *hub)
{
	return hub->queued;
}

#ifdef NAKODO_AUDIT
void hub_audit(const struct hub *hub, struct audit *audit)
{
	const struct hub_space *space;

	LL_FOREACH(hub->spaces, space)
	{
		for (struct room *room = space->rooms; room; room = room->hh.next) {
			audit_room(audit, room);
		}
	}
}
#endif
