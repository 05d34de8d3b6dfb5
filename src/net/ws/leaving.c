/*
 * leaving: owns the list of connections whose peer is about to leave.
 *
 * Who has to wait has no time left in this turn, and all get what there is of the next one before
 * anybody else of their address: so while one waits, nobody of its address is admitted, and finds
 * its id still taken.
 */
#include "nakodo/net/ws/leaving.h"

#include <utlist.h>

#include "nakodo/base/meter.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/ws/rates.h"
#include "nakodo/net/ws/ws.h"

static bool has_time(const struct conn *conn)
{
	const struct leaving *leaving = &conn->ws->leaving;

	return leaving->at_once ||
	       turn_has_room(leaving->turn, census_find(leaving->census, &conn->address));
}

void leaving_detach(struct conn *conn)
{
	stall_end(&conn->ws->stalls, conn);
	rates_leave(conn);
	conn_leave_place(conn);
	reading_leave(&conn->ws->reading, conn);
	flood_leave(conn);
}

/* Of one that is pending its dialect knows nothing. */
void leaving_begin(struct conn *conn)
{
	struct peer *peer = &conn->peer;

	if (conn->leaving) {
		return;
	}
	if (peer->state != PEER_OPEN || pace_is_pending(conn) || has_time(conn)) {
		hub_drop(peer);
		return;
	}
	pace_detach(conn);
	leaving_detach(conn);
	hub_mute(peer);
	deadlines_clear(conn->ws->deadlines, &conn->timer);
	conn->leaving = true;
	DL_APPEND2(conn->ws->leaving.first, conn, more_prev, more_next);
	meter_add(METER_LEFT_LATER, 1);
}

/* Behind what it had said. */
static bool may_leave(struct conn *conn)
{
	pace_release(conn);
	return has_time(conn);
}

/* Its dialect may have closed it meanwhile. */
static void leave(struct conn *conn)
{
	hub_drop(&conn->peer);
	conn->leaving = false;
	conn->more_prev = NULL;
	if (!conn->wsi) {
		conn_destroy(conn);
	}
}

void leaving_let_go(struct conn *conn)
{
	leaving_begin(conn);
	if (conn->leaving) {
		conn_let_go(conn);
	} else {
		conn_destroy(conn);
	}
}

void leaving_settle(struct leaving *leaving)
{
	struct conn *conn;
	size_t count;

	DL_COUNT2(leaving->first, conn, count, more_next);
	while (count--) {
		conn = leaving->first;
		DL_DELETE2(leaving->first, conn, more_prev, more_next);
		if (may_leave(conn)) {
			leave(conn);
		} else {
			DL_APPEND2(leaving->first, conn, more_prev, more_next);
		}
	}
}

bool leaving_has_more(const struct leaving *leaving)
{
	return leaving->first;
}

void leaving_finish(struct leaving *leaving)
{
	leaving->at_once = true;
	leaving_settle(leaving);
}
