/* writes: see the header. */
#include "nakodo/net/cluster/writes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/dialect/changes.h"
#include "nakodo/net/cluster/lease.h"

#define TTL "7200000" /* ms, as units have (claims.c) */
#define FIXED 12 /* words of a command before the fields */

/* KEYS unit, state
 * ARGV id, epoch, number, ttl, whole, count, key of leases, field, bytes …, field …
 * 1: it is written; 0: Redis does not know that the unit is ours, or what is there is not what was
 * written last; 2: it is that of another node which is there. What comes too
 * late, behind something newer, is left out: a connection that was given up may still bring it.
 * What others have put there counts as nothing. */
static const char write_script[] =
	"local o = redis.pcall('HMGET', KEYS[1], 'o', 'e')\n"
	"if o[1] and o[1] ~= ARGV[1] and redis.call('EXISTS', ARGV[7] .. o[1]) == 1 then return 2 "
	"end\n"
	"if o[1] ~= ARGV[1] or o[2] ~= ARGV[2] then return 0 end\n"
	"local n = redis.pcall('HMGET', KEYS[2], 'e', 'n')\n"
	"local last = n[1] == ARGV[2] and tonumber(n[2] or '')\n"
	"if last and last >= tonumber(ARGV[3]) then return 1 end\n"
	"if ARGV[5] ~= '1' and not last then return 0 end\n"
	"if ARGV[5] == '1' then redis.call('DEL', KEYS[2]) end\n"
	"local count = tonumber(ARGV[6])\n"
	"for i = 8, 7 + 2 * count, 2 do\n"
	"  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])\n"
	"end\n"
	"for i = 8 + 2 * count, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end\n"
	"redis.call('HSET', KEYS[2], 'e', ARGV[2], 'n', ARGV[3])\n"
	"local ends = count == 0 and ARGV[5] == '1'\n"
	"redis.call('PEXPIRE', KEYS[2], ends and 60000 or ARGV[4])\n"
	"return 1\n";

static void put(const char **words, size_t *lengths, size_t at, const char *bytes, size_t len)
{
	words[at] = bytes;
	lengths[at] = len;
}

/* Behind the fixed words. Returns how many were set. */
static size_t put_fields(
	const struct changes *changes, const char **words, size_t *lengths, size_t *at)
{
	size_t count = 0;

	for (int gone = 0; gone < 2; gone++) {
		for (size_t i = 0; i < changes->count; i++) {
			const struct change *change = &changes->all[i];

			if (change->gone != gone) {
				continue;
			}
			put(words, lengths, (*at)++, change->field, CHANGES_FIELD - 1);
			if (!gone) {
				put(words, lengths, (*at)++, changes->bytes.at + change->at,
					change->len);
				count++;
			}
		}
	}
	return count;
}

bool writes_send(struct redis *redis, const struct written *what, const struct changes *changes,
	redis_fn *fn, void *cookie)
{
	struct lease names;
	char keys[2][LEASE_KEY], leases[LEASE_KEY], epoch[24], number[24], count[24];
	const char *fixed[FIXED] = {"EVAL", write_script, "2", keys[0], keys[1], what->node, epoch,
		number, TTL, changes->whole ? "1" : "0", count, leases};
	size_t at = FIXED, most = FIXED + 2 * changes->count, *lengths;
	const char **words = calloc(most, sizeof(*words) + sizeof(*lengths));
	bool sent;

	if (!words) {
		return false;
	}
	lengths = (size_t *)(void *)(words + most);
	snprintf(names.cluster, sizeof(names.cluster), "%s", what->cluster);
	lease_key(&names, "u:", what->unit, keys[0]);
	lease_key(&names, "s:", what->unit, keys[1]);
	lease_key(&names, "n:", "", leases);
	snprintf(epoch, sizeof(epoch), "%" PRIu64, what->epoch);
	snprintf(number, sizeof(number), "%" PRIu64, what->number);
	snprintf(count, sizeof(count), "%zu", put_fields(changes, words, lengths, &at));
	for (size_t i = 0; i < FIXED; i++) {
		put(words, lengths, i, fixed[i], strlen(fixed[i]));
	}
	sent = redis_send(redis, fn, cookie, (int)at, words, lengths);
	free(words);
	return sent;
}
