/* claims: see the header. Time is Redis' own. */
#include "nakodo/net/cluster/claims.h"

#include <inttypes.h>
#include <stdio.h>

#include "nakodo/net/cluster/lease.h"
#include "nakodo/net/cluster/units.h"

#define SETTLE "5000" /* ms that a Redis which was empty is left to those who have units */
#define UNIT_TTL "7200000" /* ms, more than resume-seconds can be */

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

/* KEYS unit, epoch   ARGV id, epoch, ttl, key of leases. 1: it is ours, as it was. Another that
 * lives and was given it keeps it, even with an epoch that is lower, by a Redis that had lost ours:
 * nobody would tell that one. */
static const char assert_script[] =
	"local o = redis.call('HMGET', KEYS[1], 'o', 'e')\n"
	"local mine = tonumber(ARGV[2])\n"
	"if o[1] and o[1] ~= ARGV[1] and (tonumber(o[2]) >= mine or\n"
	"  redis.call('EXISTS', ARGV[4] .. o[1]) == 1) then return 0 end\n"
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

bool claims_claim(struct unit *unit, redis_fn *fn)
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
	return redis_send(lease->redis, fn, unit, 11, words, NULL);
}

bool claims_assert(struct unit *unit, redis_fn *fn)
{
	struct lease *lease = unit->units->lease;
	char keys[2][LEASE_KEY], leases[LEASE_KEY], epoch[24];
	const char *words[] = {"EVAL", assert_script, "2", keys[0], keys[1], lease->own.id, epoch,
		UNIT_TTL, leases};

	lease_key(lease, "u:", unit->name, keys[0]);
	lease_key(lease, "epoch", "", keys[1]);
	lease_key(lease, "n:", "", leases);
	snprintf(epoch, sizeof(epoch), "%" PRIu64, unit->epoch);
	return redis_send(lease->redis, fn, unit, 9, words, NULL);
}

static void on_released(void *cookie, const struct redisReply *reply)
{
	(void)cookie;
	(void)reply;
}

void claims_release(const struct unit *unit)
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
