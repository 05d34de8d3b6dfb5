/*
 * event: dialects say here who came into which room and who left, for event-webhook
 * (service/events.h). A room opens with its first member and closes with its last.
 *
 * Each event_join() is followed by one event_leave() of the same peer and room, while the seat is
 * still there, unless the daemon ends before.
 */
#pragma once

struct address;
struct member;
struct mount;
struct peer;
struct room;

#define EVENT_BYE "bye" /* it said so */
#define EVENT_GONE "gone" /* its connection is lost */
#define EVENT_MOVED "moved" /* into another room */
#define EVENT_YIELDED "yielded" /* it gave its place to a newcomer */

/* The peer has taken a seat in the room. `id` names it there; NULL: the number of its connection
 * does. */
void event_join(const struct mount *mount, const struct room *room, const struct peer *peer,
	const char *id);
/* The process before has left this member, who has an id, in its room; `user`: the subject of its
 * token, or NULL. To be told of all of a room, in their order. */
void event_restore(const struct mount *mount, const struct member *member,
	const struct address *address, const char *user);
/* It is about to leave its seat there. `reason` NULL: since its connection ends, `closed` with the
 * code of a close frame, or without one EVENT_GONE. */
void event_leave(const struct mount *mount, const struct room *room, const struct peer *peer,
	const char *id, const char *reason);
/* The same for a member who has an id, and perhaps no peer. */
void event_leave_member(const struct mount *mount, const struct member *member,
	const struct address *address, const char *reason);
/* The same for all seats of a peer whose connection ends; for dialect.close. */
void event_close(const struct mount *mount, const struct peer *peer);
