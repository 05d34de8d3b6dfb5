/* lease: see the header. Time is Redis' own, so that clocks may differ. */
#include "nakodo/net/cluster/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nakodo/base/board.h"
#include "nakodo/base/ids.h"
#include "nakodo/base/meter.h"
#include "nakodo/config.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/redis/redis.h"

#define RENEWAL 2000 /* ms */
#define AGAIN 500 /* ms until it is tried again, if it could not be said */
#define FORMAT "1" /* of what is in Redis, and of relay_line.h */
#define FILE_NAME "nakodo.node"

/* KEYS lease, format, begin, nodes, left   ARGV value, ms, format, id, token, begun, key of leases.
 * 1: it has been there; 0: it has not; 2: another process has it; or the other format. Who comes
 * first to a Redis that is empty, or that all were without for longer than a lease, writes when
 * that was: so long no unit is given away, until all have said what they have. */
static const char renew_script[] =
	"local f = redis.call('GET', KEYS[2])\n"
	"if f and f ~= ARGV[3] then return f end\n"
	"local had = redis.call('GET', KEYS[1])\n"
	"if had and ARGV[6] == '1' and had:sub(1, #ARGV[5]) ~= ARGV[5] then "
	"return 2 end\n"
	"local t = redis.call('TIME')\n"
	"local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
	"local seen = ARGV[6] == '0' and redis.call('ZSCORE', KEYS[4], ARGV[4])\n"
	"if seen then redis.call('ZADD', KEYS[5], seen, ARGV[4]) end\n"
	"if not f then redis.call('SET', KEYS[2], ARGV[3]) end\n"
	"redis.call('SET', KEYS[3], now, 'NX')\n"
	"if not had then\n"
	"  local others, alone = 0, true\n"
	"  for _, id in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do\n"
	"    if id ~= ARGV[4] then\n"
	"      others = others + 1\n"
	"      alone = alone and redis.call('EXISTS', ARGV[7] .. id) == 0\n"
	"    end\n"
	"  end\n"
	"  if others > 0 and alone then redis.call('SET', KEYS[3], now) end\n"
	"end\n"
	"redis.call('ZADD', KEYS[4], now, ARGV[4])\n"
	"redis.call('ZREMRANGEBYSCORE', KEYS[4], 0, now - 7200000)\n"
	"redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
	"return had and 1 or 0\n";

static void draw(char *ret, size_t digits)
{
	unsigned char bytes[32];

	ids_random(bytes, digits / 2);
	for (size_t i = 0; i < digits / 2; i++) {
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	}
}

static bool is_id(const char *text, size_t len)
{
	return len == LEASE_ID - 1 && strspn(text, "0123456789abcdef") == len;
}

static int find_id(struct lease *lease, int directory)
{
	int fd = openat(directory, FILE_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char text[LEASE_ID] = "";
	ssize_t len;

	if (fd < 0) {
		return -errno;
	}
	len = read(fd, text, LEASE_ID - 1);
	if (len >= 0 && is_id(text, (size_t)len)) {
		memcpy(lease->own.id, text, LEASE_ID);
	} else if (pwrite(fd, lease->own.id, LEASE_ID - 1, 0) != LEASE_ID - 1) {
		len = -1;
	}
	close(fd);
	return len < 0 ? -EIO : 0;
}

int lease_init(struct lease *lease, int directory)
{
	draw(lease->own.id, LEASE_ID - 1);
	draw(lease->own.token, RELAY_TOKEN - 1);
	return directory < 0 ? 0 : find_id(lease, directory);
}

void lease_key(const struct lease *lease, const char *what, const char *name, char ret[LEASE_KEY])
{
	/* In Redis Cluster what stands in braces says on which server a key is: all are on one. */
	snprintf(ret, LEASE_KEY, "nk:{%s}:%s%s", lease->cluster, what, name);
}

static void on_time(struct wheel_timer *timer)
{
	lease_take((struct lease *)(void *)((char *)timer - offsetof(struct lease, timer)));
}

static void refuse(struct lease *lease, const struct redisReply *reply)
{
	char why[256];

	if (reply->type == REDIS_REPLY_INTEGER) {
		snprintf(why, sizeof(why),
			"another node has the name of this one, %s: of two that have a copy of the "
			"same state-dir one needs another, without nakodo.node",
			lease->own.id);
	} else if (reply->type == REDIS_REPLY_STRING) {
		snprintf(why, sizeof(why),
			"another version of nakodo uses the cluster-name `%s`: its format is "
			"%.20s, "
			"and " FORMAT " here",
			lease->cluster, reply->str);
	} else {
		snprintf(why, sizeof(why), "it cannot be written to: %.200s",
			reply->type == REDIS_REPLY_ERROR ? reply->str
							 : "it answers something else");
	}
	lease->refused(lease->cookie, why);
}

bool lease_is_over(const struct lease *lease)
{
	return deadlines_now(lease->deadlines) - lease->renewed >= LEASE_TIME;
}

static void on_renewed(void *cookie, const struct redisReply *reply)
{
	struct lease *lease = cookie;

	if (!reply) {
		return; /* the connection has ended */
	}
	lease->renewed = lease->asked;
	deadlines_set(lease->deadlines, &lease->timer, lease_is_over(lease) ? 0 : RENEWAL, on_time);
	if (reply->type != REDIS_REPLY_INTEGER || reply->integer == 2) {
		lease->held = false;
		refuse(lease, reply);
		return;
	}
	if (!lease->held || !reply->integer) {
		lease->held = lease->begun = true;
		lease->taken(lease->cookie);
	}
}

void lease_take(struct lease *lease)
{
	char key[6][LEASE_KEY], value[192];
	const char *words[] = {"EVAL", renew_script, "5", key[0], key[1], key[2], key[3], key[5],
		value, LEASE_MS, FORMAT, lease->own.id, lease->own.token, lease->begun ? "1" : "0",
		key[4]};

	lease_key(lease, "n:", lease->own.id, key[0]);
	lease_key(lease, "format", "", key[1]);
	lease_key(lease, "begin", "", key[2]);
	lease_key(lease, "nodes", "", key[3]);
	lease_key(lease, "n:", "", key[4]);
	lease_key(lease, "left", "", key[5]);
	snprintf(value, sizeof(value), "%s %s %u %" PRIu64 " %" PRIu64 " " NAKODO_VERSION,
		lease->own.token, lease->own.address, lease->own.port,
		board_sum(METER_CLUSTER_UNITS), board_sum(METER_PEERS));
	lease->asked = deadlines_now(lease->deadlines);
	if (!redis_send(lease->redis, on_renewed, lease, 15, words, NULL)) {
		deadlines_set(lease->deadlines, &lease->timer, AGAIN, on_time);
	}
}

static void on_given_up(void *cookie, const struct redisReply *reply)
{
	struct lease *lease = cookie;

	(void)reply;
	lease->given_up(lease->cookie);
}

/* KEYS lease, nodes, left   ARGV id, stays */
static const char give_up_script[] = "if ARGV[2] == '1' then return 1 end\n"
				     "local t = redis.call('TIME')\n"
				     "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
				     "redis.call('ZREM', KEYS[2], ARGV[1])\n"
				     "redis.call('ZADD', KEYS[3], now, ARGV[1])\n"
				     "redis.call('ZREMRANGEBYSCORE', KEYS[3], 0, now - 7200000)\n"
				     "return redis.call('DEL', KEYS[1])\n";

void lease_give_up(struct lease *lease, bool stays, void (*given_up)(void *cookie))
{
	char key[3][LEASE_KEY];
	const char *words[] = {"EVAL", give_up_script, "3", key[0], key[1], key[2], lease->own.id,
		stays ? "1" : "0"};

	lease_key(lease, "n:", lease->own.id, key[0]);
	lease_key(lease, "nodes", "", key[1]);
	lease_key(lease, "left", "", key[2]);
	deadlines_clear(lease->deadlines, &lease->timer);
	lease->given_up = given_up;
	if (!redis_send(lease->redis, on_given_up, lease, 8, words, NULL)) {
		given_up(lease->cookie);
	}
}

void lease_lose(struct lease *lease)
{
	lease->held = false;
	deadlines_clear(lease->deadlines, &lease->timer);
}

bool lease_read_node(struct node *ret, const char *id, const char *value)
{
	struct node node = {0};
	struct address address;
	unsigned port;

	/* What is behind the port is for people to read. */
	if (!is_id(id, strlen(id)) ||
		sscanf(value, "%32[0-9a-f] %45s %u %" SCNu64 " %" SCNu64 " %23[0-9.]", node.token,
			node.address, &port, &node.units, &node.peers, node.version) < 3 ||
		strlen(node.token) != RELAY_TOKEN - 1 || !port || port > UINT16_MAX ||
		!address_parse(&address, node.address, strlen(node.address))) {
		return false;
	}
	memcpy(node.id, id, LEASE_ID);
	node.port = (uint16_t)port;
	*ret = node;
	return true;
}
