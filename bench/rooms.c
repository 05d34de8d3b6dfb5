/* Owns the rooms, the order of their messages and the figures of one run:
 *
 *   connect → ping, pong (the server has made everyone a member) → warm up → measure → drain
 *
 * A room keeps `window` messages in flight: when all others have got one, the next is sent. */
#include "rooms.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "histogram.h"
#include "load.h"
#include "meter.h"
#include "payload.h"
#include "wire.h"

#define SECOND 1000000000u
#define DRAIN_NS (5ull * SECOND)
#define FAULTS_TOLD 10 /* sentences on stderr; all are counted */
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
	uint64_t next; /* number of the message to come */
	uint64_t absent; /* bit n: message next - 1 - n was skipped and has not come yet */
};

struct faults {
	uint64_t lost, doubled, reordered, changed, closed;
};

struct run {
	const struct load_options *o;
	struct net *net;
	struct room *rooms;
	struct seat *seats; /* those of a room side by side, its sender first */
	unsigned seat_count, opening, joined;
	size_t frame_len;
	bool sending, measuring;
	uint64_t deliveries, total;
	struct histogram latency;
	struct faults faults;
};

/* What the measured interval begins or ends with. */
struct reading {
	uint64_t time, server_cpu, own_cpu;
};

static uint64_t run_faults(const struct run *r)
{
	const struct faults *f = &r->faults;

	return f->lost + f->doubled + f->reordered + f->changed + f->closed;
}

static void run_fault(struct run *r, uint64_t *counter, uint64_t count, const char *what)
{
	if (run_faults(r) < FAULTS_TOLD) {
		warnx("%s", what);
	}
	*counter += count;
}

static void room_send(struct room *room)
{
	struct run *r = room->run;
	struct payload_stamp stamp = {.seq = room->sent++, .time = meter_now()};

	room->waiting[stamp.seq % r->o->window] = r->o->size - 1;
	payload_stamp(room->frame + r->frame_len - r->o->bytes, &stamp);
	conn_send(room->sender->conn, room->frame, r->frame_len);
}

/* Notes that message `seq` has come to a seat; false when it had come before. */
static bool seat_take(struct seat *s, uint64_t seq)
{
	struct run *r = s->room->run;
	uint64_t back;

	if (seq >= s->next) {
		back = seq - s->next;
		if (back) {
			run_fault(r, &r->faults.lost, back, "a message was skipped");
		}
		s->absent = back < 63 ? s->absent << (back + 1) | ((1ull << back) - 1) << 1 : 0;
		s->next = seq + 1;
		return true;
	}
	back = s->next - 1 - seq;
	if (back < 64 && s->absent >> back & 1) {
		s->absent &= ~(1ull << back);
		r->faults.lost--;
		run_fault(r, &r->faults.reordered, 1, "a message came out of order");
		return true;
	}
	run_fault(r, &r->faults.doubled, 1, "a message came twice");
	return false;
}

static void rooms_message(void *cookie, const unsigned char *data, size_t len)
{
	struct seat *s = cookie;
	struct room *room = s->room;
	struct run *r = room->run;
	struct payload_stamp stamp;

	if (s == room->sender || !payload_read(data, len, room->payload, r->o->bytes, &stamp) ||
		stamp.seq >= room->sent) {
		run_fault(r, &r->faults.changed, 1, "a message came that was not sent here");
		return;
	}
	if (!seat_take(s, stamp.seq)) {
		return;
	}
	r->total++;
	if (r->measuring) {
		r->deliveries++;
		histogram_add(&r->latency, net_now(r->net) - stamp.time);
	}
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

	run_fault(r, &r->faults.closed, 1, why);
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

	while (r->joined < r->seat_count && !r->faults.closed) {
		while (i < r->seat_count && r->opening < r->o->concurrency) {
			snprintf(path, sizeof path, "/?room=%u", i / r->o->size);
			r->opening++;
			r->seats[i].conn = conn_open(r->net, path, &r->seats[i]);
			i++;
		}
		net_turn(r->net, TURN_MS);
	}
	return !r->faults.closed;
}

static void run_until(struct run *r, uint64_t time)
{
	while (meter_now() < time && !r->faults.closed) {
		net_turn(r->net, TURN_MS);
	}
}

static void run_read(const struct run *r, struct reading *ret_reading)
{
	int error = meter_cpu(r->o->pid, &ret_reading->server_cpu);

	if (!error) {
		error = meter_cpu(0, &ret_reading->own_cpu);
	}
	if (error) {
		errno = -error;
		err(2, "CPU time of the server");
	}
	ret_reading->time = meter_now();
}

/* What is in flight must still arrive. */
static void run_drain(struct run *r)
{
	uint64_t end = meter_now() + DRAIN_NS, flying = 1;
	unsigned i;

	r->sending = false;
	while (flying && meter_now() < end && !r->faults.closed) {
		net_turn(r->net, TURN_MS);
		for (i = 0, flying = 0; i < r->o->rooms; i++) {
			flying += r->rooms[i].sent - r->rooms[i].done;
		}
	}
	for (i = 0; i < r->seat_count && !r->faults.closed; i++) {
		struct seat *s = &r->seats[i];

		if (s != s->room->sender && s->next < s->room->sent) {
			run_fault(r, &r->faults.lost, s->room->sent - s->next,
				"the last messages did not come");
		}
	}
}

static void run_print(const struct run *r, const struct reading *from, const struct reading *to)
{
	double n = (double)r->deliveries;
	double ns = (double)(to->time - from->time);
	double cpu = (double)(to->server_cpu - from->server_cpu);
	const struct faults *f = &r->faults;

	printf("{\"deliveries\":%ju,\"total\":%ju,\"seconds\":%.3f,\"per_second\":%.0f,"
	       "\"cpu_us\":%.3f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
	       "\"server_busy\":%.3f,\"load_busy\":%.3f,"
	       "\"lost\":%ju,\"doubled\":%ju,\"reordered\":%ju,\"changed\":%ju,\"closed\":%ju}\n",
		(uintmax_t)r->deliveries, (uintmax_t)r->total, ns / SECOND, n / ns * SECOND,
		cpu / n / 1000, (double)histogram_at(&r->latency, 0.5) / 1000,
		(double)histogram_at(&r->latency, 0.99) / 1000, cpu / ns,
		(double)(to->own_cpu - from->own_cpu) / ns, (uintmax_t)f->lost,
		(uintmax_t)f->doubled, (uintmax_t)f->reordered, (uintmax_t)f->changed,
		(uintmax_t)f->closed);
}

int rooms_run(const struct load_options *o)
{
	struct run *r = run_alloc(1, sizeof *r);
	struct reading from = {0}, to = {0};
	bool good;
	unsigned i;

	run_init(r, o);
	if (run_join(r)) {
		r->sending = true;
		for (i = 0; i < o->rooms * o->window; i++) {
			room_send(&r->rooms[i % o->rooms]);
		}
		run_until(r, meter_now() + (uint64_t)(o->warmup * SECOND));
		run_read(r, &from);
		r->measuring = true;
		run_until(r, meter_now() + (uint64_t)(o->seconds * SECOND));
		r->measuring = false;
		run_read(r, &to);
		run_drain(r);
	}
	good = r->deliveries && !run_faults(r);
	if (r->deliveries) {
		run_print(r, &from, &to);
	} else {
		warnx("nothing was delivered in the measured time");
	}
	run_finish(r);
	free(r);
	return good ? 0 : 1;
}
