/*
 * nakodo_v1_place: who gives up a place when there is none left for a newcomer. Only seats without
 * a connection do: first those whose client never showed that it can resume, then one of those who
 * keep most of them, as long as these have more than the newcomer would have (service/share.h). A
 * room is given up as a whole, if nobody is there.
 */
#include "nakodo/dialect/nakodo_v1_place.h"

#include <errno.h>
#include <utlist.h>

#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/event.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/nakodo_v1_away.h"
#include "nakodo/dialect/nakodo_v1_seat.h"

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

static struct nakodo_v1_seat *find_yielding(const struct room *room, const struct address *newcomer)
{
	struct nakodo_v1_seat *seat = find_in_room(room, NULL, false);

	return seat ? seat : find_yielding_in_room(room, newcomer);
}

/* Who has to give way in a full room? NULL: nobody, or there would still be no place. */
static struct nakodo_v1_seat *find_place(
	const struct room *room, const struct address *newcomer, size_t most)
{
	return room->count <= most ? find_yielding(room, newcomer) : NULL;
}

bool nakodo_v1_is_full(const struct room *room, const struct address *newcomer, size_t most)
{
	return room->count >= most && !find_place(room, newcomer, most);
}

static void claim(const struct room *room, void (*how)(struct share_owner *owner, size_t amount))
{
	const struct member *member;

	DL_FOREACH (room->members, member) {
		const struct nakodo_v1_seat *seat = nakodo_v1_seat_of(member);

		if (seat->keeper) {
			how(seat->keeper, 1);
		}
	}
}

/* Has every one whose seats are kept there more than the newcomer would have, as they are counted?
 * *ret is the one of them that has least; NULL: none is kept, so that anybody may have the room. */
static bool have_enough(const struct room *room, const struct share_newcomer *newcomer,
	const struct share_owner **ret)
{
	const struct member *member;

	*ret = NULL;
	DL_FOREACH (room->members, member) {
		const struct nakodo_v1_seat *seat = nakodo_v1_seat_of(member);

		if (seat->keeper ? !share_can_spare(seat->keeper, newcomer)
				 : nakodo_v1_seat_is_confirmed(seat)) {
			return false;
		}
		if (seat->keeper && (!*ret || share_is_heavier(*ret, seat->keeper))) {
			*ret = seat->keeper;
		}
	}
	return true;
}

/* The same without what is kept in the room itself. */
static bool can_spare(const struct room *room, const struct share_newcomer *newcomer,
	const struct share_owner **ret)
{
	bool spare;

	claim(room, share_claim);
	spare = have_enough(room, newcomer, ret);
	claim(room, share_unclaim);
	return spare;
}

/* A room that could be given up. */
struct choice {
	struct room *room; /* NULL: none was found yet */
	const struct share_owner *keeper; /* as of can_spare() */
};

static bool is_kept_for_nobody(const struct choice *choice)
{
	return choice->room && !choice->keeper;
}

/* Best is one that is kept for nobody, then one of those who have most. */
static bool is_better(const struct choice *one, const struct choice *other)
{
	if (!other->room) {
		return true;
	}
	if (!one->keeper || !other->keeper) {
		return other->keeper;
	}
	return share_is_heavier(one->keeper, other->keeper);
}

/* Is it a better choice to give up the seat's room? */
static void consider(struct choice *choice, const struct nakodo_v1_seat *seat,
	const struct share_newcomer *newcomer)
{
	struct choice found = {seat->member->room, NULL};

	if (nakodo_v1_is_deserted(found.room) && can_spare(found.room, newcomer, &found.keeper) &&
		is_better(&found, choice)) {
		*choice = found;
	}
}

/* Look at each room once, with the seat that came first, until one is kept for nobody. */
static void consider_all(
	struct choice *choice, struct nakodo_v1_seat *list, const struct share_newcomer *newcomer)
{
	struct nakodo_v1_seat *seat;

	DL_FOREACH2(list, seat, away_next)
	{
		if (is_kept_for_nobody(choice)) {
			return;
		}
		if (seat->member->room->members == seat->member) {
			consider(choice, seat, newcomer);
		}
	}
}

/* Look at the rooms in which seats of the owner are kept, until one has none of anybody else's. */
static void consider_kept(
	struct choice *choice, struct share_owner *owner, const struct share_newcomer *newcomer)
{
	struct nakodo_v1_seat *seat;

	DL_FOREACH2(nakodo_v1_seats_kept(owner), seat, kept_next)
	{
		consider(choice, seat, newcomer);
		if (choice->keeper == owner) {
			return;
		}
	}
}

static struct room *choose_room(struct nakodo_v1 *v1, const struct address *newcomer)
{
	struct choice choice = {NULL, NULL};
	struct share_newcomer asks;
	struct share_owner *most;

	share_ask(&asks, &v1->kept, newcomer, 1);
	consider_all(&choice, v1->unconfirmed, &asks);
	if (is_kept_for_nobody(&choice)) {
		return choice.room;
	}
	/* If who has most has not to give way, nobody has; and a room of that one's alone is as
	 * good a choice as any can be. */
	most = share_find_yielding_owner(&v1->kept, newcomer, 1);
	if (most) {
		consider_kept(&choice, most, &asks);
	}
	if (most && choice.keeper != most) {
		consider_all(&choice, v1->away, &asks);
	}
	return choice.room;
}

static bool place_for_room(struct nakodo_v1 *v1, const struct address *newcomer)
{
	struct room *room = choose_room(v1, newcomer);
	struct member *member, *next;

	if (!room) {
		return false;
	}
	/* Nobody is there to hear of it. */
	DL_FOREACH_SAFE (room->members, member, next) {
		struct nakodo_v1_seat *seat = nakodo_v1_seat_of(member);

		meter_add(METER_SEATS_YIELDED, 1);
		event_leave_member(v1->mount, member, &seat->address, EVENT_GONE);
		nakodo_v1_seat_destroy(seat);
	}
	return true;
}

/* One who is away gives way, if by that there is a place. */
static bool make_place(
	struct nakodo_v1 *v1, const char *name, const struct address *newcomer, size_t most)
{
	const struct room *full = hub_room(v1->mount->space, name);

	return full ? give_up(find_place(full, newcomer, most)) : place_for_room(v1, newcomer);
}

int nakodo_v1_place_take(struct nakodo_v1_seat **ret, struct nakodo_v1 *v1, const char *name,
	const struct address *newcomer, size_t most)
{
	const struct room *room = hub_room(v1->mount->space, name);
	int error = -ENOSPC;

	if (!room || room->count < most) {
		error = nakodo_v1_seat_create(ret, v1, name);
	}
	if (error == -ENOSPC && make_place(v1, name, newcomer, most)) {
		error = nakodo_v1_seat_create(ret, v1, name);
	}
	return error;
}

bool nakodo_v1_give_way(struct mount *mount, const struct address *newcomer)
{
	const struct nakodo_v1 *v1 = mount->state;
	struct share_owner *most = share_find_yielding_owner(&v1->kept, newcomer, 1);
	struct nakodo_v1_seat *seat = most ? nakodo_v1_seats_kept(most) : NULL;

	while (seat && !seat->placed) {
		seat = seat->kept_next;
	}
	return give_up(seat);
}
