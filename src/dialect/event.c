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

static struct event about(
	const struct mount *mount, const char *type, const struct room *room, const char *id)
{
	return (struct event){
		.type = type,
		.mount = mount->path,
		.dialect = mount->dialect->name,
		.room = room->name,
		.peer = id,
	};
}

static const char *number_of(const struct peer *peer, char number[24])
{
	snprintf(number, 24, "%" PRIu64, peer->id);
	return number;
}

void event_join(
	const struct mount *mount, const struct room *room, const struct peer *peer, const char *id)
{
	const struct event opened = about(mount, "opened", room, NULL);
	struct event joined;
	char number[24];

	if (!is_wanted(mount)) {
		return;
	}
	joined = about(mount, "joined", room, id ? id : number_of(peer, number));
	if (peer->grant && *peer->grant->subject) {
		joined.user = peer->grant->subject;
	}
	if (room->count == 1) {
		events_add(mount->env->events, &opened);
	}
	events_add(mount->env->events, &joined);
}

void event_restore(const struct mount *mount, const struct member *member, const char *user)
{
	const struct room *room = member->room;
	const struct event opened = about(mount, "opened", room, NULL);
	struct event joined = about(mount, "joined", room, member->id);

	if (!is_wanted(mount)) {
		return;
	}
	if (member == room->members) {
		events_add(mount->env->events, &opened);
	}
	joined.user = user;
	events_add(mount->env->events, &joined);
}

void event_leave(const struct mount *mount, const struct room *room, const struct peer *peer,
	const char *id, const char *reason)
{
	const struct event closed = about(mount, "closed", room, NULL);
	struct event left;
	char number[24];

	if (!is_wanted(mount)) {
		return;
	}
	left = about(mount, "left", room, id ? id : number_of(peer, number));
	left.reason = reason;
	if (!reason) {
		left.reason = peer->close_code ? "closed" : EVENT_GONE;
		left.code = peer->close_code;
	}
	events_add(mount->env->events, &left);
	if (room->count == 1) {
		events_add(mount->env->events, &closed);
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
