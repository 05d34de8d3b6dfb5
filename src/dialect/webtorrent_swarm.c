/* webtorrent_swarm: owns swarms and seats; see the header. */
#include "nakodo/dialect/webtorrent_swarm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/ids.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/hub/audit.h"
#include "nakodo/hub/hub.h"

#define ROOM_LEAST 4 /* of arrays that grow */
#define EXPIRE_AT_ONCE 1000 /* seats, so that a crowd that is gone keeps nobody waiting */
#define CHOOSE_MAX 64

/* An offer that went to a member. What identifies it is hashed with a secret key, so that eight
 * bytes are enough. */
struct webtorrent_asked {
	uint64_t token; /* 0: answered */
	uint64_t until; /* ms of hub_now() */
};

struct key {
	struct webtorrent_swarm *swarm;
	unsigned char id[WEBTORRENT_ID];
};

#define KEY_SIZE (offsetof(struct key, id) + WEBTORRENT_ID)

_Static_assert(offsetof(struct webtorrent_seat, id) == offsetof(struct key, id), "one key");

static void expire(struct wheel_timer *timer);

struct webtorrent_swarm *webtorrent_swarm_find(
	const struct webtorrent *torrents, const unsigned char hash[WEBTORRENT_ID])
{
	struct webtorrent_swarm *swarm;

	HASH_FIND(hh, torrents->swarms, hash, WEBTORRENT_ID, swarm);
	return swarm;
}

struct webtorrent_seat *webtorrent_swarm_seat(
	struct webtorrent_swarm *swarm, const unsigned char id[WEBTORRENT_ID])
{
	struct key key = {.swarm = swarm};
	struct webtorrent_seat *seat = NULL;

	if (swarm) {
		memcpy(key.id, id, WEBTORRENT_ID);
		HASH_FIND(hh, swarm->torrents->seats, &key, KEY_SIZE, seat);
	}
	return seat;
}

/* They grow and go with what is added and removed. */
static void count_tables(struct webtorrent *torrents)
{
	size_t bytes = hash_size(torrents->swarms ? torrents->swarms->hh.tbl : NULL) +
		       hash_size(torrents->seats ? torrents->seats->hh.tbl : NULL);

	memory_give(MEMORY_ROOMS, torrents->tables);
	memory_take(MEMORY_ROOMS, bytes);
	torrents->tables = bytes;
}

struct webtorrent_owner *webtorrent_swarm_add_owner(struct webtorrent *torrents, struct peer *peer)
{
	struct webtorrent_owner *owner = calloc(1, sizeof(*owner));

	if (owner) {
		owner->torrents = torrents;
		owner->peer = peer;
		owner->bytes = sizeof(*owner);
		memory_take(MEMORY_ROOMS, sizeof(*owner));
		torrents->owners++;
	}
	return owner;
}

void webtorrent_swarm_remove_owner(struct webtorrent_owner *owner)
{
	while (owner->seats) {
		webtorrent_swarm_leave(owner->seats);
	}
	memory_give(MEMORY_ROOMS, sizeof(*owner));
	owner->torrents->owners--;
	free(owner);
}

static struct webtorrent_swarm *create(
	struct webtorrent *torrents, const unsigned char hash[WEBTORRENT_ID])
{
	struct webtorrent_swarm *swarm = calloc(1, sizeof(*swarm));

	if (!swarm) {
		return NULL;
	}
	swarm->torrents = torrents;
	memcpy(swarm->hash, hash, WEBTORRENT_ID);
	HASH_ADD(hh, torrents->swarms, hash, WEBTORRENT_ID, swarm);
	if (!swarm->hh.tbl) {
		free(swarm);
		return NULL;
	}
	memory_take(MEMORY_ROOMS, sizeof(*swarm));
	meter_add(METER_SWARMS, 1);
	return swarm;
}

static void destroy_if_empty(struct webtorrent_swarm *swarm)
{
	if (!swarm->count) {
		HASH_DEL(swarm->torrents->swarms, swarm);
		memory_give(MEMORY_ROOMS,
			sizeof(*swarm) + swarm->room * sizeof(struct webtorrent_seat *));
		meter_subtract(METER_SWARMS, 1);
		free(swarm->seats);
		free(swarm);
	}
}

/* False: no memory, and all is as it was. */
static bool resize(struct webtorrent_swarm *swarm, size_t room)
{
	struct webtorrent_seat **seats =
		realloc(swarm->seats, room * sizeof(struct webtorrent_seat *));

	if (!seats) {
		return false;
	}
	memory_give(MEMORY_ROOMS, swarm->room * sizeof(struct webtorrent_seat *));
	memory_take(MEMORY_ROOMS, room * sizeof(struct webtorrent_seat *));
	swarm->seats = seats;
	swarm->room = room;
	return true;
}

/* Into its swarm's array and all lists. */
static void enter(struct webtorrent_seat *seat)
{
	struct webtorrent_swarm *swarm = seat->swarm;
	struct webtorrent *torrents = swarm->torrents;

	seat->index = (uint32_t)swarm->count;
	seat->number = ++torrents->seated;
	seat->announced = hub_now(torrents->hub);
	swarm->seats[swarm->count++] = seat;
	DL_APPEND(torrents->oldest, seat);
	DL_APPEND2(seat->owner->seats, seat, seat_prev, seat_next);
	seat->owner->count++;
	seat->owner->bytes += sizeof(*seat);
	memory_take(MEMORY_ROOMS, sizeof(*seat));
	meter_add(METER_SWARM_MEMBERS, 1);
	if (!torrents->timer.at) {
		hub_set_timer(torrents->hub, &torrents->timer, WEBTORRENT_EXPIRE, expire);
	}
}

static struct webtorrent_seat *add(struct webtorrent_swarm *swarm, struct webtorrent_owner *owner,
	const unsigned char id[WEBTORRENT_ID])
{
	struct webtorrent_seat *seat;

	if (swarm->count == swarm->room &&
		!resize(swarm, swarm->room ? 2 * swarm->room : ROOM_LEAST)) {
		return NULL;
	}
	seat = calloc(1, sizeof(*seat));
	if (!seat) {
		return NULL;
	}
	seat->swarm = swarm;
	seat->owner = owner;
	memcpy(seat->id, id, WEBTORRENT_ID);
	HASH_ADD(hh, swarm->torrents->seats, swarm, KEY_SIZE, seat);
	if (!seat->hh.tbl) {
		free(seat);
		return NULL;
	}
	enter(seat);
	return seat;
}

struct webtorrent_seat *webtorrent_swarm_join(struct webtorrent_owner *owner,
	const unsigned char hash[WEBTORRENT_ID], const unsigned char id[WEBTORRENT_ID])
{
	struct webtorrent_swarm *swarm = webtorrent_swarm_find(owner->torrents, hash);
	struct webtorrent_seat *seat;

	swarm = swarm ? swarm : create(owner->torrents, hash);
	if (!swarm) {
		return NULL;
	}
	seat = add(swarm, owner, id);
	destroy_if_empty(swarm);
	count_tables(owner->torrents);
	return seat;
}

static void swap(struct webtorrent_swarm *swarm, size_t one, size_t other)
{
	struct webtorrent_seat *seat = swarm->seats[one];

	swarm->seats[one] = swarm->seats[other];
	swarm->seats[other] = seat;
	swarm->seats[one]->index = (uint32_t)one;
	swarm->seats[other]->index = (uint32_t)other;
}

static size_t asked_size(const struct webtorrent_seat *seat)
{
	return seat->asked_room * sizeof(*seat->asked);
}

void webtorrent_swarm_leave(struct webtorrent_seat *seat)
{
	struct webtorrent_swarm *swarm = seat->swarm;
	struct webtorrent *torrents = swarm->torrents;
	size_t size = sizeof(*seat) + asked_size(seat);

	webtorrent_swarm_set_complete(seat, false);
	swap(swarm, seat->index, swarm->count - 1);
	swarm->count--;
	HASH_DEL(torrents->seats, seat);
	DL_DELETE(torrents->oldest, seat);
	DL_DELETE2(seat->owner->seats, seat, seat_prev, seat_next);
	seat->owner->count--;
	seat->owner->bytes -= size;
	memory_give(MEMORY_ROOMS, size);
	meter_subtract(METER_SWARM_MEMBERS, 1);
	free(seat->asked);
	free(seat);
	if (swarm->count && swarm->room > ROOM_LEAST && swarm->count <= swarm->room / 4) {
		resize(swarm, swarm->room / 2); /* if it cannot, it stays as it is */
	}
	destroy_if_empty(swarm);
	count_tables(torrents);
	if (!torrents->oldest) {
		hub_clear_timer(torrents->hub, &torrents->timer);
	}
}

static void expire(struct wheel_timer *timer)
{
	struct webtorrent *torrents = (struct webtorrent *)timer;
	uint64_t now = hub_now(torrents->hub), age = 0;

	for (int i = 0; i < EXPIRE_AT_ONCE && torrents->oldest; i++) {
		age = now - torrents->oldest->announced;
		if (age < WEBTORRENT_EXPIRE) {
			break;
		}
		meter_add(METER_SWARM_EXPIRED, 1);
		webtorrent_swarm_leave(torrents->oldest);
	}
	if (torrents->oldest) {
		hub_set_timer(torrents->hub, timer,
			age < WEBTORRENT_EXPIRE ? WEBTORRENT_EXPIRE - age : 0, expire);
	}
}

void webtorrent_swarm_touch(struct webtorrent_seat *seat)
{
	struct webtorrent *torrents = seat->swarm->torrents;

	seat->announced = hub_now(torrents->hub);
	DL_DELETE(torrents->oldest, seat);
	DL_APPEND(torrents->oldest, seat);
}

void webtorrent_swarm_set_complete(struct webtorrent_seat *seat, bool complete)
{
	seat->swarm->complete += (size_t)complete - (size_t)seat->complete;
	seat->complete = complete;
}

/* The first steps of a shuffle (Durstenfeld): nobody twice, and nobody else is looked at. */
size_t webtorrent_swarm_choose(struct webtorrent_seat *seat, size_t count)
{
	struct webtorrent_swarm *swarm = seat->swarm;
	size_t others = swarm->count - 1;
	uint32_t random[CHOOSE_MAX];

	count = count < others ? count : others;
	count = count < CHOOSE_MAX ? count : CHOOSE_MAX;
	if (!count) {
		return 0;
	}
	swap(swarm, seat->index, others);
	ids_random((unsigned char *)random, count * sizeof(*random));
	for (size_t i = 0; i < count; i++) {
		swap(swarm, i, i + random[i] % (others - i));
	}
	return count;
}

static uint64_t make_token(const struct webtorrent *torrents, const struct webtorrent_seat *to,
	const unsigned char offer[WEBTORRENT_ID])
{
	unsigned char bytes[sizeof(to->number) + WEBTORRENT_ID];

	memcpy(bytes, &to->number, sizeof(to->number));
	memcpy(bytes + sizeof(to->number), offer, WEBTORRENT_ID);
	return hash_keyed(torrents->key, bytes, sizeof(bytes)) | 1;
}

static struct webtorrent_asked *asked_at(const struct webtorrent_seat *seat, unsigned i)
{
	return &seat->asked[(seat->asked_first + i) & (seat->asked_room - 1U)];
}

static void forget_first(struct webtorrent_seat *seat)
{
	seat->asked_first = (seat->asked_first + 1U) & (seat->asked_room - 1U);
	seat->asked_count--;
}

static int grow_asked(struct webtorrent_seat *seat)
{
	unsigned room = seat->asked_room ? 2U * seat->asked_room : ROOM_LEAST;
	struct webtorrent_asked *asked = calloc(room, sizeof(*asked));

	if (!asked) {
		return -ENOMEM;
	}
	for (unsigned i = 0; i < seat->asked_count; i++) {
		asked[i] = *asked_at(seat, i);
	}
	memory_take(MEMORY_ROOMS, (room - seat->asked_room) * sizeof(*asked));
	seat->owner->bytes += (room - seat->asked_room) * sizeof(*asked);
	free(seat->asked);
	seat->asked = asked;
	seat->asked_room = (unsigned char)room;
	seat->asked_first = 0;
	return 0;
}

int webtorrent_swarm_ask(struct webtorrent_seat *from, const struct webtorrent_seat *to,
	const unsigned char offer[WEBTORRENT_ID])
{
	const struct webtorrent *torrents = from->swarm->torrents;
	uint64_t now = hub_now(torrents->hub);

	while (from->asked_count &&
		(!asked_at(from, 0)->token || asked_at(from, 0)->until <= now)) {
		forget_first(from);
	}
	if (from->asked_count == WEBTORRENT_ASKED) {
		forget_first(from);
	} else if (from->asked_count == from->asked_room && grow_asked(from)) {
		return -ENOMEM;
	}
	*asked_at(from, from->asked_count++) = (struct webtorrent_asked){
		.token = make_token(torrents, to, offer),
		.until = now + WEBTORRENT_ANSWER,
	};
	return 0;
}

bool webtorrent_swarm_take_asked(struct webtorrent_seat *from, const struct webtorrent_seat *to,
	const unsigned char offer[WEBTORRENT_ID])
{
	const struct webtorrent *torrents = from->swarm->torrents;
	uint64_t token = make_token(torrents, to, offer), now = hub_now(torrents->hub);

	for (unsigned i = 0; i < from->asked_count; i++) {
		struct webtorrent_asked *asked = asked_at(from, i);

		if (asked->token == token && asked->until > now) {
			asked->token = 0;
			return true;
		}
	}
	return false;
}

#ifdef NAKODO_AUDIT
static void audit_swarm(const struct webtorrent_swarm *swarm, struct audit *audit)
{
	size_t complete = 0;

	audit_bytes(audit, MEMORY_ROOMS,
		sizeof(*swarm) + swarm->room * sizeof(struct webtorrent_seat *));
	for (size_t i = 0; i < swarm->count; i++) {
		const struct webtorrent_seat *seat = swarm->seats[i];

		complete += seat->complete;
		if (seat->swarm != swarm || seat->index != i) {
			audit_fault(audit, "a swarm lists a member that is elsewhere");
		}
	}
	if (!swarm->count || complete != swarm->complete) {
		audit_fault(audit, "a swarm is empty, or counts %zu complete and has %zu",
			swarm->complete, complete);
	}
}

/* Looked at where its first seat is. */
static void audit_owner(const struct webtorrent_owner *owner, struct audit *audit)
{
	const struct webtorrent_seat *seat;
	size_t count = 0, bytes = sizeof(*owner);

	DL_FOREACH2(owner->seats, seat, seat_next)
	{
		count++;
		bytes += sizeof(*seat) + asked_size(seat);
	}
	if (count != owner->count || bytes != owner->bytes ||
		owner->peer->state_of_dialect != owner) {
		audit_fault(audit, "a connection counts %zu seats of swarms, and has %zu",
			owner->count, count);
	}
}

void webtorrent_swarm_audit(const struct webtorrent *torrents, struct audit *audit)
{
	const struct webtorrent_swarm *swarm;
	const struct webtorrent_seat *seat;
	size_t listed = 0, aged = 0;
	uint64_t last = 0;

	audit_bytes(audit, MEMORY_ROOMS,
		torrents->owners * sizeof(struct webtorrent_owner) + torrents->tables);
	for (swarm = torrents->swarms; swarm; swarm = swarm->hh.next) {
		audit_swarm(swarm, audit);
		listed += swarm->count;
	}
	DL_FOREACH (torrents->oldest, seat) {
		audit_bytes(audit, MEMORY_ROOMS, sizeof(*seat) + asked_size(seat));
		if (seat->announced < last) {
			audit_fault(audit, "a member of a swarm is out of order");
		}
		if (seat->owner->seats == seat) {
			audit_owner(seat->owner, audit);
		}
		last = seat->announced;
		aged++;
	}
	if (aged != listed || aged != HASH_COUNT(torrents->seats)) {
		audit_fault(audit, "swarms list %zu members, %zu are known by age", listed, aged);
	}
}
#endif
