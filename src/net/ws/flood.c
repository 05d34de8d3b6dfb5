/* flood: see the header. */
#include "nakodo/net/ws/flood.h"

#include <fcntl.h>
#include <inttypes.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "nakodo/base/meter.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/kernel.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/ws/pace.h"

#define EVERY 1000 /* ms */
#define SURPLUS_MAX (64 << 10) /* bytes in that, beyond what was counted */
#define ADDRESS 8 /* times as much, of all connections of one address */
#define SMALL 16 /* a connection with less than 1 / SMALL of SURPLUS_MAX has no part in that */
#define SENT_ON_MAX (256 << 10) /* bytes that may still come from who was closed */
#define SLICE 10 /* ms between two parts of a round */
#define SLICES 64 /* of a round; so it ends within EVERY */
/* Bytes around what came, at most. */
#define SHORT_HEADER 6 /* of a frame of less than LONG bytes (RFC 6455 section 5.2) */
#define LONG_HEADER 14
#define LONG 126
#define RECORD 85 /* of TLS 1.2, with AES-CBC and SHA-384 */

/* ms that the thread has run, and was ready to run and had to wait for a processor (proc(5)): on a
 * machine that gives it less than it needs the first alone looks like leisure. */
static uint64_t time_needed(void)
{
	char text[64] = "";
	int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	uint64_t ran, waited;
	struct timespec used;

	if (fd >= 0) {
		(void)!read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (sscanf(text, "%" SCNu64 " %" SCNu64, &ran, &waited) == 2) {
		return (ran + waited) / 1000000;
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
}

static void end(struct conn *conn)
{
	if (conn->peer.state == PEER_OPEN) {
		meter_add(METER_FLOODS, 1);
		hub_close(&conn->peer, 4429, "too many control frames");
	} else {
		meter_add(METER_SENT_ON, 1);
		conn_kill(conn);
	}
}

/* The counters may wrap: only what they have grown by is looked at. */
static void look(struct flood *flood, struct conn *conn)
{
	uint32_t surplus =
		(uint32_t)kernel_bytes_read(lws_get_socket_fd(conn->wsi)) - conn->counted_bytes;
	int64_t grown = (int32_t)(surplus - conn->surplus), all;

	conn->surplus = surplus;
	if (!flood->compare || grown <= 0) {
		return;
	}
	all = (int64_t)census_count_surplus(
		conn->place ? conn->place : conn->group, flood->round, (uint32_t)grown);
	if (grown > flood->allowed ||
		(all > flood->allowed * ADDRESS && grown > flood->allowed / SMALL)) {
		end(conn);
	}
}

static void on_time(struct wheel_timer *timer);

/* Who has come since the round began is of the next. */
static struct conn *next(struct flood *flood)
{
	return flood->left && flood->left-- ? conn_walk_next(&flood->walk) : NULL;
}

static void on_slice(struct wheel_timer *timer)
{
	struct flood *flood = lws_container_of(timer, struct flood, timer);
	struct conn *conn = NULL;
	uint64_t took;

	for (size_t i = 0; i < flood->slice && (conn = next(flood)); i++) {
		if (conn->stage >= CONN_OPEN && conn->stage < CONN_DEAD) {
			look(flood, conn);
		}
	}
	if (conn) {
		deadlines_set(flood->deadlines, timer, SLICE, on_slice);
	} else {
		conn_walk_end(&flood->walk);
		took = deadlines_now(flood->deadlines) - flood->began;
		deadlines_set(flood->deadlines, timer, took < EVERY ? EVERY - took : 0, on_time);
	}
}

static void begin(struct flood *flood)
{
	flood->began = deadlines_now(flood->deadlines);
	flood->needed = time_needed();
}

static void on_time(struct wheel_timer *timer)
{
	struct flood *flood = lws_container_of(timer, struct flood, timer);
	uint64_t elapsed = deadlines_now(flood->deadlines) - flood->began;
	uint64_t before = flood->needed;

	begin(flood);
	flood->compare = flood->busy;
	flood->busy = (flood->needed - before) * 2 > elapsed;
	if (flood->busy) {
		flood->round++;
		flood->allowed = SURPLUS_MAX * (int64_t)elapsed / EVERY;
		flood->left = flood->sockets->adopted;
		flood->slice = flood->left / SLICES + 1;
		conn_walk_begin(&flood->walk, flood->sockets);
		on_slice(timer);
	} else {
		flood->rest = true;
	}
}

/* An idle process is not woken each second to hear that it is idle: that turn begins no new one. */
static void on_check(uv_check_t *check)
{
	struct flood *flood = check->data;

	if (!flood->timer.at && !flood->rest) {
		begin(flood);
		deadlines_set(flood->deadlines, &flood->timer, EVERY, on_time);
	}
	flood->rest = false;
}

void flood_start(struct flood *flood, struct deadlines *deadlines, struct sockets *sockets)
{
	*flood = (struct flood){.deadlines = deadlines, .sockets = sockets};
	flood->check.data = flood;
	uv_check_init(sockets->loop, &flood->check);
	uv_check_start(&flood->check, on_check);
}

void flood_finish(struct flood *flood)
{
	conn_walk_end(&flood->walk);
	uv_close((uv_handle_t *)&flood->check, NULL);
}

void flood_begin(struct conn *conn)
{
	conn->surplus = (uint32_t)kernel_bytes_read(lws_get_socket_fd(conn->wsi));
}

void flood_count(struct conn *conn, size_t len, size_t rest)
{
	size_t header = len + rest < LONG ? SHORT_HEADER : LONG_HEADER;

	if (len) {
		conn->counted_bytes +=
			(uint32_t)(len + header + (lws_get_ssl(conn->wsi) ? RECORD : 0));
	}
}

void flood_leave(struct conn *conn)
{
	conn->surplus += conn->counted_bytes;
	conn->counted_bytes = 0;
}

void flood_skip(struct conn *conn, size_t len)
{
	flood_count(conn, len < PACE_PIECE ? PACE_PIECE : len, 0);
	if (conn->counted_bytes > SENT_ON_MAX && conn->stage != CONN_DEAD) {
		meter_add(METER_SENT_ON, 1);
		conn_kill(conn);
	}
}
