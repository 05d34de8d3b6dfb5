/*
 * nakodo_v1_place: who gives up a place when there is none left for a newcomer. Only seats without
 * a connection do: first those whose client never showed that it can resume, then one of the
 * address that keeps most of them, as long as that has more than the newcomer's would have.
 */
#include "nakodo/dialect/nakodo_v1.h"

#include <utlist.h>

#include "nakodo/base/meter.h"
#include "nakodo/dialect/dialect.h"

static bool give_up(struct nakodo_v1_seat *seat)
{
	if (seat) {
		meter_add(METER_SEATS_YIELDED, 1);
		nakodo_v1_seat_leave(seat, "gone", 0);
	}
	return seat;
}

static bool is_away(const struct nakodo_v1_seat *seat, bool confirmed)
{
	return !seat->peer && nakodo_v1_seat_is_confirmed(seat) == confirmed;
}

static bool is_of(const struct nakodo_v1_seat *seat, const struct address *group)
{
	return !group || share_is_same(&seat->address, group);
}

/* The first that came to the room; `group` NULL: of anybody. NULL: none. */
static struct nakodo_v1_seat *find_in_room(
	const struct room *room, const struct address *group, bool confirmed)
{
	struct member *member;

	DL_FOREACH (room->members, member) {
		struct nakodo_v1_seat *seat = nakodo_v1_seat_of(member);

		if (is_away(seat, confirmed) && is_of(seat, group)) {
			return seat;
		}
	}
	return NULL;
}

/* Who of those in the room that are away gives way to the newcomer, of whom all seats count? */
static struct nakodo_v1_seat *find_yielding_in_room(
	const struct room *room, const struct address *newcomer)
{
	struct nakodo_v1_seat *seat = NULL;
	struct member *member;
	struct address group;
	struct share share = {0};

	DL_FOREACH (room->members, member) {
		seat = nakodo_v1_seat_of(member);
		if (is_away(seat, true) || share_is_same(&seat->address, newcomer)) {
			share_add(&share, &seat->address, 1);
		}
	}
	seat = share_find_yielding(&share, newcomer, 1, &group) ? find_in_room(room, &group, true)
								: NULL;
	share_clear(&share);
	return seat;
}

bool nakodo_v1_place_in_room(const struct room *room, const struct address *newcomer)
{
	struct nakodo_v1_seat *seat = find_in_room(room, NULL, false);

	return give_up(seat ? seat : find_yielding_in_room(room, newcomer));
}

static bool is_alone(const struct nakodo_v1_seat *seat)
{
	return seat->member->room->count == 1;
}

static bool is_placed(const struct nakodo_v1_seat *seat)
{
	return seat->placed;
}

/* The first in the list that lost its connection; `group` NULL: of anybody. NULL: none. */
static struct nakodo_v1_seat *find_away(struct nakodo_v1_seat *list, const struct address *group,
	bool (*fits)(const struct nakodo_v1_seat *seat))
{
	struct nakodo_v1_seat *seat;

	DL_FOREACH2(list, seat, away_next)
	{
		if (is_of(seat, group) && fits(seat)) {
			return seat;
		}
	}
	return NULL;
}

static struct nakodo_v1_seat *find_yielding(const struct nakodo_v1 *v1,
	const struct address *newcomer, bool (*fits)(const struct nakodo_v1_seat *seat))
{
	struct address group;

	return share_find_yielding(&v1->kept, newcomer, 1, &group)
		       ? find_away(v1->away, &group, fits)
		       : NULL;
}

bool nakodo_v1_place_for_room(struct nakodo_v1 *v1, const struct address *newcomer)
{
	struct nakodo_v1_seat *seat = find_away(v1->unconfirmed, NULL, is_alone);

	return give_up(seat ? seat : find_yielding(v1, newcomer, is_alone));
}

bool nakodo_v1_give_way(struct mount *mount, const struct address *newcomer)
{
	return give_up(find_yielding(mount->state, newcomer, is_placed));
}
