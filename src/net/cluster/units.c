/*
 * units: owns the table. A unit is in it while somebody asks, a connection holds it, or it is ours
 * for a while longer.
 */
#include "nakodo/net/cluster/units.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/meter.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/redis/redis.h"

#define SETTLE "5000" /* ms that a Redis which was empty is left to those who have units */
#define UNIT_TTL "3600000" /* ms */
#define AGAIN 200 /* ms until Redis is asked again */
#define ALONE 2000 /* ms that Redis is away before a new unit is ours without it */
#define ROUND 300000 /* ms between two rounds through all units, */
#define STEP 20 /* ms between two steps of one, */
#define BATCH 200 /* units of a step */
#define IN_FLIGHT 2000 /* calls of Redis, beyond which a step waits */
#define UNITS_MOST (1 << 20)

/* KEYS unit, epoch, begin   ARGV id, key of leases, settle, ttl, highest epoch seen
 * The owner's id, epoch and lease; or ours without a lease; nothing: not yet. */
static const char claim_script[] =
	"local t = redis.call('TIME')\n"
	"local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
	"local begin = redis.call('GET', KEYS[3])\n"
	"if not begin or now < tonumber(begin) then\n"
	"  redis.call('SET', KEYS[3], now); begin = now\n"
	"end\n"
	"local o = redis.call('HMGET', KEYS[1], 'o', 'e')\n"
	"if o[1] and o[1] ~= ARGV[1] then\n"
	"  local lease = redis.call('GET', ARGV[2] .. o[1])\n"
	"  if lease then return {o[1], o[2], lease} end\n"
	"end\n"
	"if now - begin < tonumber(ARGV[3]) then return {} end\n"
	"local e = math.max(tonumber(redis.call('GET', KEYS[2]) or '0'), tonumber(ARGV[5])) + 1\n"
	"redis.call('SET', KEYS[2], e)\n"
	"redis.call('HSET', KEYS[1], 'o', ARGV[1], 'e', e)\n"
	"redis.call('PEXPIRE', KEYS[1], ARGV[4])\n"
	"return {ARGV[1], tostring(e)}\n";

/* KEYS unit, epoch   ARGV id, epoch, ttl. 1: it is ours, as it was. */
static const char assert_script[] =
	"local o = redis.call('HMGET', KEYS[1], 'o', 'e')\n"
	"local mine = tonumber(ARGV[2])\n"
	"if o[1] and o[1] ~= ARGV[1] and tonumber(o[2]) >= mine then return 0 end\n"
	"local e = tonumber(redis.call('GET', KEYS[2]) or '0')\n"
	"if e < mine then redis.call('SET', KEYS[2], mine) end\n"
	"redis.call('HSET', KEYS[1], 'o', ARGV[1], 'e', ARGV[2])\n"
	"redis.call('PEXPIRE', KEYS[1], ARGV[3])\n"
	"return 1\n";

/* KEYS unit   ARGV id, epoch */
static const char release_script[] =
	"local o = redis.call('HMGET', KEYS[1], 'o', 'e')\n"
	"if o[1] == ARGV[1] and o[2] == ARGV[2] then redis.call('DEL', KEYS[1]) end\n"
	"return 1\n";

static void on_again(struct wheel_timer *timer);
static void on_kept(struct wheel_timer *timer);

static void forget(struct unit *unit)
{
	struct units *units = unit->units;

	if (units->cursor == unit) {
		units->cursor = unit->hh.next;
	}
	deadlines_clear(units->deadlines, &unit->again);
	deadlines_clear(units->deadlines, &unit->kept);
	if (unit->state == UNIT_MINE) {
		meter_subtract(METER_CLUSTER_UNITS, 1);
	}
	HASH_DEL(units->table, unit);
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

/* The end of all that happens to a unit: somebody waits for it, or it is not known to Redis, or it
 * is kept for those who come back, or nobody needs it. It may be gone then. */
static void pursue(struct unit *unit)
{
	struct units *units = unit->units;
	bool awaited = unit->state == UNIT_ASKED && unit->askers;
	bool unclaimed = unit->state == UNIT_MINE && !unit->epoch && !units->away;

	if ((awaited || unclaimed) && !unit->calls && !unit->again.at) {
		deadlines_set(units->deadlines, &unit->again, AGAIN, on_again);
	}
	if (unit->holds || unit->askers || unit->calls) {
		return;
	}
	if (unit->state == UNIT_ASKED && !unit->owner.port) {
		forget(unit);
	} else if (!unit->kept.at) {
		deadlines_set(
			units->deadlines, &unit->kept, units->keep(units->cookie, unit), on_kept);
	}
}

static void on_released(void *cookie, const struct redisReply *reply)
{
	(void)cookie;
	(void)reply;
}

static void release(struct unit *unit)
{
	struct lease *lease = unit->units->lease;
	char key[LEASE_KEY], epoch[24];
	const char *words[] = {"EVAL", release_script, "1", key, lease->own.id, epoch};

	if (unit->epoch) {
		lease_key(lease, "u:", unit->name, key);
		snprintf(epoch, sizeof(epoch), "%" PRIu64, unit->epoch);
		redis_send(lease->redis, on_released, NULL, 6, words, NULL);
	}
}

static void on_kept(struct wheel_timer *timer)
{
	struct unit *unit = (struct unit *)(void *)((char *)timer - offsetof(struct unit, kept));

	if (!unit->holds && !unit->askers && !unit->calls) {
		release(unit);
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

static void become_mine(struct unit *unit, uint64_t epoch)
{
	struct units *units = unit->units;

	unit->epoch = epoch;
	unit->owner.port = 0;
	unit->lost = false;
	units->highest = epoch > units->highest ? epoch : units->highest;
	set_state(unit, UNIT_MINE);
	answer(unit);
}

static void become_others(struct unit *unit, const struct node *owner)
{
	struct units *units = unit->units;
	bool was_mine = unit->state == UNIT_MINE;

	deadlines_clear(units->deadlines, &unit->kept);
	unit->owner = *owner;
	unit->epoch = 0;
	set_state(unit, UNIT_OTHERS);
	if (was_mine && unit->holds) {
		meter_add(METER_CLUSTER_LOST, 1);
		unit->lost = true;
		units->lost(units->cookie);
	}
	answer(unit);
}

static bool is_text(const struct redisReply *reply, size_t at)
{
	return at < reply->elements && reply->element[at]->type == REDIS_REPLY_STRING;
}

static void on_claimed(void *cookie, const struct redisReply *reply)
{
	struct unit *unit = cookie;
	struct units *units = unit->units;
	bool answered =
		reply && reply->type == REDIS_REPLY_ARRAY && is_text(reply, 0) && is_text(reply, 1);
	struct node owner;

	unit->calls--;
	if (answered && !strcmp(reply->element[0]->str, units->lease->own.id)) {
		become_mine(unit, strtoull(reply->element[1]->str, NULL, 10));
	} else if (answered && is_text(reply, 2) &&
		   lease_read_node(&owner, reply->element[0]->str, reply->element[2]->str)) {
		become_others(unit, &owner);
	} else {
		/* Not yet; or Redis is away or refuses. */
		if (reply && reply->type == REDIS_REPLY_ERROR) {
			units->refused(units->cookie, reply->str);
		}
		pursue(unit);
	}
}

static void claim(struct unit *unit)
{
	struct lease *lease = unit->units->lease;
	char keys[3][LEASE_KEY], leases[LEASE_KEY], highest[24];
	const char *words[] = {"EVAL", claim_script, "3", keys[0], keys[1], keys[2], lease->own.id,
		leases, SETTLE, UNIT_TTL, highest};

	lease_key(lease, "u:", unit->name, keys[0]);
	lease_key(lease, "epoch", "", keys[1]);
	lease_key(lease, "begin", "", keys[2]);
	lease_key(lease, "n:", "", leases);
	snprintf(highest, sizeof(highest), "%" PRIu64, unit->units->highest);
	if (redis_send(lease->redis, on_claimed, unit, 11, words, NULL)) {
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
		become_mine(unit, 0);
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

static void assert_mine(struct unit *unit)
{
	struct lease *lease = unit->units->lease;
	char keys[2][LEASE_KEY], epoch[24];
	const char *words[] = {
		"EVAL", assert_script, "2", keys[0], keys[1], lease->own.id, epoch, UNIT_TTL};

	lease_key(lease, "u:", unit->name, keys[0]);
	lease_key(lease, "epoch", "", keys[1]);
	snprintf(epoch, sizeof(epoch), "%" PRIu64, unit->epoch);
	unit->calls += redis_send(lease->redis, on_asserted, unit, 8, words, NULL);
}

/* What Redis knows of it, if that lost it, or says who has it. */
static void look_at(struct unit *unit, bool all)
{
	if (unit->calls) {
		return;
	}
	if (unit->state == UNIT_MINE && unit->epoch) {
		if (unit->holds || all) {
			assert_mine(unit);
		}
	} else if (unit->state == UNIT_MINE || unit->askers) {
		claim(unit);
	}
}

/* Some at a time, so that Redis has time for others. */
static void on_round(struct wheel_timer *timer)
{
	struct units *units =
		(struct units *)(void *)((char *)timer - offsetof(struct units, round));

	for (int i = 0; i < BATCH && units->cursor && units->redis->call_count < IN_FLIGHT; i++) {
		struct unit *unit = units->cursor;

		units->cursor = unit->hh.next;
		look_at(unit, units->all);
	}
	if (units->cursor) {
		deadlines_set(units->deadlines, timer, STEP, on_round);
	} else {
		units->cursor = units->table;
		units->all = false;
		deadlines_set(units->deadlines, timer, ROUND, on_round);
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
	units->all = true;
	on_round(&units->round);
}

void units_pause(struct units *units)
{
	if (!units->away) {
		units_init(units);
	}
	deadlines_clear(units->deadlines, &units->round);
}

static struct unit *create(struct units *units, const char *name)
{
	size_t len = strlen(name);
	struct unit *unit =
		HASH_COUNT(units->table) < UNITS_MOST ? calloc(1, sizeof(*unit) + len + 1) : NULL;

	if (!unit) {
		return NULL;
	}
	unit->units = units;
	memcpy(unit->name, name, len + 1);
	HASH_ADD(hh, units->table, name, len, unit);
	if (!unit->hh.tbl) {
		free(unit);
		return NULL;
	}
	return unit;
}

struct unit *units_find(const struct units *units, const char *name)
{
	struct unit *unit;

	HASH_FIND(hh, units->table, name, strlen(name), unit);
	return unit;
}

bool units_ask(struct units *units, const char *name, struct unit_asker *asker)
{
	struct unit *unit = units_find(units, name);

	unit = unit ? unit : create(units, name);
	if (!unit) {
		return false;
	}
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
	/* While Redis is away nobody knows better. */
	if (unit->state == UNIT_OTHERS && !unit->units->away) {
		set_state(unit, UNIT_ASKED);
		pursue(unit);
	}
}

void units_hold(struct unit *unit)
{
	unit->holds++;
	deadlines_clear(unit->units->deadlines, &unit->kept);
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
		if (unit->state == UNIT_MINE && stays(units->cookie, unit)) {
			count++;
		} else if (unit->state == UNIT_MINE) {
			release(unit);
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
