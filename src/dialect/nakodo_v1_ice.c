/*
 * nakodo_v1_ice: owns the order of a mount's seats: who was told longest ago comes first, and
 * before all who knows of none that expire. So one timer serves all of them, and costs nothing for
 * those who are not due.
 */
#include "nakodo/dialect/nakodo_v1_ice.h"

#include <stdlib.h>
#include <utlist.h>

#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/nakodo_v1_seat.h"
#include "nakodo/service/ice.h"

#define MOST 32 /* seats that are told in one turn of the loop */

static void on_renewal(struct wheel_timer *timer);

static uint64_t due_of(const struct nakodo_v1_seat *seat, uint64_t renewal)
{
	return seat->told ? seat->told + renewal : 0;
}

static void set_renewal(struct nakodo_v1 *v1)
{
	uint64_t now = hub_now(v1->hub);
	uint64_t due = due_of(v1->seats, ice_renewal(v1->mount->env->ice));

	hub_set_timer(v1->hub, &v1->renewal, due > now ? due - now : WHEEL_STEP, on_renewal);
}

void nakodo_v1_ice_adapt(struct nakodo_v1 *v1)
{
	struct nakodo_v1_seat *seat;

	if (!ice_renewal(v1->mount->env->ice)) {
		DL_FOREACH (v1->seats, seat) {
			seat->told = 0;
		}
	} else if (v1->seats) {
		set_renewal(v1);
	}
}

static void move_back(struct nakodo_v1_seat *seat)
{
	struct nakodo_v1 *v1 = seat->mount;
	uint64_t now = hub_now(v1->hub);

	seat->told = now ? now : 1;
	DL_DELETE(v1->seats, seat);
	DL_APPEND(v1->seats, seat);
	if (!v1->renewal.at) {
		set_renewal(v1);
	}
}

void nakodo_v1_ice_print(struct nakodo_v1_seat *seat, struct text *out)
{
	const struct ice *ice = seat->mount->mount->env->ice;

	text_add(out, "\"iceServers\":");
	ice_print(ice, out);
	if (ice_renewal(ice)) {
		move_back(seat);
	}
}

static void tell(struct nakodo_v1_seat *seat)
{
	struct text text = {0};
	struct iovec part;

	text_add(&text, "{\"type\":\"ice\",");
	nakodo_v1_ice_print(seat, &text);
	text_add(&text, "}");
	part.iov_base = text_take(&text, &part.iov_len);
	if (part.iov_base) {
		nakodo_v1_seat_send(seat, &part, 1);
		free(part.iov_base);
	}
}

static void on_renewal(struct wheel_timer *timer)
{
	size_t offset = offsetof(struct nakodo_v1, renewal);
	struct nakodo_v1 *v1 = (void *)((char *)timer - offset);
	uint64_t now = hub_now(v1->hub), after = ice_renewal(v1->mount->env->ice);

	if (!after) { /* what they were told of is no more, or does not expire any more */
		return;
	}
	for (int i = 0; i < MOST && v1->seats && due_of(v1->seats, after) <= now; i++) {
		if (v1->seats->peer) {
			tell(v1->seats);
		} else { /* who comes back is told in `resumed` */
			move_back(v1->seats);
		}
	}
	if (v1->seats) {
		set_renewal(v1);
	}
}
