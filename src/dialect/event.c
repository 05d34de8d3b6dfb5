/* event: see the header. */
#include "nakodo/dialect/event.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <utlist.h>

#include "nakodo/dialect/dialect.h"
#include "nakodo/service/events.h"
#include "nakodo/service/grant.h"

static bool is_wanted(const struct mount *mount)
{
	return events_are_wanted(mount->env->events);
}

static struct event about(const struct mount *mount, const char *type, const struct room *room,
	const struct address *address)
{
	return (struct event){
		.type = type,
		.address = address,
		.mount = mount->path,
		.dialect = mount->dialect->name,
		.room = room->name,
	};
}

static const struct address *address_of(const struct mount *mount, const struct peer *peer)
{
	const struct dialect_env *env = mount->env;

	return env->address_of ? env->address_of(env->cookie, peer) : NULL;
}

static const char *number_of(const struct peer *peer, char number[24])
{
	snprintf(number, 24, "%" PRIu64, peer->id);
	return number;
}

/* Somebody has come into the room; the first one opens it. */
static void tell_join(const struct mount *mount, struct event *joined, bool first)
{
	struct event opened = *joined;

	if (first) {
		opened.type = "opened";
		opened.peer = NULL;
		opened.user = NULL;
		events_add(mount->env->events, &opened);
	}
	events_add(mount->env->events, joined);
}

void event_join(
	const struct mount *mount, const struct room *room, const struct peer *peer, const char *id)
{
	struct event joined;
	char number[24];

	if (!is_wanted(mount)) {
		return;
	}
	joined = about(mount, "joined", room, address_of(mount, peer));
	joined.peer = id ? id : number_of(peer, number);
	if (peer->grant && *peer->grant->subject) {
		joined.user = peer->grant->subject;
	}
	tell_join(mount, &joined, room->count == 1);
}

void event_restore(const struct mount *mount, const struct member *member,
	const struct address *address, const char *user)
{
	struct event joined = about(mount, "joined", member->room, address);

	if (is_wanted(mount)) {
		joined.peer = member->id;
		joined.user = user;
		tell_join(mount, &joined, member == member->room->members);
	}
}

/* The last one closes the room. */
static void tell_leave(const struct mount *mount, const struct room *room, const struct event *left)
{
	const struct event closed = about(mount, "closed", room, left->address);

	events_add(mount->env->events, left);
	if (room->count == 1) {
		events_add(mount->env->events, &closed);
	}
}

void event_leave(const struct mount *mount, const struct room *room, const struct peer *peer,
	const char *id, const char *reason)
{
	struct event left;
	char number[24];

	if (!is_wanted(mount)) {
		return;
	}
	left = about(mount, "left", room, address_of(mount, peer));
	left.peer = id ? id : number_of(peer, number);
	left.reason = reason;
	if (!reason) {
		left.reason = peer->close_code ? "closed" : EVENT_GONE;
		left.code = peer->close_code;
	}
	tell_leave(mount, room, &left);
}

void event_leave_member(const struct mount *mount, const struct member *member,
	const struct address *address, const char *reason)
{
	struct event left = about(mount, "left", member->room, address);

	if (is_wanted(mount)) {
		left.peer = member->id;
		left.reason = reason;
		tell_leave(mount, member->room, &left);
	}
}

void event_close(const struct mount *mount, const struct peer *peer)
{
	const struct member *seat;

	DL_FOREACH2(peer->seats, seat, seat_next)
	{
		event_leave(mount, seat->room, peer, seat->id, NULL);
	}
}
