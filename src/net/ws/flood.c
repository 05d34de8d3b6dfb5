/* flood: see the header. */
#include "nakodo/net/ws/flood.h"

#include <libwebsockets.h>
#include <time.h>
#include <utlist.h>

#include "nakodo/base/meter.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/kernel.h"
#include "nakodo/net/socket/sockets.h"

#define EVERY 1000 /* ms */
#define BUSY 500000000 /* ns of processor time in that */
#define SURPLUS_MAX (64 << 10) /* bytes in that, beyond what was counted */
#define OVERHEAD 128 /* bytes around a piece of a message, at most: frame and TLS record */

static uint64_t time_used(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

/* The counters may wrap: only what they have grown by is looked at. */
static void look(struct conn *conn, bool compare)
{
	uint32_t surplus =
		(uint32_t)kernel_bytes_read(lws_get_socket_fd(conn->wsi)) - conn->counted_bytes;
	int32_t grown = (int32_t)(surplus - conn->surplus);

	conn->surplus = surplus;
	if (compare && grown > SURPLUS_MAX && conn->peer.state == PEER_OPEN) {
		meter_add(METER_FLOODS, 1);
		hub_close(&conn->peer, 4429, "too many control frames");
	}
}

static void on_time(struct wheel_timer *timer)
{
	struct flood *flood = lws_container_of(timer, struct flood, timer);
	uint64_t used = time_used();
	bool busy = used - flood->used > BUSY;
	struct conn *conn, *next;

	flood->used = used;
	if (busy) {
		DL_FOREACH_SAFE (flood->sockets->conns, conn, next) {
			if (conn->stage == CONN_OPEN) {
				look(conn, flood->looked);
			}
		}
	}
	flood->looked = busy;
	deadlines_set(flood->deadlines, timer, EVERY, on_time);
}

void flood_start(struct flood *flood, struct deadlines *deadlines, struct sockets *sockets)
{
	*flood = (struct flood){.deadlines = deadlines, .sockets = sockets, .used = time_used()};
	deadlines_set(deadlines, &flood->timer, EVERY, on_time);
}

void flood_count(struct conn *conn, size_t len)
{
	if (len) {
		conn->counted_bytes += (uint32_t)len + OVERHEAD;
	}
}
