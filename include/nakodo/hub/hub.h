/*
 * hub: who is in which room, and who gets what. The only writer of rooms, seats and outboxes.
 *
 * - hub: one per process
 * - space: a namespace of rooms, one for each mount, so that one wire protocol's rooms and ids
 * never meet another's
 * - room: a named set of members; made by the first to join, gone with the last
 * - member: one peer's seat in one room, perhaps with an id that is unique in the room; or the seat
 * of a session, which outlives its connections (hub/session.h)
 * - peer: one connection; net makes it, the hub knows it while it is open
 *
 * Nothing here touches a socket: a message that was published waits in outboxes, their peers wait
 * in the dirty list, and net empties both once per turn of its loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/hash.h"
#include "nakodo/base/wheel.h"
#include "nakodo/hub/frame.h"
#include "nakodo/hub/peer.h"

#define HUB_NAME_MAX 128 /* bytes of a room's name or an id, without the NUL */

struct hub_limits {
	size_t room_members; /* at most so many in one room */
	size_t outbox_bytes; /* with more than this waiting, who reads too slowly is closed */
};

struct member {
	struct room *room;
	struct peer *peer; /* NULL: a session's seat, which its dialect delivers to */
	struct member *prev, *next; /* in the room, in order of arrival (utlist DL) */
	struct member *seat_prev, *seat_next; /* of the same peer (utlist DL) */
#ifdef NAKODO_AUDIT
	bool found; /* in its room, and not yet at its owner; audit's */
#endif
	char *id; /* NULL: none, and what follows is not there */
	struct session *session; /* NULL: a peer's seat */
	UT_hash_handle hh; /* in room->ids */
};

struct room {
	struct hub_space *space;
	struct member *members, *ids;
	size_t count;
	void *state_of_dialect; /* freed by its dialect before the last member leaves */
	UT_hash_handle hh;
	char name[]; /* NUL-terminated */
};

/* What the hub is given by whoever runs it: the time, and deadlines. */
struct hub_host {
	uint64_t (*now)(void *cookie); /* ms, monotonic */
	void (*set_timer)(void *cookie, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn);
	void (*clear_timer)(void *cookie, struct wheel_timer *timer);
	void *cookie;
};

struct hub *hub_create(const struct hub_limits *limits); /* NULL: no memory */
/* Others from now on, also for what is there. */
void hub_set_limits(struct hub *hub, const struct hub_limits *limits);
/* Call this before hub_now() and the timers. */
void hub_set_host(struct hub *hub, const struct hub_host *host);
uint64_t hub_now(const struct hub *hub);
/* Call fn once, `delay` ms from now, instead of what the timer was set to. The timer is the
 * caller's memory, zeroed before; clear it before the memory goes. */
void hub_set_timer(struct hub *hub, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn);
void hub_clear_timer(struct hub *hub, struct wheel_timer *timer);
void hub_destroy(struct hub *hub); /* every peer must be gone */
struct hub_space *hub_space_create(struct hub *hub); /* NULL: no memory */
void hub_space_destroy(struct hub_space *space); /* no room is left; else the hub does it */
struct hub *hub_of_space(const struct hub_space *space);
/* Bound the rooms of this space to so many members, whatever hub_limits says. */
void hub_space_set_room_members(struct hub_space *space, size_t members);
/* hub_limits.outbox_bytes, for dialects that keep messages which go into one outbox together. */
size_t hub_outbox_bytes(const struct hub *hub);
/* Who waits for whom to read; net holds those who wait. */
struct presses *hub_presses(struct hub *hub);

/* `peer` is net's memory, zeroed. It must stay valid until net has seen it leave the dirty list or
 * has called hub_drop(). */
void hub_open(struct hub *hub, struct peer *peer, uint64_t id, peer_leave_fn *on_leave);

/* Take a seat, and an id in that room unless `id` is NULL. 0, or -EINVAL: empty id or a name or id
 * over HUB_NAME_MAX; -ENOSPC: the room is full; -EEXIST: the id is taken; -EPIPE: the peer is not
 * open; -ENOMEM. `ret` may be NULL. */
int hub_join(struct hub_space *space, const char *room, struct peer *peer, const char *id,
	struct member **ret);
/* The same for a session, whose seat is no connection's and has an id: it stays until
 * hub_leave(). */
int hub_join_session(struct hub_space *space, const char *room, struct session *session,
	const char *id, struct member **ret);
void hub_leave(struct member *member);
struct room *hub_room(struct hub_space *space, const char *name);
struct member *hub_find(const struct room *room, const char *id);
/* The space's first room; hh.next has the next. NULL: none. */
const struct room *hub_first_room(const struct hub_space *space);

/* Queue the message for every member but `except` (NULL: for all); sessions are passed over. */
void hub_publish(struct room *room, struct message *message, const struct peer *except);
void hub_send(struct peer *peer, struct message *message);
/* The same for parts, which are UTF-8, as one text. */
void hub_publish_text(
	struct room *room, const struct iovec *parts, int count, const struct peer *except);
void hub_send_text(struct peer *peer, const struct iovec *parts, int count);
/* Queue a shared frame; NULL, for want of memory, closes the peer as if it were too slow. */
void hub_send_frame(struct peer *peer, struct frame *frame);
/* The same for what a connection is sent first: the outbox's bound does not count it. */
void hub_send_first(struct peer *peer, struct frame *frame);
/* Queue a control frame, such as a shared ping, past the outbox bound. */
void hub_push_control(struct peer *peer, struct frame *frame);

/* End the peer's stay, with a close frame of that code (1005: one without a code): from this call
 * on it is in no room and gets nothing more but what already waits for it and the close frame.
 * Nothing happens to a peer that is not open. */
void hub_close(struct peer *peer, unsigned code, const char *reason);
/* As hub_close() with 4508, but without what still waits for it, so that the close frame may get
 * through. */
void hub_close_slow(struct peer *peer);
/* The connection has ended: end the peer's stay, if it is open, without a close frame. What waits
 * is thrown away, and the dirty list does not have the peer any more. */
void hub_drop(struct peer *peer);
/* The connection has ended, and hub_drop() will be called later, or by hub_close(): until then the
 * peer has its seats, nothing waits or is queued for it, and nobody waits for it to read. */
void hub_mute(struct peer *peer);
void hub_discard(struct peer *peer); /* only throw away what waits */
/* Close the peers whose outbox overflowed since the last call (4508). They stayed seated until
 * now, so that nobody who walks through a room has it changed under him. */
void hub_settle(struct hub *hub);

void hub_mark_dirty(struct peer *peer); /* put it into the dirty list */
/* The peer that was put into the dirty list first, or last, taken off it; `end` (NULL: nobody) and
 * who was put in after it are not looked at. NULL: none. */
struct peer *hub_next_dirty(struct hub *hub, const struct peer *end, bool newest);
bool hub_is_dirty(const struct hub *hub);
/* Queued since hub_next_dirty() had no more to return; `first` are bytes by hub_send_first(). */
struct queued {
	size_t frames, bytes, first;
};
struct queued hub_queued(const struct hub *hub);

#ifdef NAKODO_AUDIT
struct audit;
/* Look at every room of every space. */
void hub_audit(const struct hub *hub, struct audit *audit);
#endif
