/*
 * webtorrent: a tracker for BitTorrent over WebRTC. A peer announces itself in the swarms of as
 * many torrents as it likes; its offers go to members chosen at random, and their answers to it.
 * docs/protocols/webtorrent.md is the page for users.
 *
 * Hashes and ids are 20 bytes that are written as 20 characters up to U+00FF, U+0000 among them.
 * They are compared decoded, and go out in the spelling in which they came.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/ids.h"
#include "nakodo/base/json.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/silence.h"
#include "nakodo/dialect/webtorrent_bytes.h"
#include "nakodo/dialect/webtorrent_swarm.h"
#include "nakodo/service/grant.h"

#define INTERVAL "120" /* s: so often clients announce themselves anew */
#define SEATS_MAX 256 /* of one connection */
#define OFFERS_MAX 20 /* of one message */
#define SCRAPE_MAX 100 /* torrents in one message */
#define BYTES_QUOTED 123 /* a hash or an id as JSON, with a NUL: 20 escapes of six, and quotes */

enum {
	ACTION,
	INFO_HASH,
	PEER_ID,
	TO_PEER_ID,
	EVENT,
	LEFT,
	NUMWANT,
	OFFERS,
	ANSWER,
	OFFER_ID,
	MEMBERS
};

/* One message, and what is said in it. */
struct call {
	struct webtorrent_owner *owner;
	struct json_member *members;
	unsigned char hash[WEBTORRENT_ID], id[WEBTORRENT_ID];
	const char *action;
	bool has_hash;
};

static const struct json_value *value_of(const struct call *call, int member)
{
	return &call->members[member].value;
}

static int webtorrent_start(struct mount *mount, struct problem *problem)
{
	int error = mount_check(mount, (const char *const[]){NULL}, problem);
	struct webtorrent *torrents;

	if (error) {
		return error;
	}
	mount->state = torrents = calloc(1, sizeof(*torrents));
	if (!torrents) {
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	torrents->hub = hub_of_space(mount->space);
	torrents->options = mount->env->options;
	ids_random(torrents->key, sizeof(torrents->key));
	return 0;
}

static void webtorrent_stop(struct mount *mount)
{
	free(mount->state);
}

static void webtorrent_open(struct peer *peer, const struct request *request)
{
	peer->state_of_dialect = webtorrent_swarm_add_owner(request->mount->state, peer);
	if (!peer->state_of_dialect) {
		hub_close(peer, 1011, "out of memory");
	}
}

static void webtorrent_close(struct peer *peer)
{
	if (peer->state_of_dialect) {
		webtorrent_swarm_remove_owner(peer->state_of_dialect);
		peer->state_of_dialect = NULL;
	}
}

static size_t webtorrent_kept(const struct peer *peer)
{
	const struct webtorrent_owner *owner = peer->state_of_dialect;

	return owner ? owner->bytes : 0;
}

static struct iovec part_of(const struct json_value *value)
{
	return PART_BYTES(value->at, value->len);
}

/* Without an action a client would end the connection, and without the hash it would not know what
 * it is about. */
static void fail(const struct call *call, const char *reason)
{
	struct iovec parts[] = {
		PART("{\"action\":\""),
		PART_OF(call->action),
		PART("\",\"failure reason\":\""),
		PART_OF(reason),
		PART("\""),
		PART(""),
		PART("}"),
	};

	if (call->has_hash) {
		parts[4] = PART("\",\"info_hash\":");
		parts[5] = part_of(value_of(call, INFO_HASH));
	}
	meter_add(METER_SWARM_REFUSED, 1);
	hub_send_text(call->owner->peer, parts, sizeof(parts) / sizeof(*parts));
}

/* Negative: not a number. */
static double number_of(const struct json_value *value)
{
	char text[32];

	if (value->kind != JSON_NUMBER || value->len >= sizeof(text)) {
		return -1;
	}
	memcpy(text, value->at, value->len);
	text[value->len] = '\0';
	return strtod(text, NULL);
}

static bool may_join(const struct peer *peer, const unsigned char hash[WEBTORRENT_ID])
{
	static const char digits[] = "0123456789abcdef";
	char name[2 * WEBTORRENT_ID + 1] = "";

	for (int i = 0; i < WEBTORRENT_ID; i++) {
		name[2 * i] = digits[hash[i] >> 4];
		name[2 * i + 1] = digits[hash[i] & 15];
	}
	return grant_may_join(peer->grant, name);
}

/* Why the caller may not have a seat there, perhaps instead of another connection's. NULL: it may.
 */
static const char *why_not(const struct webtorrent_owner *owner,
	const struct webtorrent_swarm *swarm, const struct webtorrent_seat *others)
{
	size_t count = swarm ? swarm->count - (others != NULL) : 0;

	if (others && !silence_is_long(others->owner->peer, owner->torrents->options)) {
		return "peer_id belongs to another connection";
	}
	if (owner->count >= SEATS_MAX) {
		return "too many torrents on this connection";
	}
	return count < grant_bound(owner->peer->grant, SIZE_MAX) ? NULL : "the swarm is full";
}

/* The caller's seat, new or not. NULL: it was told why not. */
static struct webtorrent_seat *take_seat(const struct call *call)
{
	struct webtorrent_owner *owner = call->owner;
	struct webtorrent_swarm *swarm = webtorrent_swarm_find(owner->torrents, call->hash);
	struct webtorrent_seat *seat = webtorrent_swarm_seat(swarm, call->id);
	const char *reason;

	if (seat && seat->owner == owner) {
		webtorrent_swarm_touch(seat);
		return seat;
	}
	reason = why_not(owner, swarm, seat);
	if (reason) {
		fail(call, reason);
		return NULL;
	}
	if (seat) {
		webtorrent_swarm_leave(seat);
	}
	seat = webtorrent_swarm_join(owner, call->hash, call->id);
	if (!seat) {
		fail(call, "out of memory");
	}
	return seat;
}

/* Before the offers go out, as the original does. */
static void answer_announce(const struct call *call)
{
	const struct webtorrent_swarm *swarm =
		webtorrent_swarm_find(call->owner->torrents, call->hash);
	size_t complete = swarm ? swarm->complete : 0;
	char counts[128];

	snprintf(counts, sizeof(counts),
		"{\"complete\":%zu,\"incomplete\":%zu,\"action\":\"announce\","
		"\"interval\":" INTERVAL ",\"info_hash\":",
		complete, swarm ? swarm->count - complete : 0);
	hub_send_text(call->owner->peer,
		(struct iovec[]){PART_OF(counts), part_of(value_of(call, INFO_HASH)), PART("}")},
		3);
}

static void send_on(const struct call *call, struct peer *to, bool answer,
	const struct json_value *what, const struct json_value *offer_id)
{
	const struct iovec parts[] = {
		answer ? PART("{\"action\":\"announce\",\"answer\":")
		       : PART("{\"action\":\"announce\",\"offer\":"),
		part_of(what),
		PART(",\"offer_id\":"),
		part_of(offer_id),
		PART(",\"peer_id\":"),
		part_of(value_of(call, PEER_ID)),
		PART(",\"info_hash\":"),
		part_of(value_of(call, INFO_HASH)),
		PART("}"),
	};

	hub_send_text(to, parts, sizeof(parts) / sizeof(*parts));
}

/* False: it is no offer. */
static bool send_offer(const struct call *call, struct webtorrent_seat *from,
	const struct webtorrent_seat *to, const struct json_value *item)
{
	struct json_member members[] = {{.name = "offer"}, {.name = "offer_id"}};
	unsigned char id[WEBTORRENT_ID];

	if (json_scan(item->at, item->len, members, 2) != JSON_OK ||
		members[0].value.kind != JSON_OBJECT ||
		!webtorrent_bytes_read(&members[1].value, id) ||
		webtorrent_swarm_ask(from, to, id)) {
		meter_add(METER_SWARM_OFFERS_REFUSED, 1);
		return false;
	}
	send_on(call, to->owner->peer, false, &members[0].value, &members[1].value);
	return true;
}

static void send_offers(const struct call *call, struct webtorrent_seat *seat)
{
	double wanted = number_of(value_of(call, NUMWANT));
	size_t most = wanted >= 0 && wanted < OFFERS_MAX ? (size_t)wanted : OFFERS_MAX;
	size_t chosen, sent = 0;
	struct json_value item = {0};

	if (value_of(call, OFFERS)->kind != JSON_ARRAY) {
		return;
	}
	chosen = webtorrent_swarm_choose(seat, most);
	for (int i = 0; sent < chosen && i < OFFERS_MAX; i++) {
		if (!json_next(value_of(call, OFFERS), &item)) {
			return;
		}
		sent += send_offer(call, seat, seat->swarm->seats[sent], &item);
	}
}

/* Nobody is told when it comes to nobody: who made the offer may have gone. */
static void relay_answer(const struct call *call)
{
	struct webtorrent_swarm *swarm = webtorrent_swarm_find(call->owner->torrents, call->hash);
	struct webtorrent_seat *seat = webtorrent_swarm_seat(swarm, call->id), *to;
	unsigned char id[WEBTORRENT_ID], offer[WEBTORRENT_ID];

	if (!webtorrent_bytes_read(value_of(call, TO_PEER_ID), id)) {
		fail(call, "invalid to_peer_id");
		return;
	}
	if (!webtorrent_bytes_read(value_of(call, OFFER_ID), offer) ||
		value_of(call, ANSWER)->kind != JSON_OBJECT) {
		fail(call, "invalid answer");
		return;
	}
	to = webtorrent_swarm_seat(swarm, id);
	if (!seat || seat->owner != call->owner || !to ||
		!webtorrent_swarm_take_asked(to, seat, offer)) {
		meter_add(METER_SWARM_ANSWERS_REFUSED, 1);
		return;
	}
	webtorrent_swarm_touch(seat);
	send_on(call, to->owner->peer, true, value_of(call, ANSWER), value_of(call, OFFER_ID));
}

static bool is_one_of(const struct json_value *event, const char *const *names)
{
	while (*names && !json_equals(event, *names)) {
		names++;
	}
	return *names;
}

/* How much it has, if it says so; `left` is null when it does not know. */
static void note_progress(const struct call *call, struct webtorrent_seat *seat)
{
	double left = number_of(value_of(call, LEFT));

	if (json_equals(value_of(call, EVENT), "completed") || left == 0) {
		webtorrent_swarm_set_complete(seat, true);
	} else if (left > 0) {
		webtorrent_swarm_set_complete(seat, false);
	}
}

static void stop(const struct call *call)
{
	struct webtorrent_seat *seat = webtorrent_swarm_seat(
		webtorrent_swarm_find(call->owner->torrents, call->hash), call->id);

	if (seat && seat->owner == call->owner) {
		webtorrent_swarm_leave(seat);
	}
	answer_announce(call);
}

static void take_part(const struct call *call)
{
	struct webtorrent_seat *seat = take_seat(call);

	if (seat) {
		note_progress(call, seat);
		answer_announce(call);
		send_offers(call, seat);
	}
}

static void announce(struct call *call)
{
	static const char *const events[] = {
		"started", "completed", "update", "empty", "paused", "", NULL};
	const struct json_value *event = value_of(call, EVENT);
	enum json_kind answer = value_of(call, ANSWER)->kind;

	if (!call->has_hash) {
		fail(call, "invalid info_hash");
	} else if (!webtorrent_bytes_read(value_of(call, PEER_ID), call->id)) {
		fail(call, "invalid peer_id");
	} else if (!may_join(call->owner->peer, call->hash)) {
		fail(call, "the token does not let into this swarm");
	} else if (answer != JSON_ABSENT && answer != JSON_NULL) {
		relay_answer(call);
	} else if (json_equals(event, "stopped")) {
		stop(call);
	} else if (event->kind == JSON_ABSENT || event->kind == JSON_NULL ||
		   is_one_of(event, events)) {
		take_part(call);
	} else {
		fail(call, "invalid event");
	}
}

/* Append what is known of one torrent. False: that is no hash. */
static bool add_file(const struct call *call, const struct json_value *value, char *text,
	size_t size, size_t *len)
{
	const struct peer *peer = call->owner->peer;
	const struct webtorrent_swarm *swarm;
	unsigned char hash[WEBTORRENT_ID];
	size_t complete, count;

	if (!webtorrent_bytes_read(value, hash)) {
		return false;
	}
	swarm = may_join(peer, hash) ? webtorrent_swarm_find(call->owner->torrents, hash) : NULL;
	complete = swarm ? swarm->complete : 0;
	count = swarm ? swarm->count : 0;
	*len += (size_t)snprintf(text + *len, size - *len,
		"%s%.*s:{\"complete\":%zu,\"incomplete\":%zu,\"downloaded\":%zu}", *len ? "," : "",
		(int)value->len, value->at, complete, count - complete, complete);
	return true;
}

static void scrape(const struct call *call)
{
	const struct json_value *hashes = value_of(call, INFO_HASH);
	size_t size = SCRAPE_MAX * (BYTES_QUOTED + 110), len = 0;
	struct json_value item = {0};
	char *text = malloc(size);
	bool good = text;

	if (good && hashes->kind == JSON_ARRAY) {
		for (int i = 0; good && i < SCRAPE_MAX && json_next(hashes, &item); i++) {
			good = add_file(call, &item, text, size, &len);
		}
	} else {
		good = good && add_file(call, hashes, text, size, &len);
	}
	if (good) {
		hub_send_text(call->owner->peer,
			(struct iovec[]){PART("{\"action\":\"scrape\",\"files\":{"),
				PART_BYTES(text, len),
				PART("},\"flags\":{\"min_request_interval\":" INTERVAL "}}")},
			3);
	} else {
		fail(call, hashes->kind == JSON_ABSENT ? "only torrents that are named are scraped"
						       : "invalid info_hash");
	}
	free(text);
}

static void webtorrent_message(struct peer *peer, const char *data, size_t len, bool binary)
{
	struct json_member members[MEMBERS] = {
		[ACTION].name = "action",
		[INFO_HASH].name = "info_hash",
		[PEER_ID].name = "peer_id",
		[TO_PEER_ID].name = "to_peer_id",
		[EVENT].name = "event",
		[LEFT].name = "left",
		[NUMWANT].name = "numwant",
		[OFFERS].name = "offers",
		[ANSWER].name = "answer",
		[OFFER_ID].name = "offer_id",
	};
	struct call call = {
		.owner = peer->state_of_dialect, .members = members, .action = "announce"};
	enum json_result result = json_scan(data, len, members, MEMBERS);

	(void)binary; /* JSON is read from both, and goes out as text */
	if (result != JSON_OK) {
		fail(&call, result == JSON_DOUBLED ? "a member stands twice" : "not a JSON object");
		return;
	}
	call.has_hash = webtorrent_bytes_read(value_of(&call, INFO_HASH), call.hash);
	if (json_equals(value_of(&call, ACTION), "announce")) {
		announce(&call);
	} else if (json_equals(value_of(&call, ACTION), "scrape")) {
		call.action = "scrape";
		scrape(&call);
	} else {
		fail(&call, "invalid action");
	}
}

const struct dialect dialect_webtorrent = {
	.name = "webtorrent",
	.room_in_message = true,
	.start = webtorrent_start,
	.stop = webtorrent_stop,
	.kept = webtorrent_kept,
	.open = webtorrent_open,
	.message = webtorrent_message,
	.close = webtorrent_close,
};
