/* nakodo_v1_shed: see the header. */
#include "nakodo/dialect/nakodo_v1_shed.h"

#include <utlist.h>

#include "nakodo/base/meter.h"
#include "nakodo/dialect/mount.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/nakodo_v1_history.h"
#include "nakodo/dialect/nakodo_v1_seat.h"
#include "nakodo/service/shortage.h"

static size_t weight(const struct nakodo_v1_seat *seat)
{
	return outbox_weight(&seat->session.kept) + seat->counted +
	       nakodo_v1_waiting_weight(&seat->waiting);
}

static void weigh(const struct nakodo_v1_seat *list, struct share *held)
{
	const struct nakodo_v1_seat *seat;

	DL_FOREACH2(list, seat, away_next)
	{
		share_add(held, &seat->address, weight(seat)); /* not counted, it stays */
	}
}

void nakodo_v1_weigh(const struct mount *mount, struct shortage *shortage)
{
	const struct nakodo_v1 *v1 = mount->state;

	share_add_all(&shortage->held, &v1->said);
	weigh(v1->unconfirmed, &shortage->held);
	weigh(v1->away, &shortage->held);
}

static void shed(struct nakodo_v1_seat *list, struct shortage *shortage)
{
	struct nakodo_v1_seat *seat, *next;

	DL_FOREACH_SAFE2(list, seat, next, away_next)
	{
		if (shortage_takes(shortage, &seat->address)) {
			shortage_take(shortage, &seat->address, weight(seat));
			meter_add(METER_SHED_SESSIONS, 1);
			nakodo_v1_seat_leave(seat, "gone", 0);
		}
	}
}

static bool is_any(const struct room *room)
{
	return room;
}

void nakodo_v1_shed(struct mount *mount, struct shortage *shortage)
{
	struct nakodo_v1 *v1 = mount->state;

	nakodo_v1_history_shed(v1, shortage, nakodo_v1_is_deserted);
	nakodo_v1_history_shed(v1, shortage, is_any);
	shed(v1->unconfirmed, shortage);
	shed(v1->away, shortage);
}

size_t nakodo_v1_kept(const struct peer *peer)
{
	const struct nakodo_v1_seat *seat = nakodo_v1_seat_at(peer);

	return seat ? weight(seat) : 0;
}

void nakodo_v1_forsake(struct peer *peer)
{
	struct nakodo_v1_seat *seat = nakodo_v1_seat_at(peer);

	if (seat) {
		nakodo_v1_seat_leave(seat, "gone", 0);
	}
}
