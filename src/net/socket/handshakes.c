/* handshakes: owns accepted sockets between their first bytes and their conn, in a lane for each
 * address group. */
#include "nakodo/net/socket/handshakes.h"

#include <stdlib.h>
#include <utlist.h>

#include "nakodo/base/hash.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/hub/audit.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/sockets.h"

/* One takes about half a millisecond of processor time until its upgrade is answered. */
#define PER_TURN 16

struct queued_handshake {
	struct accepted accepted;
	struct queued_handshake *prev, *next;
};

/* Those of one address. There is none without anybody in it, so its group stays. */
struct lane {
	struct census_group *group; /* NULL: whose address is not known */
	struct queued_handshake *queue; /* the oldest first (utlist DL) */
	struct lane *prev, *next;
	UT_hash_handle hh;
};

static void forget_lane(struct handshakes *handshakes, struct lane *lane)
{
	DL_DELETE(handshakes->lanes, lane);
	HASH_DEL(handshakes->by_group, lane);
	handshakes->lane_count--;
	memory_give(MEMORY_CONNECTIONS, sizeof(*lane));
	free(lane);
}

static struct accepted take_first(struct handshakes *handshakes, struct lane *lane)
{
	struct queued_handshake *first = lane->queue;
	struct accepted accepted = first->accepted;

	DL_DELETE(lane->queue, first);
	census_unqueue_handshake(accepted.group);
	accepted.listener->sockets->count--;
	meter_subtract(METER_HANDSHAKES_QUEUED, 1);
	memory_give(MEMORY_CONNECTIONS, sizeof(*first));
	free(first);
	if (!lane->queue) {
		forget_lane(handshakes, lane);
	}
	return accepted;
}

static void adopt_first(struct handshakes *handshakes, struct lane *lane)
{
	struct accepted accepted = take_first(handshakes, lane);
	struct sockets *sockets = accepted.listener->sockets;

	/* That it had to wait was not its fault. */
	accepted.deadline =
		deadlines_now(sockets->deadlines) + sockets->options->handshake_timeout * 1000;
	sockets->adopt(sockets, &accepted);
}

static void on_idle(uv_idle_t *idle)
{
	(void)idle;
}

/* The lanes in turn, until there is no room in any of them. */
static void on_prepare(uv_prepare_t *prepare)
{
	struct handshakes *handshakes = prepare->data;
	unsigned done = 0;
	size_t stuck = 0;

	while (done < PER_TURN && stuck < handshakes->lane_count) {
		struct lane *lane = handshakes->lanes;

		DL_DELETE(handshakes->lanes, lane);
		DL_APPEND(handshakes->lanes, lane);
		if (census_may_shake_hands(lane->group)) {
			adopt_first(handshakes, lane);
			done++;
			stuck = 0;
		} else {
			stuck++;
		}
	}
	if (stuck < handshakes->lane_count) {
		uv_idle_start(&handshakes->idle, on_idle);
	} else {
		uv_idle_stop(&handshakes->idle);
	}
	if (!handshakes->lanes) {
		uv_prepare_stop(prepare);
	}
}

void handshakes_init(struct handshakes *handshakes, uv_loop_t *loop)
{
	uv_prepare_init(loop, &handshakes->prepare);
	handshakes->prepare.data = handshakes;
	uv_idle_init(loop, &handshakes->idle);
}

/* NULL: no memory. */
static struct lane *lane_of(struct handshakes *handshakes, struct census_group *group)
{
	struct lane *lane;

	HASH_FIND_PTR(handshakes->by_group, &group, lane);
	if (lane) {
		return lane;
	}
	lane = calloc(1, sizeof(*lane));
	if (lane) {
		lane->group = group;
		HASH_ADD_PTR(handshakes->by_group, group, lane);
		if (!lane->hh.tbl) {
			free(lane);
			return NULL;
		}
		DL_APPEND(handshakes->lanes, lane);
		handshakes->lane_count++;
		memory_take(MEMORY_CONNECTIONS, sizeof(*lane));
	}
	return lane;
}

void handshakes_add(struct handshakes *handshakes, struct accepted *accepted)
{
	struct queued_handshake *last = malloc(sizeof(*last));
	struct lane *lane = last ? lane_of(handshakes, accepted->group) : NULL;

	if (!lane) {
		free(last);
		conn_discard(accepted);
		return;
	}
	memory_take(MEMORY_CONNECTIONS, sizeof(*last));
	last->accepted = *accepted;
	DL_APPEND(lane->queue, last);
	census_queue_handshake(accepted->group);
	accepted->listener->sockets->count++;
	meter_add(METER_HANDSHAKES_QUEUED, 1);
	uv_prepare_start(&handshakes->prepare, on_prepare);
}

void handshakes_finish(struct handshakes *handshakes)
{
	while (handshakes->lanes) {
		struct accepted accepted = take_first(handshakes, handshakes->lanes);

		conn_discard(&accepted);
	}
	uv_close((uv_handle_t *)&handshakes->prepare, NULL);
	uv_close((uv_handle_t *)&handshakes->idle, NULL);
}

#ifdef NAKODO_AUDIT
void handshakes_audit(const struct handshakes *handshakes, struct audit *audit)
{
	const struct queued_handshake *queued;
	const struct lane *lane;

	DL_FOREACH (handshakes->lanes, lane) {
		audit_bytes(audit, MEMORY_CONNECTIONS, sizeof(*lane));
		DL_FOREACH (lane->queue, queued) {
			audit_bytes(audit, MEMORY_CONNECTIONS, sizeof(*queued));
		}
	}
}
#endif
