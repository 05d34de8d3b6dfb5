/* claims: see the header. Time is Redis' own. */
#include "nakodo/net/cluster/claims.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/net/cluster/lease.h"
#include "nakodo/net/cluster/units.h"

#define SETTLE "5000" /* ms that a Redis which was empty is left to those who have units */
#define UNIT_TTL "7200000" /* ms, more than resume-seconds can be */

/* What is no number, or no hash, somebody else has put there, and counts as nothing. */

/* KEYS unit, epoch, begin, state, nodes, left
 * ARGV id, key of leases, settle, ttl, highest epoch seen, 1 if the state is wanted, first epoch of
 * this process
 * The owner's id, epoch and lease; or ours, with "" for a lease, whether it has been ours, how many
 * ms ago its last owner was seen, and its state; nothing: not yet, or we hold no lease, as one
 * whose connection had been given up when a Redis that hung read on. What was nobody's has no
 * state, nor has what was that of one who was seen too long ago for it to be known when. */
static const char claim_script[] =
	"local t = redis.call('TIME')\n"
	"local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
	"if redis.call('EXISTS', ARGV[2] .. ARGV[1]) == 0 then return {} end\n"
	"local begin = tonumber(redis.call('GET', KEYS[3]) or '')\n"
	"if not begin or now < begin then\n"
	"  redis.call('SET', KEYS[3], now); begin = now\n"
	"end\n"
	"local o = redis.pcall('HMGET', KEYS[1], 'o', 'e')\n"
	"if o.err then redis.call('DEL', KEYS[1]) end\n"
	"if o[1] and o[1] ~= ARGV[1] then\n"
	"  local lease = redis.call('GET', ARGV[2] .. o[1])\n"
	"  if lease then return {o[1], o[2], lease} end\n"
	"end\n"
	"if now - begin < tonumber(ARGV[3]) then return {} end\n"
	"local e = math.max(tonumber(redis.call('GET', KEYS[2]) or '') or 0, tonumber(ARGV[5])) + "
	"1\n"
	"redis.call('SET', KEYS[2], e)\n"
	"redis.call('HSET', KEYS[1], 'o', ARGV[1], 'e', e)\n"
	"redis.call('PEXPIRE', KEYS[1], ARGV[4])\n"
	"if ARGV[6] ~= '1' then return {ARGV[1], tostring(e)} end\n"
	"local own, seen = o[1] == ARGV[1], nil\n"
	"if own and (tonumber(o[2] or '') or 0) >= tonumber(ARGV[7]) then seen = now\n"
	"elseif own then seen = redis.call('ZSCORE', KEYS[6], o[1])\n"
	"elseif o[1] then\n"
	"  seen = redis.call('ZSCORE', KEYS[5], o[1]) or redis.call('ZSCORE', KEYS[6], o[1])\n"
	"end\n"
	"local s = redis.pcall('HGETALL', KEYS[4])\n"
	"if not seen or s.err then redis.call('DEL', KEYS[4]); s = {} end\n"
	"return {ARGV[1], tostring(e), '', own and '1' or '0',\n"
	"  string.format('%d', math.max(now - (seen or now), 0)), s}\n";

/* KEYS unit, epoch, state   ARGV id, epoch, ttl, key of leases. 1: it is ours, as it was. Another
 * that lives and was given it keeps it, even with an epoch that is lower, by a Redis that had lost
 * ours: nobody would tell that one. */
static const char assert_script[] =
	"local o = redis.pcall('HMGET', KEYS[1], 'o', 'e')\n"
	"if o.err then redis.call('DEL', KEYS[1]) end\n"
	"local mine = tonumber(ARGV[2])\n"
	"if o[1] and o[1] ~= ARGV[1] and ((tonumber(o[2] or '') or 0) >= mine or\n"
	"  redis.call('EXISTS', ARGV[4] .. o[1]) == 1) then return 0 end\n"
	"local e = tonumber(redis.call('GET', KEYS[2]) or '') or 0\n"
	"if e < mine then redis.call('SET', KEYS[2], mine) end\n"
	"redis.call('HSET', KEYS[1], 'o', ARGV[1], 'e', ARGV[2])\n"
	"redis.call('PEXPIRE', KEYS[1], ARGV[3])\n"
	"redis.call('PEXPIRE', KEYS[3], ARGV[3])\n"
	"return 1\n";

/* KEYS unit, state   ARGV id, epoch */
static const char release_script[] =
	"local o = redis.pcall('HMGET', KEYS[1], 'o', 'e')\n"
	"if o[1] == ARGV[1] and o[2] == ARGV[2] then redis.call('DEL', KEYS[1], KEYS[2]) end\n"
	"return 1\n";

bool claims_claim(struct unit *unit, redis_fn *fn)
{
	struct units *units = unit->units;
	struct lease *lease = units->lease;
	char keys[6][LEASE_KEY], leases[LEASE_KEY], highest[24], first[24];
	const char *words[] = {"EVAL", claim_script, "6", keys[0], keys[1], keys[2], keys[3],
		keys[4], keys[5], lease->own.id, leases, SETTLE, UNIT_TTL, highest,
		units->lasts(units->cookie, unit) ? "1" : "0", first};

	lease_key(lease, "u:", unit->name, keys[0]);
	lease_key(lease, "epoch", "", keys[1]);
	lease_key(lease, "begin", "", keys[2]);
	lease_key(lease, "s:", unit->name, keys[3]);
	lease_key(lease, "nodes", "", keys[4]);
	lease_key(lease, "left", "", keys[5]);
	lease_key(lease, "n:", "", leases);
	snprintf(highest, sizeof(highest), "%" PRIu64, units->highest);
	snprintf(first, sizeof(first), "%" PRIu64, units->first ? units->first : UINT64_MAX / 4);
	return redis_send(lease->redis, fn, unit, 16, words, NULL);
}

static const char *text_at(const struct redisReply *reply, size_t at)
{
	bool is = reply && reply->type == REDIS_REPLY_ARRAY && at < reply->elements &&
		  reply->element[at]->type == REDIS_REPLY_STRING;

	return is ? reply->element[at]->str : NULL;
}

struct claimed claims_read(const struct lease *lease, const struct redisReply *reply)
{
	const char *id = text_at(reply, 0), *epoch = text_at(reply, 1), *value = text_at(reply, 2);
	struct claimed claimed = {0};

	if (!id || !epoch) {
		return claimed;
	}
	claimed.epoch = strtoull(epoch, NULL, 10);
	claimed.is_mine = !strcmp(id, lease->own.id);
	if (claimed.is_mine && reply->elements == 6) {
		claimed.known = reply->element + 3;
	}
	claimed.is_others = !claimed.is_mine && value && lease_read_node(&claimed.owner, id, value);
	return claimed;
}

bool claims_assert(struct unit *unit, redis_fn *fn)
{
	struct lease *lease = unit->units->lease;
	char keys[3][LEASE_KEY], leases[LEASE_KEY], epoch[24];
	const char *words[] = {"EVAL", assert_script, "3", keys[0], keys[1], keys[2], lease->own.id,
		epoch, UNIT_TTL, leases};

	lease_key(lease, "u:", unit->name, keys[0]);
	lease_key(lease, "epoch", "", keys[1]);
	lease_key(lease, "s:", unit->name, keys[2]);
	lease_key(lease, "n:", "", leases);
	snprintf(epoch, sizeof(epoch), "%" PRIu64, unit->epoch);
	return redis_send(lease->redis, fn, unit, 10, words, NULL);
}

static void on_released(void *cookie, const struct redisReply *reply)
{
	(void)cookie;
	(void)reply;
}

void claims_release(const struct unit *unit)
{
	struct lease *lease = unit->units->lease;
	char key[2][LEASE_KEY], epoch[24];
	const char *words[] = {"EVAL", release_script, "2", key[0], key[1], lease->own.id, epoch};

	if (unit->epoch) {
		lease_key(lease, "u:", unit->name, key[0]);
		lease_key(lease, "s:", unit->name, key[1]);
		snprintf(epoch, sizeof(epoch), "%" PRIu64, unit->epoch);
		redis_send(lease->redis, on_released, NULL, 7, words, NULL);
	}
}
