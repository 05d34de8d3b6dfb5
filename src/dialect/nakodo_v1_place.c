/*
 * nakodo_v1_place: who gives up a place when there is none left for a newcomer. Only seats without
 * a connection do: first those whose client never showed that it can resume, then one of those who
 * keep most of them, as long as these have more than the newcomer would have (hub/share.h). A room
 * is given up as a whole, if nobody is there.
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

/* Has every one whose seats are kept there more than the newcomer would have, without the room?
 * *ret is the one of them that has least; NULL: none is kept, so that anybody may have the room. */
static bool can_spare(const struct room *room, const struct share_newcomer *newcomer,
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

struct choice {
	struct room *room; /* NULL: none was found yet */
	const struct share_owner *keeper; /* as of can_spare() */
};

/* Is it a better choice to give up the seat's room? */
static void consider(struct choice *choice, const struct nakodo_v1_seat *seat,
	const struct share_newcomer *newcomer)
{
	struct room *room = seat->member->room;
	const struct share_owner *keeper;
	bool spare;

	if (!nakodo_v1_is_deserted(room)) {
		return;
	}
	claim(room, share_claim);
	spare = can_spare(room, newcomer, &keeper);
	claim(room, share_unclaim);
	if (spare && (!choice->room || (choice->keeper && (!keeper || share_is_heavier(keeper,
									      choice->keeper))))) {
		*choice = (struct choice){room, keeper};
	}
}

/* Look at each room once, with the seat that came first, until it is one that was kept for nobody.
 */
static void choose_room(
	struct choice *choice, struct nakodo_v1_seat *list, const struct share_newcomer *newcomer)
{
	struct nakodo_v1_seat *seat;

	DL_FOREACH2(list, seat, away_next)
	{
		if (seat->member->room->members == seat->member) {
			consider(choice, seat, newcomer);
		}
		if (choice->room && !choice->keeper) {
			return;
		}
	}
}

/* A room that was kept for nobody else than who has most is as good a choice as any can be, and if
 * that one has not to give way nobody has. True: there is nothing better to be found. */
static bool choose_room_of_most(struct choice *choice, struct nakodo_v1 *v1,
	const struct address *address, const struct share_newcomer *newcomer)
{
	struct share_owner *most = share_find_yielding_owner(&v1->kept, address, 1);
	struct nakodo_v1_seat *seat;

	if (!most) {
		return true;
	}
	DL_FOREACH2(nakodo_v1_seats_kept(most), seat, kept_next)
	{
		consider(choice, seat, newcomer);
		if (choice->keeper == most) {
			return true;
		}
	}
	return false;
}

bool nakodo_v1_place_for_room(struct nakodo_v1 *v1, const struct address *newcomer)
{
	struct share_newcomer asks;
	struct choice choice = {NULL, NULL};
	struct member *member, *next;

	share_ask(&asks, &v1->kept, newcomer, 1);
	choose_room(&choice, v1->unconfirmed, &asks);
	if ((!choice.room || choice.keeper) && !choose_room_of_most(&choice, v1, newcomer, &asks)) {
		choose_room(&choice, v1->away, &asks);
	}
	if (!choice.room) {
		return false;
	}
	/* Nobody is there to hear of it. */
	DL_FOREACH_SAFE (choice.room->members, member, next) {
		meter_add(METER_SEATS_YIELDED, 1);
		nakodo_v1_seat_destroy(nakodo_v1_seat_of(member));
	}
	return true;
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
