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

#define SETTLE "3000" /* ms that a Redis which was empty is left to those who have units */
#define UNIT_TTL "3600000" /* ms */
#define AGAIN 200 /* ms until Redis is asked again */
#define ALONE 2000 /* ms that Redis is away before a new unit is ours without it */
#define ASSERTION 30000 /* ms */

/* KEYS unit, epoch, begin   ARGV id, key of leases, settle, ttl, highest epoch seen
 * The owner's id, epoch and lease; or ours without a lease; nothing: not yet. */
static const char claim_script[] =
	"local t = redis.call('TIME')\n"
	"local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
	"local begin = redis.call('GET', KEYS[3])\n"
	"if not begin then redis.call('SET', KEYS[3], now); begin = now end\n"
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

static void on_time(struct wheel_timer *timer);

static void set_timer(struct unit *unit, uint64_t delay)
{
	deadlines_set(unit->units->deadlines, &unit->timer, delay, on_time);
}

static void forget(struct unit *unit)
{
	struct units *units = unit->units;

	deadlines_clear(units->deadlines, &unit->timer);
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

/* Nobody needs it now: what is ours is kept for those who come back. */
static void settle(struct unit *unit)
{
	if (unit->holds || unit->askers || unit->calls) {
		return;
	}
	if (unit->state == UNIT_MINE) {
		set_timer(unit, unit->units->keep);
	} else {
		forget(unit);
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

static void answer(struct unit *unit)
{
	struct unit_asker *asker;

	/* Some of them may ask again in there. */
	unit->holds++;
	while (unit->state != UNIT_ASKED && unit->askers) {
		asker = unit->askers;
		DL_DELETE(unit->askers, asker);
		asker->unit = NULL;
		asker->answered(asker, unit);
	}
	unit->holds--;
	settle(unit);
}

static void become_mine(struct unit *unit, uint64_t epoch)
{
	struct units *units = unit->units;

	deadlines_clear(units->deadlines, &unit->timer);
	unit->epoch = epoch;
	units->highest = epoch > units->highest ? epoch : units->highest;
	set_state(unit, UNIT_MINE);
	answer(unit);
}

static void become_others(struct unit *unit, const struct node *owner)
{
	bool was_mine = unit->state == UNIT_MINE;

	deadlines_clear(unit->units->deadlines, &unit->timer);
	unit->owner = *owner;
	unit->epoch = 0;
	set_state(unit, UNIT_OTHERS);
	unit->holds++;
	if (was_mine) {
		meter_add(METER_CLUSTER_LOST, 1);
		unit->units->lost(unit->units->cookie, unit);
	}
	unit->holds--;
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
	struct node owner;

	unit->calls--;
	if (!reply || reply->type != REDIS_REPLY_ARRAY || !is_text(reply, 0) ||
		!is_text(reply, 1)) {
		/* Not yet; or Redis is away or refuses. */
		if (unit->state == UNIT_MINE || unit->askers) {
			set_timer(unit, AGAIN);
		} else {
			settle(unit);
		}
		return;
	}
	if (!strcmp(reply->element[0]->str, units->lease->own.id)) {
		become_mine(unit, strtoull(reply->element[1]->str, NULL, 10));
	} else if (is_text(reply, 2) &&
		   lease_read_node(&owner, reply->element[0]->str, reply->element[2]->str)) {
		become_others(unit, &owner);
	} else {
		set_timer(unit, AGAIN);
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
		set_timer(unit, AGAIN);
	}
}

static void on_asserted(void *cookie, const struct redisReply *reply)
{
	struct unit *unit = cookie;

	unit->calls--;
	if (unit->state == UNIT_MINE && reply && reply->type == REDIS_REPLY_INTEGER &&
		!reply->integer) {
		claim(unit); /* another node has it, if that is still there */
	} else {
		settle(unit);
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

static void ask_redis(struct unit *unit)
{
	const struct units *units = unit->units;
	uint64_t now = deadlines_now(units->deadlines);

	if (!units->away && !unit->calls) {
		claim(unit);
	} else if (units->away && now - units->away >= ALONE && unit->state == UNIT_ASKED) {
		become_mine(unit, 0);
	} else {
		set_timer(unit, AGAIN);
	}
}

static void on_time(struct wheel_timer *timer)
{
	struct unit *unit = (struct unit *)(void *)((char *)timer - offsetof(struct unit, timer));
	bool unclaimed = unit->state == UNIT_MINE && !unit->epoch;

	if (unit->holds || unit->askers) {
		if (unit->state == UNIT_ASKED || unclaimed) {
			ask_redis(unit);
		}
	} else if (!unit->calls) {
		if (unit->state == UNIT_MINE) {
			release(unit);
		}
		forget(unit);
	} else {
		set_timer(unit, AGAIN);
	}
}

static void assert_all(struct units *units)
{
	struct unit *unit, *next;

	HASH_ITER (hh, units->table, unit, next) {
		if (unit->state == UNIT_MINE && unit->epoch) {
			assert_mine(unit);
		} else if (unit->state == UNIT_ASKED || unit->state == UNIT_MINE) {
			ask_redis(unit);
		}
	}
}

static void on_assertion(struct wheel_timer *timer)
{
	struct units *units =
		(struct units *)(void *)((char *)timer - offsetof(struct units, assertion));

	assert_all(units);
	deadlines_set(units->deadlines, timer, ASSERTION, on_assertion);
}

void units_init(struct units *units)
{
	units->away = deadlines_now(units->deadlines);
	units->away = units->away ? units->away : 1;
}

void units_resume(struct units *units)
{
	units->away = 0;
	on_assertion(&units->assertion);
}

void units_pause(struct units *units)
{
	if (!units->away) {
		units_init(units);
	}
	deadlines_clear(units->deadlines, &units->assertion);
}

static struct unit *create(struct units *units, const char *name)
{
	size_t len = strlen(name);
	struct unit *unit = calloc(1, sizeof(*unit) + len + 1);

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
	asker->unit = unit;
	DL_APPEND(unit->askers, asker);
	if (unit->state != UNIT_ASKED) {
		answer(unit);
	} else if (!unit->calls && !unit->timer.at) {
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
		settle(unit);
	}
}

void units_doubt(struct unit *unit)
{
	if (unit->state == UNIT_OTHERS) {
		set_state(unit, UNIT_ASKED);
		settle(unit);
	}
}

void units_hold(struct unit *unit)
{
	unit->holds++;
	if (unit->epoch || unit->state != UNIT_MINE) {
		deadlines_clear(unit->units->deadlines, &unit->timer);
	}
}

void units_let_go(struct unit *unit)
{
	unit->holds--;
	settle(unit);
}

size_t units_count(const struct units *units, enum unit_state state)
{
	const struct unit *unit, *next;
	size_t count = 0;

	HASH_ITER (hh, units->table, unit, next) {
		count += unit->state == state;
	}
	return count;
}

void units_release_all(struct units *units)
{
	struct unit *unit, *next;

	HASH_ITER (hh, units->table, unit, next) {
		if (unit->state == UNIT_MINE) {
			release(unit);
		}
	}
}

void units_finish(struct units *units)
{
	struct unit *unit, *next;

	deadlines_clear(units->deadlines, &units->assertion);
	HASH_ITER (hh, units->table, unit, next) {
		forget(unit);
	}
}
