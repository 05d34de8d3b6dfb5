/* Owns the swarms and whose turn it is in each:
 *
 *   connect, announce → memory → warm up → measure → drain → memory
 *
 * A swarm keeps `window` announces in flight, each of another member. One is over when its maker
 * was told the counts and has an answer to each of its offers; each that gets one answers at once.
 * What bittorrent-tracker 11.2.3 and its server say: docs/protocols/webtorrent.md. */
#include "torrent.h"

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
#include "webrtc.h"

#define SECOND 1000000000u
#define DRAIN_NS (5ull * SECOND)
#define TURN_MS 10
#define OFFERS 5 /* in an announce */
#define ALL ((1u << (OFFERS + 1)) - 1) /* the answers, and the counts */

#define ACTION "{\"action\":\"announce\","
#define HASH "\"info_hash\":\"a torrent of$0\""
#define ID(value) "\"of the bench" value "\""
#define OFFER_ID(value) "\"offer_id\":\"offer number" value "\""

/* The values of the texts (text.h): peers and offers are numbered through all swarms. */
enum { SWARM, FROM, TO, OFFER };

struct peer {
	struct swarm *swarm;
	struct conn *conn;
	bool joined;
	uint32_t round; /* announces so far */
	unsigned waiting; /* bit i: the answer to offer i; bit OFFERS: the counts */
	uint64_t time; /* of its last announce */
};

struct swarm {
	struct run *run;
	unsigned next; /* whose turn it is */
	unsigned flying; /* announces that are not over */
};

struct run {
	const struct load_options *o;
	struct net *net;
	struct swarm *swarms;
	struct peer *peers; /* those of a swarm side by side */
	unsigned count, opening, joined;
	bool sending;
	struct text join, announce, offered, answer, answered;
	struct figures figures;
};

static const char *const offer_ids[OFFERS] = {
	OFFER_ID("$3"), OFFER_ID("$4"), OFFER_ID("$5"), OFFER_ID("$6"), OFFER_ID("$7")};

static void announce(struct peer *p)
{
	struct run *r = p->swarm->run;
	uint32_t values[TEXT_VALUES] = {
		[SWARM] = (uint32_t)(p->swarm - r->swarms), [FROM] = (uint32_t)(p - r->peers)};
	unsigned i;

	for (i = 0; i < OFFERS; i++) {
		values[OFFER + i] = p->round * OFFERS + i;
	}
	p->round++;
	p->waiting = ALL;
	p->time = meter_now();
	p->swarm->flying++;
	conn_send(p->conn, text_frame(&r->announce, values), r->announce.frame_len);
}

/* The next member's turn, if its last announce is over; the one before it goes on otherwise. */
static void swarm_go_on(struct swarm *s)
{
	struct run *r = s->run;
	unsigned first = (unsigned)(s - r->swarms) * r->o->size, i;

	for (i = 0; i < r->o->size && r->sending && s->flying < r->o->window; i++) {
		struct peer *p = &r->peers[first + s->next++ % r->o->size];

		if (!p->waiting) {
			announce(p);
		}
	}
}

/* Part of what a peer waits for has come. */
static void arrive(struct peer *p, unsigned bit)
{
	struct run *r = p->swarm->run;

	if (!(p->waiting & bit)) {
		figures_fault(&r->figures, &r->figures.faults.doubled, 1, "a message came twice");
		return;
	}
	p->waiting &= ~bit;
	if (bit == 1u << OFFERS) {
		figures_delivered(&r->figures, net_now(r->net) - p->time);
	}
	if (!p->waiting) {
		p->swarm->flying--;
		swarm_go_on(p->swarm);
	}
}

static bool is_other(const struct peer *p, const uint32_t values[TEXT_VALUES])
{
	const struct run *r = p->swarm->run;
	uint32_t own = (uint32_t)(p - r->peers), swarm = (uint32_t)(p->swarm - r->swarms);

	return values[SWARM] == swarm && values[FROM] / r->o->size == swarm && values[FROM] != own;
}

/* An offer, which is answered, or an answer to one. */
static bool hear(struct peer *p, const unsigned char *data, size_t len)
{
	struct run *r = p->swarm->run;
	uint32_t values[TEXT_VALUES], own = (uint32_t)(p - r->peers);

	if (text_read(&r->offered, data, len, values) && is_other(p, values)) {
		values[TO] = values[FROM];
		values[FROM] = own;
		conn_send(p->conn, text_frame(&r->answer, values), r->answer.frame_len);
		return true;
	}
	if (text_read(&r->answered, data, len, values) && is_other(p, values) &&
		values[OFFER] / OFFERS + 1 == p->round) {
		arrive(p, 1u << values[OFFER] % OFFERS);
		return true;
	}
	return false;
}

static void torrent_message(void *cookie, const unsigned char *data, size_t len)
{
	static const char counts[] = "{\"complete\":0,\"incomplete\":";
	struct peer *p = cookie;
	struct run *r = p->swarm->run;

	if (len > sizeof counts && !memcmp(data, counts, sizeof counts - 1)) {
		if (p->joined) {
			arrive(p, 1u << OFFERS);
		} else {
			p->joined = true;
			r->joined++;
		}
	} else if (!hear(p, data, len)) {
		char what[200];

		snprintf(what, sizeof what, "a message came that was not sent so: %.*s",
			len < 120 ? (int)len : 120, (const char *)data);
		figures_fault(&r->figures, &r->figures.faults.changed, 1, what);
	}
}

static void torrent_opened(void *cookie)
{
	struct peer *p = cookie;
	struct run *r = p->swarm->run;
	const uint32_t values[TEXT_VALUES] = {
		[SWARM] = (uint32_t)(p->swarm - r->swarms), [FROM] = (uint32_t)(p - r->peers)};

	r->opening--;
	conn_send(p->conn, text_frame(&r->join, values), r->join.frame_len);
}

static void torrent_pong(void *cookie)
{
	(void)cookie;
}

static void torrent_failed(void *cookie, const char *why)
{
	struct peer *p = cookie;
	struct figures *f = &p->swarm->run->figures;

	figures_fault(f, &f->faults.closed, 1, why);
}

static const struct conn_events torrent_events = {
	.opened = torrent_opened,
	.message = torrent_message,
	.pong = torrent_pong,
	.failed = torrent_failed,
};

/* Takes the pattern over. */
static void text_take(struct text *t, char *pattern)
{
	text_init(t, pattern);
	free(pattern);
}

static void write_texts(struct run *r)
{
	static const char begin[] = ACTION HASH ",\"peer_id\":" ID("$1");
	char *offer_sdp = webrtc_sdp(true, 0), *answer_sdp = webrtc_sdp(false, 0);
	char *offer = text_format("\"offer\":{\"type\":\"offer\",\"sdp\":\"%s\"}", offer_sdp);
	char *answer = text_format("\"answer\":{\"type\":\"answer\",\"sdp\":\"%s\"}", answer_sdp);

	text_init(&r->join, "{\"numwant\":0,\"uploaded\":0,\"downloaded\":0,\"left\":1,"
			    "\"event\":\"started\",\"offers\":[],"
			    "\"action\":\"announce\"," HASH ",\"peer_id\":" ID("$1") "}");
	text_take(&r->announce,
		text_format("%s,\"numwant\":5,\"uploaded\":0,\"downloaded\":0,\"left\":1,"
			    "\"offers\":[{%s,%s},{%s,%s},{%s,%s},{%s,%s},{%s,%s}]}",
			begin, offer, offer_ids[0], offer, offer_ids[1], offer, offer_ids[2], offer,
			offer_ids[3], offer, offer_ids[4]));
	text_take(&r->offered,
		text_format(
			ACTION "%s," OFFER_ID("$3") ",\"peer_id\":" ID("$1") "," HASH "}", offer));
	text_take(&r->answer, text_format("%s,\"to_peer_id\":" ID("$2") ",%s," OFFER_ID("$3") "}",
				      begin, answer));
	text_take(&r->answered,
		text_format(
			ACTION "%s," OFFER_ID("$3") ",\"peer_id\":" ID("$1") "," HASH "}", answer));
	free(offer_sdp);
	free(answer_sdp);
	free(offer);
	free(answer);
}

static void *run_alloc(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p) {
		err(2, "torrent");
	}
	return p;
}

static void run_init(struct run *r, const struct load_options *o)
{
	unsigned i;

	*r = (struct run){.o = o, .count = o->rooms * o->size};
	r->net = net_create(o->port, o->tls, &torrent_events);
	r->swarms = run_alloc(o->rooms, sizeof *r->swarms);
	r->peers = run_alloc(r->count, sizeof *r->peers);
	for (i = 0; i < o->rooms; i++) {
		r->swarms[i].run = r;
	}
	for (i = 0; i < r->count; i++) {
		r->peers[i].swarm = &r->swarms[i / o->size];
	}
	write_texts(r);
}

static void run_finish(struct run *r)
{
	net_destroy(r->net);
	text_finish(&r->join);
	text_finish(&r->announce);
	text_finish(&r->offered);
	text_finish(&r->answer);
	text_finish(&r->answered);
	free(r->swarms);
	free(r->peers);
}

/* Everyone is a member; false when someone could not be. */
static bool run_join(struct run *r)
{
	unsigned i = 0;

	while (r->joined < r->count && !figures_faults(&r->figures)) {
		while (i < r->count && r->opening < r->o->concurrency) {
			r->opening++;
			r->peers[i].conn = conn_open(r->net, "/webtorrent", &r->peers[i]);
			i++;
		}
		net_turn(r->net, TURN_MS);
	}
	return !figures_faults(&r->figures);
}

static unsigned run_flying(const struct run *r)
{
	unsigned i, flying = 0;

	for (i = 0; i < r->o->rooms; i++) {
		flying += r->swarms[i].flying;
	}
	return flying;
}

/* What is in flight must still arrive. */
static void run_drain(struct run *r)
{
	uint64_t end = meter_now() + DRAIN_NS;
	struct figures *f = &r->figures;

	r->sending = false;
	while (run_flying(r) && meter_now() < end && !f->faults.closed) {
		net_turn(r->net, TURN_MS);
	}
	if (run_flying(r)) {
		figures_fault(f, &f->faults.lost, run_flying(r), "not all of an announce arrived");
	}
}

int torrent_run(const struct load_options *o)
{
	struct run *r = run_alloc(1, sizeof *r);
	double before = meter_memory(o->pid), idle = 0, loaded = 0;
	char more[100];
	unsigned i;
	int status;

	if (o->size <= OFFERS) {
		errx(2, "a swarm has more than %d members here", OFFERS);
	}
	run_init(r, o);
	if (run_join(r)) {
		settle_wait(o->pid, r->net);
		idle = meter_memory(o->pid) - before;
		r->sending = true;
		for (i = 0; i < o->rooms; i++) {
			swarm_go_on(&r->swarms[i]);
		}
		figures_measure(&r->figures, r->net, o);
		run_drain(r);
		settle_wait(o->pid, r->net);
		loaded = meter_memory(o->pid) - before;
	}
	snprintf(more, sizeof more, ",\"idle_kb\":%.2f,\"loaded_kb\":%.2f,\"whole_mb\":%.1f",
		idle / r->count / 1000, loaded / r->count / 1000, (before + loaded) / 1e6);
	status = figures_print(&r->figures, more);
	run_finish(r);
	free(r);
	return status;
}
