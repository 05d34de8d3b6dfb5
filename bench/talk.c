/* Owns the rooms, whose turn it is in each, and which line comes next:
 *
 *   connect, be welcomed → memory → warm up → measure → drain → memory
 *
 * The protocols (talk_peerjs.c, talk_y_webrtc.c) are but texts. */
#include "talk.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "figures.h"
#include "load.h"
#include "meter.h"
#include "settle.h"
#include "text.h"

#define SECOND 1000000000u
#define DRAIN_NS (5ull * SECOND)
#define TURN_MS 10
#define SIZE_MAX_OF_ROOM 16

/* What one member says to another in a round, or to the room; at streams[from * size + to]. */
struct stream {
	unsigned next, heard; /* lines of this round that have been sent, that all have got */
	uint64_t sent; /* lines in all rounds; the next one's number */
	struct flight {
		unsigned waiting; /* receivers that have yet to get the line */
		uint64_t time; /* when it was sent */
	} flights[TALK_LINES]; /* this round's lines */
};

struct line {
	bool has_before;
	struct text before, sent, received;
};

struct part {
	unsigned count;
	struct line lines[TALK_LINES];
};

struct room {
	struct run *run;
	struct stream *streams;
	uint32_t round;
	unsigned turn; /* the member that comes in */
	unsigned pending; /* streams that must end before the next member's turn */
};

struct peer {
	struct room *room;
	struct conn *conn;
	bool welcomed;
	struct order *heard; /* for each stream of the room */
};

struct run {
	const struct load_options *o;
	const struct talk_script *script;
	struct net *net;
	struct part parts[TALK_PARTS];
	struct room *rooms;
	struct peer *peers; /* those of a room side by side */
	unsigned peer_count, opening, welcomed;
	bool sending;
	struct figures figures;
};

static enum talk_part part_of(unsigned from, unsigned to)
{
	return from == to ? TALK_ANNOUNCE : from < to ? TALK_CALL : TALK_ANSWER;
}

static void stream_send(struct room *room, unsigned from, unsigned to)
{
	struct run *r = room->run;
	struct stream *s = &room->streams[from * r->o->size + to];
	struct line *line = &r->parts[part_of(from, to)].lines[s->next];
	unsigned index = (unsigned)(room - r->rooms), first = index * r->o->size;
	uint32_t values[TEXT_VALUES] = {[TALK_ROOM] = index,
		[TALK_FROM] = first + from,
		[TALK_TO] = first + to,
		[TALK_ROUND] = room->round};
	struct conn *conn = r->peers[first + from].conn;

	if (!r->sending) {
		return;
	}
	s->flights[s->next++] =
		(struct flight){.waiting = r->script->to_all ? r->o->size : 1, .time = meter_now()};
	s->sent++;
	if (line->has_before) {
		conn_send(conn, text_frame(&line->before, values), line->before.frame_len);
	}
	conn_send(conn, text_frame(&line->sent, values), line->sent.frame_len);
}

static void stream_begin(struct room *room, unsigned from, unsigned to)
{
	struct run *r = room->run;
	struct stream *s = &room->streams[from * r->o->size + to];
	unsigned count = r->parts[part_of(from, to)].count, i;

	s->next = s->heard = 0;
	for (i = 0; i < r->o->window && i < count; i++) {
		stream_send(room, from, to);
	}
}

/* Those who are there call the member whose turn it is. */
static void room_call(struct room *room)
{
	unsigned j;

	room->pending = 2 * room->turn; /* what they say and what they are answered */
	for (j = 0; j < room->turn; j++) {
		stream_begin(room, j, room->turn);
	}
}

/* Goes on to the next member, and to the next round behind the last one. */
static void room_next(struct room *room)
{
	do {
		if (++room->turn == room->run->o->size) {
			room->turn = 0;
			room->round++;
		}
		if (room->run->parts[TALK_ANNOUNCE].count) {
			stream_begin(room, room->turn, room->turn);
			return;
		}
	} while (room->turn == 0); /* has nobody to be called by */
	room_call(room);
}

/* All have got a line. */
static void stream_heard(struct room *room, unsigned from, unsigned to, unsigned line)
{
	struct stream *s = &room->streams[from * room->run->o->size + to];
	enum talk_part part = part_of(from, to);
	unsigned count = room->run->parts[part].count;

	s->heard++;
	if (part == TALK_CALL && line == 0) {
		stream_begin(room, to, from);
	}
	if (s->next < count) {
		stream_send(room, from, to);
	} else if (s->heard < count) {
		return;
	} else if (part == TALK_ANNOUNCE && room->turn > 0) {
		room_call(room);
	} else if (part == TALK_ANNOUNCE || --room->pending == 0) {
		room_next(room);
	}
}

static void talk_changed(struct run *r, const unsigned char *data, size_t len)
{
	char what[200];

	snprintf(what, sizeof what, "a message came that was not sent so: %.*s",
		len < 120 ? (int)len : 120, (const char *)data);
	figures_fault(&r->figures, &r->figures.faults.changed, 1, what);
}

/* The line whose text this is, its part and its values; -1 when it is none. */
static int run_line(const struct run *r, const unsigned char *data, size_t len,
	enum talk_part *ret_part, uint32_t values[TEXT_VALUES])
{
	enum talk_part part;
	unsigned i;

	for (part = 0; part < TALK_PARTS; part++) {
		for (i = 0; i < r->parts[part].count; i++) {
			if (text_read(&r->parts[part].lines[i].received, data, len, values)) {
				*ret_part = part;
				return (int)i;
			}
		}
	}
	return -1;
}

/* The stream that a message belongs to, and its number in it; NULL when it is not for this peer,
 * is not the text of any line, or has not been sent. */
static struct stream *peer_match(
	const struct peer *p, const unsigned char *data, size_t len, uint64_t *ret_seq)
{
	const struct run *r = p->room->run;
	unsigned size = r->o->size, room = (unsigned)(p->room - r->rooms), first = room * size;
	uint32_t values[TEXT_VALUES] = {[TALK_ROOM] = room};
	enum talk_part part;
	int line = run_line(r, data, len, &part, values);
	unsigned from, to;
	struct stream *s;

	if (line < 0) {
		return NULL;
	}
	from = values[TALK_FROM] - first;
	to = part == TALK_ANNOUNCE ? from : values[TALK_TO] - first;
	if (values[TALK_ROOM] != room || from >= size || to >= size || part_of(from, to) != part ||
		(!r->script->to_all && p != &r->peers[first + to])) {
		return NULL;
	}
	s = &p->room->streams[from * size + to];
	*ret_seq = (uint64_t)values[TALK_ROUND] * r->parts[part].count + (unsigned)line;
	return *ret_seq < s->sent ? s : NULL;
}

static void peer_welcome(struct peer *p, const unsigned char *data, size_t len)
{
	struct run *r = p->room->run;

	if (len == strlen(r->script->welcome) && memcmp(data, r->script->welcome, len) == 0) {
		p->welcomed = true;
		r->welcomed++;
	} else {
		talk_changed(r, data, len);
	}
}

static void talk_message(void *cookie, const unsigned char *data, size_t len)
{
	struct peer *p = cookie;
	struct run *r = p->room->run;
	unsigned index, line;
	struct flight *f;
	struct stream *s;
	uint64_t seq;

	if (!p->welcomed) {
		peer_welcome(p, data, len);
		return;
	}
	s = peer_match(p, data, len, &seq);
	if (!s) {
		talk_changed(r, data, len);
		return;
	}
	index = (unsigned)(s - p->room->streams);
	if (!figures_order(&r->figures, &p->heard[index], seq)) {
		return;
	}
	/* A stream begins anew only when all have got all of it: this line is of the running round.
	 */
	line = (unsigned)(seq - (s->sent - s->next));
	f = &s->flights[line];
	figures_delivered(&r->figures, net_now(r->net) - f->time);
	if (--f->waiting == 0) {
		stream_heard(p->room, index / r->o->size, index % r->o->size, line);
	}
}

static void talk_opened(void *cookie)
{
	struct peer *p = cookie;
	struct run *r = p->room->run;
	uint32_t values[TEXT_VALUES] = {[TALK_ROOM] = (uint32_t)(p->room - r->rooms)};
	struct text hello;
	size_t i;

	r->opening--;
	for (i = 0; i < 2 && r->script->hello[i]; i++) {
		text_init(&hello, r->script->hello[i]);
		conn_send(p->conn, text_frame(&hello, values), hello.frame_len);
		text_finish(&hello);
	}
}

static void talk_pong(void *cookie)
{
	(void)cookie;
}

static void talk_failed(void *cookie, const char *why)
{
	struct peer *p = cookie;
	struct figures *f = &p->room->run->figures;

	figures_fault(f, &f->faults.closed, 1, why);
}

static const struct conn_events talk_events = {
	.opened = talk_opened,
	.message = talk_message,
	.pong = talk_pong,
	.failed = talk_failed,
};

static void *run_alloc(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p) {
		err(2, "talk");
	}
	return p;
}

static void part_init(struct part *part, const struct talk_line *from)
{
	for (; part->count < TALK_LINES && from->sent; part->count++, from++) {
		struct line *line = &part->lines[part->count];

		line->has_before = from->before != NULL;
		if (line->has_before) {
			text_init(&line->before, from->before);
		}
		text_init(&line->sent, from->sent);
		text_init(&line->received, from->received);
	}
}

static void part_finish(struct part *part)
{
	unsigned i;

	for (i = 0; i < part->count; i++) {
		text_finish(&part->lines[i].before);
		text_finish(&part->lines[i].sent);
		text_finish(&part->lines[i].received);
	}
}

static void run_init(struct run *r, const struct load_options *o, const struct talk_script *script)
{
	unsigned i, streams = o->size * o->size;
	struct room *room;

	*r = (struct run){.o = o, .script = script, .peer_count = o->rooms * o->size};
	r->net = net_create(o->port, o->tls, &talk_events);
	for (i = 0; i < TALK_PARTS; i++) {
		part_init(&r->parts[i], script->lines[i]);
	}
	r->rooms = run_alloc(o->rooms, sizeof *r->rooms);
	r->peers = run_alloc(r->peer_count, sizeof *r->peers);
	for (i = 0; i < o->rooms; i++) {
		room = &r->rooms[i];
		room->run = r;
		room->streams = run_alloc(streams, sizeof *room->streams);
	}
	for (i = 0; i < r->peer_count; i++) {
		r->peers[i].room = &r->rooms[i / o->size];
		r->peers[i].heard = run_alloc(streams, sizeof *r->peers[i].heard);
	}
}

static void run_finish(struct run *r)
{
	unsigned i;

	net_destroy(r->net);
	for (i = 0; i < TALK_PARTS; i++) {
		part_finish(&r->parts[i]);
	}
	for (i = 0; i < r->o->rooms; i++) {
		free(r->rooms[i].streams);
	}
	for (i = 0; i < r->peer_count; i++) {
		free(r->peers[i].heard);
	}
	free(r->rooms);
	free(r->peers);
}

/* Everyone comes in; false when someone could not. */
static bool run_join(struct run *r)
{
	struct text path;
	unsigned i = 0;

	text_init(&path, r->script->path);
	while (r->welcomed < r->peer_count && !figures_faults(&r->figures)) {
		while (i < r->peer_count && r->opening < r->o->concurrency) {
			uint32_t values[TEXT_VALUES] = {
				[TALK_ROOM] = i / r->o->size, [TALK_FROM] = i};

			r->opening++;
			r->peers[i].conn =
				conn_open(r->net, text_string(&path, values), &r->peers[i]);
			i++;
		}
		net_turn(r->net, TURN_MS);
	}
	text_finish(&path);
	return !figures_faults(&r->figures);
}

/* Deliveries that have been due and have not come. */
static uint64_t run_waiting(const struct run *r)
{
	uint64_t waiting = 0;
	unsigned i, j, streams = r->o->size * r->o->size;

	for (i = 0; i < r->o->rooms * streams; i++) {
		for (j = 0; j < TALK_LINES; j++) {
			waiting += r->rooms[i / streams].streams[i % streams].flights[j].waiting;
		}
	}
	return waiting;
}

/* What is in flight must still arrive. */
static void run_drain(struct run *r)
{
	uint64_t end = meter_now() + DRAIN_NS;
	struct figures *f = &r->figures;

	r->sending = false;
	while (run_waiting(r) && meter_now() < end && !f->faults.closed) {
		net_turn(r->net, TURN_MS);
	}
	if (run_waiting(r)) {
		figures_fault(f, &f->faults.lost, run_waiting(r), "the last messages did not come");
	}
}

static void run_begin(struct run *r)
{
	unsigned i;

	r->sending = true;
	for (i = 0; i < r->o->rooms; i++) {
		r->rooms[i].turn = r->o->size - 1;
		r->rooms[i].round = UINT32_MAX; /* which room_next() makes the first turn of 0 */
		room_next(&r->rooms[i]);
	}
}

int talk_run(const struct load_options *o, const struct talk_script *script)
{
	struct run *r = run_alloc(1, sizeof *r);
	double before = meter_memory(o->pid), idle = 0, loaded = 0;
	char more[100];
	int status;

	if (o->size > SIZE_MAX_OF_ROOM) {
		errx(2, "at most %d members in a room here", SIZE_MAX_OF_ROOM);
	}
	run_init(r, o, script);
	if (run_join(r)) {
		settle_wait(o->pid, r->net);
		idle = meter_memory(o->pid) - before;
		run_begin(r);
		figures_measure(&r->figures, r->net, o);
		run_drain(r);
		settle_wait(o->pid, r->net);
		loaded = meter_memory(o->pid) - before;
	}
	snprintf(more, sizeof more, ",\"idle_kb\":%.2f,\"loaded_kb\":%.2f,\"whole_mb\":%.1f",
		idle / r->peer_count / 1000, loaded / r->peer_count / 1000,
		(before + loaded) / 1e6);
	status = figures_print(&r->figures, more);
	run_finish(r);
	free(r);
	return status;
}

void talk_script_finish(struct talk_script *s)
{
	unsigned part, i;

	free(s->path);
	free(s->hello[0]);
	free(s->hello[1]);
	free(s->welcome);
	for (part = 0; part < TALK_PARTS; part++) {
		for (i = 0; i < TALK_LINES; i++) {
			free(s->lines[part][i].before);
			free(s->lines[part][i].sent);
			free(s->lines[part][i].received);
		}
	}
}
