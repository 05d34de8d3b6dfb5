/* Owns the rooms and the flow of their messages:
 *
 *   connect → ping, pong (the server has made everyone a member) → warm up → measure → drain
 *
 * A room keeps `window` messages in flight: when all others have got one, the next is sent. */
#include "rooms.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "figures.h"
#include "load.h"
#include "meter.h"
#include "payload.h"
#include "wire.h"

#define SECOND 1000000000u
#define DRAIN_NS (5ull * SECOND)
#define TURN_MS 10

struct room {
	struct run *run;
	struct seat *sender;
	char *payload; /* as every receiver must get it, but for the stamp */
	unsigned char *frame; /* the same as the sender sends it */
	uint64_t sent; /* messages; the next one's number */
	uint64_t done; /* messages that all have got */
	unsigned *waiting; /* receivers that have yet to get message n, at n % window */
};

struct seat {
	struct room *room;
	struct conn *conn;
	struct order order;
};

struct run {
	const struct load_options *o;
	struct net *net;
	struct room *rooms;
	struct seat *seats; /* those of a room side by side, its sender first */
	unsigned seat_count, opening, joined;
	size_t frame_len;
	bool sending;
	struct figures figures;
};

static void room_send(struct room *room)
{
	struct run *r = room->run;
	struct payload_stamp stamp = {.seq = room->sent++, .time = meter_now()};

	room->waiting[stamp.seq % r->o->window] = r->o->size - 1;
	payload_stamp(room->frame + r->frame_len - r->o->bytes, &stamp);
	conn_send(room->sender->conn, room->frame, r->frame_len);
}

static void rooms_message(void *cookie, const unsigned char *data, size_t len)
{
	struct seat *s = cookie;
	struct room *room = s->room;
	struct run *r = room->run;
	struct payload_stamp stamp;

	if (s == room->sender || !payload_read(data, len, room->payload, r->o->bytes, &stamp) ||
		stamp.seq >= room->sent) {
		figures_fault(&r->figures, &r->figures.faults.changed, 1,
			"a message came that was not sent here");
		return;
	}
	if (!figures_order(&r->figures, &s->order, stamp.seq)) {
		return;
	}
	figures_delivered(&r->figures, net_now(r->net) - stamp.time);
	if (--room->waiting[stamp.seq % r->o->window] == 0) {
		room->done++;
		if (r->sending) {
			room_send(room);
		}
	}
}

static void rooms_opened(void *cookie)
{
	struct seat *s = cookie;

	s->room->run->opening--;
	conn_ping(s->conn);
}

static void rooms_pong(void *cookie)
{
	struct seat *s = cookie;

	s->room->run->joined++;
}

static void rooms_failed(void *cookie, const char *why)
{
	struct seat *s = cookie;
	struct run *r = s->room->run;

	figures_fault(&r->figures, &r->figures.faults.closed, 1, why);
}

static const struct conn_events rooms_events = {
	.opened = rooms_opened,
	.message = rooms_message,
	.pong = rooms_pong,
	.failed = rooms_failed,
};

static void *run_alloc(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p) {
		err(2, "rooms");
	}
	return p;
}

static void run_init(struct run *r, const struct load_options *o)
{
	struct room *room;
	unsigned i;

	*r = (struct run){.o = o, .seat_count = o->rooms * o->size};
	r->net = net_create(o->port, o->tls, &rooms_events);
	r->rooms = run_alloc(o->rooms, sizeof *r->rooms);
	r->seats = run_alloc(r->seat_count, sizeof *r->seats);
	for (i = 0; i < r->seat_count; i++) {
		r->seats[i].room = &r->rooms[i / o->size];
	}
	for (i = 0; i < o->rooms; i++) {
		room = &r->rooms[i];
		room->run = r;
		room->sender = &r->seats[i * o->size];
		room->waiting = run_alloc(o->window, sizeof *room->waiting);
		room->payload = run_alloc(1, o->bytes);
		room->frame = run_alloc(1, o->bytes + WIRE_HEADER_MAX);
		payload_write(room->payload, o->bytes, i);
		r->frame_len = wire_write(room->frame, WIRE_TEXT, room->payload, o->bytes);
	}
}

static void run_finish(struct run *r)
{
	unsigned i;

	net_destroy(r->net);
	for (i = 0; i < r->o->rooms; i++) {
		free(r->rooms[i].waiting);
		free(r->rooms[i].payload);
		free(r->rooms[i].frame);
	}
	free(r->rooms);
	free(r->seats);
}

/* Everyone comes in; false when someone could not. */
static bool run_join(struct run *r)
{
	unsigned i = 0;
	char path[32];

	while (r->joined < r->seat_count && !r->figures.faults.closed) {
		while (i < r->seat_count && r->opening < r->o->concurrency) {
			snprintf(path, sizeof path, "/?room=%u", i / r->o->size);
			r->opening++;
			r->seats[i].conn = conn_open(r->net, path, &r->seats[i]);
			i++;
		}
		net_turn(r->net, TURN_MS);
	}
	return !r->figures.faults.closed;
}

/* What is in flight must still arrive. */
static void run_drain(struct run *r)
{
	uint64_t end = meter_now() + DRAIN_NS, flying = 1;
	unsigned i;

	r->sending = false;
	while (flying && meter_now() < end && !r->figures.faults.closed) {
		net_turn(r->net, TURN_MS);
		for (i = 0, flying = 0; i < r->o->rooms; i++) {
			flying += r->rooms[i].sent - r->rooms[i].done;
		}
	}
	for (i = 0; i < r->seat_count && !r->figures.faults.closed; i++) {
		struct seat *s = &r->seats[i];

		if (s != s->room->sender && s->order.next < s->room->sent) {
			figures_fault(&r->figures, &r->figures.faults.lost,
				s->room->sent - s->order.next, "the last messages did not come");
		}
	}
}

int rooms_run(const struct load_options *o)
{
	struct run *r = run_alloc(1, sizeof *r);
	unsigned i;
	int status;

	run_init(r, o);
	if (run_join(r)) {
		r->sending = true;
		for (i = 0; i < o->rooms * o->window; i++) {
			room_send(&r->rooms[i % o->rooms]);
		}
		figures_measure(&r->figures, r->net, o);
		run_drain(r);
	}
	status = figures_print(&r->figures, "");
	run_finish(r);
	free(r);
	return status;
}
