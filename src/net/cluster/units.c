/* units: owns the table. A unit is in it while somebody asks, a connection holds it, or it is ours
 * for a while longer. */
#include "nakodo/net/cluster/units.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/hub/audit.h"
#include "nakodo/net/cluster/claims.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/redis/redis.h"

#define AGAIN 200 /* ms until Redis is asked again */
#define ALONE 2000 /* ms that Redis is away before a new unit is ours without it */
#define ROUND 300000 /* ms between two rounds through all units, */
#define ROUND_SOON 5000 /* and of the first after Redis was away: others may have been told */
#define ROUNDS_SOON 3 /* what is not so, by one that has lost a part of what it had */
#define STEP 20 /* ms between two steps of one, */
#define BATCH 500 /* units of a step */
#define SETTLED 10000 /* ms, and one with sessions gives way to nobody */
#define IN_FLIGHT 2000 /* calls of Redis, beyond which a step waits */

static void on_again(struct wheel_timer *timer);
static void on_kept(struct wheel_timer *timer);

static size_t cost(const struct unit *unit)
{
	return sizeof(*unit) + strlen(unit->name) + 1;
}

/* Somebody may come back to it who was here for a while, and does not just name rooms. */
static bool may_give_way(const struct unit *unit)
{
	return deadlines_now(unit->units->deadlines) - unit->began < SETTLED ||
	       !unit->units->has_sessions(unit->units->cookie, unit);
}

static void idle(struct unit *unit)
{
	struct units *units = unit->units;

	if (!unit->kept.at) {
		if (may_give_way(unit)) {
			DL_APPEND(units->idle, unit);
		}
		deadlines_set(
			units->deadlines, &unit->kept, units->keep(units->cookie, unit), on_kept);
	}
}

/* Its timer has come, perhaps. */
static void end_idling(struct unit *unit)
{
	deadlines_clear(unit->units->deadlines, &unit->kept);
	if (unit->prev) {
		DL_DELETE(unit->units->idle, unit);
		unit->prev = unit->next = NULL;
	}
}

static void tell_not_mine(struct unit *unit)
{
	if (unit->life) {
		unit->units->not_mine(unit->units->cookie, unit);
		unit->life = 0;
	}
}

static void forget(struct unit *unit)
{
	struct units *units = unit->units;

	if (units->cursor == unit) {
		units->cursor = unit->hh.next;
	}
	deadlines_clear(units->deadlines, &unit->again);
	end_idling(unit);
	tell_not_mine(unit);
	if (unit->state == UNIT_MINE) {
		meter_subtract(METER_CLUSTER_UNITS, 1);
	}
	HASH_DEL(units->table, unit);
	memory_give(MEMORY_ROOMS, cost(unit));
	free(unit);
}

static void set_state(struct unit *unit, enum unit_state state)
{
	if (state == UNIT_MINE && unit->state != UNIT_MINE) {
		meter_add(METER_CLUSTER_UNITS, 1);
	} else if (state != UNIT_MINE && unit->state == UNIT_MINE) {
		meter_subtract(METER_CLUSTER_UNITS, 1);
	}
	unit->state = state;
}

/* It is ours, but its worker does not know; or it was, before we stood still. */
static bool is_doubtful(const struct unit *unit)
{
	const struct units *units = unit->units;

	return unit->state == UNIT_MINE && unit->epoch &&
	       (lease_is_over(units->lease) || units->is_untold(units->cookie, unit));
}

/* The end of all that happens to a unit: somebody waits for it, or it is not known to Redis, or it
 * is kept for those who come back, or nobody needs it. It may be gone then. */
static void pursue(struct unit *unit)
{
	struct units *units = unit->units;
	bool awaited = unit->state == UNIT_ASKED && (unit->askers || unit->had);
	bool unclaimed = unit->state == UNIT_MINE && (!unit->epoch || is_doubtful(unit));

	if ((awaited || (unclaimed && !units->away)) && !unit->calls && !unit->again.at) {
		deadlines_set(units->deadlines, &unit->again, AGAIN, on_again);
	}
	if (unit->holds || unit->askers || unit->calls) {
		return;
	}
	if (unit->state == UNIT_ASKED && !unit->owner.port && !unit->had) {
		forget(unit);
	} else {
		idle(unit);
	}
}

static void on_kept(struct wheel_timer *timer)
{
	struct unit *unit = (struct unit *)(void *)((char *)timer - offsetof(struct unit, kept));

	end_idling(unit);
	if (unit->units->away && unit->epoch && unit->units->lasts(unit->units->cookie, unit)) {
		idle(unit); /* until it can be given back: Redis has what is recorded of it */
	} else if (!unit->holds && !unit->askers && !unit->calls) {
		claims_release(unit);
		forget(unit);
	} else {
		pursue(unit); /* once that is over it is kept for as long again */
	}
}

static void answer(struct unit *unit)
{
	struct unit_asker *asker;

	unit->holds++; /* some of them may ask again in there, or doubt it */
	while (unit->state != UNIT_ASKED && unit->askers) {
		asker = unit->askers;
		DL_DELETE(unit->askers, asker);
		asker->unit = NULL;
		asker->answered(asker, unit);
	}
	unit->holds--;
	pursue(unit);
}

static void note_epoch(struct units *units, uint64_t epoch)
{
	units->highest = epoch > units->highest ? epoch : units->highest;
}

static void become_mine(struct unit *unit, uint64_t epoch, struct redisReply *const *known)
{
	struct units *units = unit->units;

	unit->epoch = epoch;
	unit->owner.port = 0;
	unit->doubted = 0;
	unit->lost = unit->had = false;
	note_epoch(units, epoch);
	units->first = units->first ? units->first : epoch;
	set_state(unit, UNIT_MINE);
	if (epoch && known) {
		units->mine(units->cookie, unit, known);
	}
	answer(unit);
}

static void become_others(struct unit *unit, const struct node *owner, uint64_t epoch)
{
	struct units *units = unit->units;
	bool was_mine = unit->state == UNIT_MINE || unit->had;

	end_idling(unit);
	unit->owner = *owner;
	unit->epoch = 0;
	unit->had = false;
	note_epoch(units, epoch);
	set_state(unit, UNIT_OTHERS);
	tell_not_mine(unit);
	if (was_mine && unit->holds) {
		meter_add(METER_CLUSTER_LOST, 1);
		unit->lost = true;
		units->lost(units->cookie);
	}
	answer(unit);
}

static void on_claimed(void *cookie, const struct redisReply *reply)
{
	struct unit *unit = cookie;
	struct units *units = unit->units;
	const struct claimed claimed = claims_read(units->lease, reply);

	unit->calls--;
	if (claimed.is_mine) {
		become_mine(unit, claimed.epoch, claimed.known);
	} else if (claimed.is_others) {
		become_others(unit, &claimed.owner, claimed.epoch);
	} else {
		if (reply && reply->type == REDIS_REPLY_ERROR) {
			units->refused(units->cookie, reply->str);
		}
		pursue(unit); /* not yet; or Redis is away, or refuses */
	}
}

static void claim(struct unit *unit)
{
	if (claims_claim(unit, on_claimed)) {
		unit->calls++;
		meter_add(METER_CLUSTER_CLAIMS, 1);
	} else {
		pursue(unit);
	}
}

static void ask_redis(struct unit *unit)
{
	const struct units *units = unit->units;
	bool alone = units->away && deadlines_now(units->deadlines) - units->away >= ALONE;

	if (!units->away && !unit->calls) {
		claim(unit);
	} else if (units->away && unit->state == UNIT_ASKED && unit->owner.port) {
		set_state(unit, UNIT_OTHERS);
		answer(unit);
	} else if (alone && unit->state == UNIT_ASKED) {
		become_mine(unit, 0, NULL);
	} else {
		pursue(unit);
	}
}

static void on_again(struct wheel_timer *timer)
{
	struct unit *unit = (struct unit *)(void *)((char *)timer - offsetof(struct unit, again));

	ask_redis(unit);
}

static void on_asserted(void *cookie, const struct redisReply *reply)
{
	struct unit *unit = cookie;

	unit->calls--;
	if (unit->state == UNIT_MINE && reply && reply->type == REDIS_REPLY_INTEGER &&
		!reply->integer) {
		unit->epoch = 0; /* another node has it, if that is still there */
		ask_redis(unit);
	} else {
		pursue(unit);
	}
}

/* Redis knows of it again, if it has lost it, or says who has it. */
void units_check(struct unit *unit)
{
	if (unit->calls || unit->units->away) {
		return;
	}
	if (unit->state == UNIT_MINE && unit->epoch && !is_doubtful(unit)) {
		unit->calls += claims_assert(unit, on_asserted);
	} else if (unit->state == UNIT_MINE || unit->askers || unit->had) {
		claim(unit);
	}
}

/* Some at a time, so that Redis has time for others. */
static void on_round(struct wheel_timer *timer)
{
	struct units *units =
		(struct units *)(void *)((char *)timer - offsetof(struct units, round));

	units->cursor = units->cursor ? units->cursor : units->table;
	for (int i = 0; i < BATCH && units->cursor && units->redis->call_count < IN_FLIGHT; i++) {
		struct unit *unit = units->cursor;

		units->cursor = unit->hh.next;
		units_check(unit);
	}
	if (units->cursor) {
		deadlines_set(units->deadlines, timer, STEP, on_round);
	} else {
		units->soon -= units->soon > 0;
		deadlines_set(units->deadlines, timer, units->soon ? ROUND_SOON : ROUND, on_round);
	}
}

void units_init(struct units *units)
{
	units->away = deadlines_now(units->deadlines);
	units->away = units->away ? units->away : 1;
}

void units_resume(struct units *units)
{
	units->away = 0;
	units->cursor = units->table;
	units->soon = ROUNDS_SOON;
	on_round(&units->round);
}

void units_pause(struct units *units)
{
	if (!units->away) {
		units_init(units);
	}
	deadlines_clear(units->deadlines, &units->round);
}

/* Who has been without connections for longest. False: nobody is. */
static bool give_way(struct units *units)
{
	struct unit *unit;

	DL_FOREACH (units->idle, unit) {
		if (!unit->holds && !unit->askers && !unit->calls) {
			claims_release(unit);
			forget(unit);
			return true;
		}
	}
	return false;
}

static struct unit *create(struct units *units, const char *name)
{
	size_t len = strlen(name);
	struct unit *unit;

	while (HASH_COUNT(units->table) >= units->most && give_way(units)) {
	}
	unit = HASH_COUNT(units->table) < units->most ? calloc(1, sizeof(*unit) + len + 1) : NULL;
	if (!unit) {
		return NULL;
	}
	unit->units = units;
	unit->began = deadlines_now(units->deadlines);
	memcpy(unit->name, name, len + 1);
	HASH_ADD(hh, units->table, name, len, unit);
	if (!unit->hh.tbl) {
		free(unit);
		return NULL;
	}
	memory_take(MEMORY_ROOMS, cost(unit));
	return unit;
}

struct unit *units_find(const struct units *units, const char *name)
{
	struct unit *unit;

	HASH_FIND(hh, units->table, name, strlen(name), unit);
	return unit;
}

void units_look_at(struct unit *unit)
{
	if (!unit->units->away && is_doubtful(unit)) {
		unit->had = true;
		set_state(unit, UNIT_ASKED);
	}
}

bool units_ask(struct units *units, const char *name, struct unit_asker *asker)
{
	struct unit *unit = units_find(units, name);

	unit = unit ? unit : create(units, name);
	if (!unit) {
		return false;
	}
	units_look_at(unit);
	if (unit->state == UNIT_OTHERS && !unit->holds && !units->away) {
		set_state(unit, UNIT_ASKED); /* that was a while ago */
	}
	asker->unit = unit;
	DL_APPEND(unit->askers, asker);
	if (unit->state != UNIT_ASKED) {
		answer(unit);
	} else if (!unit->calls && !unit->again.at) {
		ask_redis(unit);
	}
	return true;
}

void units_leave(struct unit_asker *asker)
{
	struct unit *unit = asker->unit;

	if (unit) {
		asker->unit = NULL;
		DL_DELETE(unit->askers, asker);
		pursue(unit);
	}
}

void units_doubt(struct unit *unit)
{
	uint64_t now = deadlines_now(unit->units->deadlines);

	if (unit->state != UNIT_OTHERS) {
		return;
	}
	if (unit->doubted < unit->units->away) {
		unit->doubted = 0; /* that was another absence */
	}
	if (unit->units->away && (!unit->doubted || now - unit->doubted < LEASE_TIME)) {
		unit->doubted = unit->doubted ? unit->doubted : now;
		return; /* nobody knows better, */
	}
	if (unit->units->away) {
		unit->owner.port = 0; /* but for so long a node that lives is not away */
	}
	unit->doubted = 0;
	set_state(unit, UNIT_ASKED);
	pursue(unit);
}

void units_trust(struct unit *unit)
{
	unit->doubted = 0;
}

void units_hold(struct unit *unit)
{
	unit->holds++;
	end_idling(unit);
}

void units_let_go(struct unit *unit)
{
	unit->holds--;
	pursue(unit);
}

size_t units_release_all(struct units *units, bool (*stays)(void *cookie, const struct unit *unit))
{
	struct unit *unit, *next;
	size_t count = 0;

	HASH_ITER (hh, units->table, unit, next) {
		count += unit->state == UNIT_MINE && stays(units->cookie, unit);
	}
	/* If none stays the lease ends, and all are anybody's with it. */
	HASH_ITER (hh, units->table, unit, next) {
		if (count && unit->state == UNIT_MINE && !stays(units->cookie, unit)) {
			claims_release(unit);
		}
	}
	return count;
}

void units_finish(struct units *units)
{
	struct unit *unit, *next;

	deadlines_clear(units->deadlines, &units->round);
	HASH_ITER (hh, units->table, unit, next) {
		forget(unit);
	}
}

#ifdef NAKODO_AUDIT
void units_audit(const struct units *units, struct audit *audit)
{
	const struct unit *unit;

	for (unit = units->table; unit; unit = unit->hh.next) {
		audit_bytes(audit, MEMORY_ROOMS, cost(unit));
	}
}
#endif
