/* nakodo_v1_away: owns the lists of those without a connection. */
#include "nakodo/dialect/nakodo_v1_away.h"

#include <utlist.h>

#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/nakodo_v1.h"

struct nakodo_v1_seat *nakodo_v1_seats_kept(struct share_owner *keeper)
{
	return *share_list(keeper);
}

static void begin_to_keep(struct nakodo_v1_seat *seat)
{
	struct share *kept = &seat->mount->kept;
	struct nakodo_v1_seat *list;

	if (!share_add(kept, &seat->address, 1)) {
		seat->keeper = share_find(kept, &seat->address);
		list = nakodo_v1_seats_kept(seat->keeper);
		DL_APPEND2(list, seat, kept_prev, kept_next);
		*share_list(seat->keeper) = list;
	}
}

static void end_keeping(struct nakodo_v1_seat *seat)
{
	struct nakodo_v1_seat *list;

	if (seat->keeper) {
		list = nakodo_v1_seats_kept(seat->keeper);
		DL_DELETE2(list, seat, kept_prev, kept_next);
		*share_list(seat->keeper) = list;
		share_remove(&seat->mount->kept, &seat->address, 1);
		seat->keeper = NULL;
	}
}

void nakodo_v1_away_begin(struct nakodo_v1_seat *seat)
{
	struct nakodo_v1 *v1 = seat->mount;

	if (seat->confirmed.seat) {
		begin_to_keep(seat);
		DL_APPEND2(v1->away, seat, away_prev, away_next);
	} else {
		DL_APPEND2(v1->unconfirmed, seat, away_prev, away_next);
	}
}

void nakodo_v1_away_end(struct nakodo_v1_seat *seat)
{
	struct nakodo_v1 *v1 = seat->mount;

	if (!seat->away_prev) {
		return;
	}
	if (seat->confirmed.seat) {
		end_keeping(seat);
		DL_DELETE2(v1->away, seat, away_prev, away_next);
	} else {
		DL_DELETE2(v1->unconfirmed, seat, away_prev, away_next);
	}
	seat->away_prev = seat->away_next = NULL;
}

void nakodo_v1_away_leave_place(struct nakodo_v1_seat *seat)
{
	const struct dialect_env *env = seat->mount->mount->env;

	if (seat->placed) {
		seat->placed = false;
		env->leave_place(env->cookie, &seat->address);
	}
}
