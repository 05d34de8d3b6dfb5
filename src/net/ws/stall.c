/* stall: owns what is known of each watched peer, and the list of them. */
#include "nakodo/net/ws/stall.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <utlist.h>

#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/kernel.h"

#define TICK 250 /* ms */

struct stalled {
	struct conn *conn;
	struct stalled *prev, *next;
	uint64_t since; /* ms: when it was seen to take something last */
	uint64_t mark; /* changes when it does */
};

static void look_at(struct stalls *stalls, struct stalled *stalled)
{
	struct conn *conn = stalled->conn;
	int fd = lws_get_socket_fd(conn->wsi);
	uint64_t now = deadlines_now(stalls->deadlines), mark = kernel_mark(fd);

	DL_DELETE(stalls->watched, stalled);
	DL_APPEND(stalls->watched, stalled);
	if (mark != stalled->mark) {
		stalled->mark = mark;
		stalled->since = now;
	}
	if (!conn->waiting && !kernel_unacknowledged(fd)) {
		stall_end(stalls, conn);
	} else if (now - stalled->since >= stalls->options->slow_seconds * 1000) {
		meter_add(METER_STALLED, 1);
		hub_close_slow(&conn->peer); /* which ends the watch */
	}
}

static void on_tick(struct wheel_timer *timer)
{
	struct stalls *stalls = lws_container_of(timer, struct stalls, tick);
	struct stalled *stalled;
	size_t count;

	/* The one in front goes to the end, since closing one may end others. */
	DL_COUNT(stalls->watched, stalled, count);
	for (; count && stalls->watched; count--) {
		look_at(stalls, stalls->watched);
	}
	if (stalls->watched) {
		deadlines_set(stalls->deadlines, timer, TICK, on_tick);
	}
}

void stall_watch(struct stalls *stalls, struct conn *conn)
{
	struct stalled *stalled;

	if (conn->stalled || conn->peer.state != PEER_OPEN) {
		return;
	}
	stalled = calloc(1, sizeof(*stalled));
	if (!stalled) {
		return; /* it is looked at again at its next write */
	}
	stalled->conn = conn;
	stalled->since = deadlines_now(stalls->deadlines);
	stalled->mark = kernel_mark(lws_get_socket_fd(conn->wsi));
	conn->stalled = stalled;
	DL_APPEND(stalls->watched, stalled);
	if (!stalls->tick.at) {
		deadlines_set(stalls->deadlines, &stalls->tick, TICK, on_tick);
	}
}

void stall_look(struct stalls *stalls, struct conn *conn)
{
	if (kernel_unacknowledged(lws_get_socket_fd(conn->wsi))) {
		stall_watch(stalls, conn);
	}
}

void stall_end(struct stalls *stalls, struct conn *conn)
{
	if (conn->stalled) {
		DL_DELETE(stalls->watched, conn->stalled);
		free(conn->stalled);
		conn->stalled = NULL;
	}
}
