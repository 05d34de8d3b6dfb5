/*
 * census: owns one entry for each address group and each network that has a connection, some more
 * of those that had one lately, and fixed tables of what was logged of addresses and networks
 * within the last minute.
 */
#include "nakodo/net/gate/census.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/address.h"
#include "nakodo/base/hash.h"

#define LOGGED 4096
#define LOGGED_NETWORKS 1024
#define LOG_EVERY 60000 /* ms */
#define NETWORK_LINES 64 /* in that time */
#define USED_UP (UINT64_MAX / 2) /* ns of a turn; more may be added */
#define FILES_PART 8 /* of the files that may be on their way, for an address */
#define EMPTY_MAX 4096 /* groups that are remembered though nobody is there */

/* Many small debts are kept as their sum: it melts by `left` µs in each µs, as they would have. */
struct debt {
	uint64_t owed, at; /* µs: so much, at that time */
	size_t left; /* connections that have left it, but no more than were there at once */
	size_t most; /* peers that were there at once when one of them left */
};

struct census_group {
	struct address address; /* the first one of the group or network */
	struct census_group *network; /* NULL: this is one */
	size_t connections, peers;
	size_t members; /* groups of a network */
	uint64_t connects; /* µs: when all connects would have come at exactly the rate */
	struct debt debts[CENSUS_DEBTS];
	uint32_t surplus, surplus_round; /* bytes, of that round */
	unsigned files; /* on their way */
	unsigned handshakes, queued; /* before their costly step; that wait to begin */
	uint64_t turn, worked; /* the turn in which its messages took so many ns */
	struct census_group *prev, *next; /* nobody is there (utlist DL) */
	UT_hash_handle hh;
};

struct census {
	struct census_group *groups, *networks;
	struct census_group *empty; /* groups without connections and peers, the oldest first */
	size_t empty_count;
	uint64_t logged[LOGGED]; /* ms: nobody of that slot again until then */
	struct {
		uint64_t until; /* ms: when its minute ends, */
		unsigned lines; /* of which so many are used */
	} told[LOGGED_NETWORKS];
};

struct census *census_create(void)
{
	return calloc(1, sizeof(struct census));
}

static void clear(struct census_group **table)
{
	struct census_group *group, *next;

	HASH_ITER (hh, *table, group, next) {
		HASH_DEL(*table, group);
		free(group);
	}
}

void census_destroy(struct census *census)
{
	if (census) {
		clear(&census->groups);
		clear(&census->networks);
		free(census);
	}
}

static struct census_group *find(struct census_group *table, const struct address *key)
{
	struct census_group *group;

	HASH_FIND(hh, table, key, sizeof(*key), group);
	return group;
}

static struct census_group *find_or_add(struct census_group **table, const struct address *key)
{
	struct census_group *group = find(*table, key);

	if (!group) {
		group = calloc(1, sizeof(*group));
		if (group) {
			group->address = *key;
			HASH_ADD(hh, *table, address, sizeof(group->address), group);
			if (!group->hh.tbl) {
				free(group);
				group = NULL;
			}
		}
	}
	return group;
}

static void forget_network(struct census *census, struct census_group *network)
{
	if (!network->members) {
		HASH_DEL(census->networks, network);
		free(network);
	}
}

static void forget(struct census *census, struct census_group *group)
{
	struct census_group *network = group->network;

	DL_DELETE(census->empty, group);
	census->empty_count--;
	HASH_DEL(census->groups, group);
	free(group);
	network->members--;
	forget_network(census, network);
}

static bool is_empty(const struct census_group *group)
{
	return !group->connections && !group->peers;
}

/* Keep it for a while: it may owe something. */
static void set_empty(struct census *census, struct census_group *group)
{
	DL_APPEND(census->empty, group);
	census->empty_count++;
	if (census->empty_count > EMPTY_MAX) {
		forget(census, census->empty);
	}
}

static void unset_empty(struct census *census, struct census_group *group)
{
	DL_DELETE(census->empty, group);
	census->empty_count--;
}

struct census_group *census_find(struct census *census, const struct address *address)
{
	struct address key = address_group(address);

	return address_is_known(address) ? find(census->groups, &key) : NULL;
}

struct census_group *census_enter(struct census *census, const struct address *address)
{
	struct address key = address_group(address), outer = address_network(address);
	struct census_group *group = census_find(census, address), *network;

	if (group || !address_is_known(address)) {
		return group;
	}
	network = find_or_add(&census->networks, &outer);
	if (!network) {
		return NULL;
	}
	group = find_or_add(&census->groups, &key);
	if (!group) {
		forget_network(census, network);
		return NULL;
	}
	group->network = network;
	network->members++;
	set_empty(census, group);
	return group;
}

static size_t *count_of(struct census_group *group, size_t offset)
{
	return (size_t *)(void *)((char *)group + offset);
}

static bool add(struct census *census, const struct address *address, size_t most, size_t offset,
	struct census_group **ret)
{
	struct census_group *group;
	size_t *inner, *outer;

	if (!address_is_known(address)) {
		*ret = NULL;
		return true;
	}
	group = census_enter(census, address);
	if (!group) {
		return false;
	}
	inner = count_of(group, offset);
	outer = count_of(group->network, offset);
	if (most && (*inner >= most || *outer >= most * CENSUS_NETWORK)) {
		return false;
	}
	if (is_empty(group)) {
		unset_empty(census, group);
	}
	++*inner;
	++*outer;
	*ret = group;
	return true;
}

static void take(struct census *census, struct census_group *group, size_t offset)
{
	size_t *inner;

	if (!group) {
		return;
	}
	inner = count_of(group, offset);
	assert(*inner);
	if (*inner) {
		--*inner;
		--*count_of(group->network, offset);
		if (is_empty(group)) {
			set_empty(census, group);
		}
	}
}

bool census_add_connection(struct census *census, const struct address *address, size_t most,
	struct census_group **ret)
{
	return add(census, address, most, offsetof(struct census_group, connections), ret);
}

bool census_add_peer(struct census *census, const struct address *address, size_t most,
	struct census_group **ret)
{
	return add(census, address, most, offsetof(struct census_group, peers), ret);
}

void census_remove_connection(struct census *census, struct census_group *group)
{
	take(census, group, offsetof(struct census_group, connections));
}

void census_remove_peer(struct census *census, struct census_group *group)
{
	take(census, group, offsetof(struct census_group, peers));
}

/* When a connect at `now` has its turn at `rate` per second; both in µs. A network has a rate that
 * is so many times its groups', and twice their burst. */
static uint64_t turn_of(const struct census_group *group, uint64_t rate, uint64_t now)
{
	uint64_t allowance = UINT64_C(1000000) * CENSUS_BURST;

	if (!group->network) {
		allowance = allowance * 2 / CENSUS_NETWORK;
	}
	allowance -= 1000000 / rate;
	return group->connects > now + allowance ? group->connects - allowance : now;
}

static void count_connect(struct census_group *group, uint64_t rate, uint64_t now)
{
	group->connects = (group->connects > now ? group->connects : now) + 1000000 / rate;
}

uint64_t census_wait(const struct census_group *group, uint64_t rate, uint64_t now)
{
	uint64_t inner, outer;

	if (!group || !rate) {
		return 0;
	}
	now *= 1000;
	inner = turn_of(group, rate, now);
	outer = turn_of(group->network, rate * CENSUS_NETWORK, now);
	return ((inner > outer ? inner : outer) - now + 999) / 1000;
}

bool census_connect(struct census_group *group, uint64_t rate, uint64_t now, uint64_t patience,
	uint64_t *ret_wait)
{
	*ret_wait = census_wait(group, rate, now);
	if (*ret_wait > patience) {
		return false;
	}
	if (group && rate) {
		count_connect(group, rate, now * 1000);
		count_connect(group->network, rate * CENSUS_NETWORK, now * 1000);
	}
	return true;
}

static void melt(struct debt *debt, uint64_t now)
{
	uint64_t melted = now > debt->at ? (now - debt->at) * debt->left : 0;

	debt->at = now;
	debt->owed = debt->owed > melted ? debt->owed - melted : 0;
	if (!debt->owed) {
		debt->left = debt->most = 0;
	}
}

void census_leave_debt(
	struct census_group *group, enum census_debt debt, uint64_t owed, uint64_t now)
{
	struct debt *sum = group ? &group->debts[debt] : NULL;
	size_t here;

	if (!sum || !owed) {
		return;
	}
	melt(sum, now * 1000);
	here = group->peers ? group->peers : 1;
	sum->most = here > sum->most ? here : sum->most;
	sum->owed += owed;
	/* Who connects in a loop is one of them, however often it leaves. */
	sum->left += sum->left < sum->most;
}

uint64_t census_share_of_debt(struct census_group *group, enum census_debt debt, uint64_t now)
{
	if (!group || !group->debts[debt].left) {
		return 0;
	}
	melt(&group->debts[debt], now * 1000);
	return group->debts[debt].left ? group->debts[debt].owed / group->debts[debt].left : 0;
}

uint64_t census_take_debt(
	struct census_group *group, enum census_debt debt, uint64_t most, uint64_t now)
{
	uint64_t share = census_share_of_debt(group, debt, now);
	struct debt *sum;

	if (!share) {
		return 0;
	}
	sum = &group->debts[debt];
	if (share > most) {
		sum->owed -= most;
		return most;
	}
	sum->owed -= share;
	if (!--sum->left) {
		sum->owed = sum->most = 0;
	}
	return share;
}

uint64_t census_count_surplus(struct census_group *group, uint32_t round, uint32_t bytes)
{
	if (!group) {
		return bytes;
	}
	if (group->surplus_round != round) {
		group->surplus_round = round;
		group->surplus = 0;
	}
	group->surplus += bytes < UINT32_MAX - group->surplus ? bytes : UINT32_MAX - group->surplus;
	return group->surplus;
}

static uint64_t worked(const struct census_group *group, uint64_t turn)
{
	return group->turn == turn ? group->worked : 0;
}

static void work(struct census_group *group, uint64_t turn, uint64_t ns)
{
	group->worked = worked(group, turn) + ns;
	group->turn = turn;
}

void census_work(struct census_group *group, uint64_t turn, uint64_t ns)
{
	if (group) {
		work(group, turn, ns);
		work(group->network, turn, ns);
	}
}

void census_use_up(struct census_group *group, uint64_t turn)
{
	if (group) {
		group->turn = turn;
		group->worked = USED_UP;
	}
}

uint64_t census_worked(const struct census_group *group, uint64_t turn)
{
	uint64_t own = group ? worked(group, turn) : 0;
	uint64_t network = group ? worked(group->network, turn) / CENSUS_WORK : 0;

	return own > network ? own : network;
}

static bool has_room(const struct census_group *group, unsigned more)
{
	unsigned most = group->network ? CENSUS_HANDSHAKES : CENSUS_HANDSHAKES * CENSUS_WORK;

	return group->handshakes + more <= most;
}

bool census_may_shake_hands(const struct census_group *group)
{
	return !group || (has_room(group, 1) && has_room(group->network, 1));
}

void census_begin_handshake(struct census_group *group)
{
	if (group) {
		group->handshakes++;
		group->network->handshakes++;
	}
}

void census_end_handshake(struct census_group *group)
{
	if (group) {
		assert(group->handshakes);
		group->handshakes--;
		group->network->handshakes--;
	}
}

bool census_may_get_file(const struct census_group *group, size_t most)
{
	size_t own = most / FILES_PART ? most / FILES_PART : 1;

	return !group || (group->files < own && group->network->files < CENSUS_WORK * own);
}

void census_begin_file(struct census_group *group)
{
	if (group) {
		group->files++;
		group->network->files++;
	}
}

void census_end_file(struct census_group *group)
{
	if (group) {
		assert(group->files);
		group->files--;
		group->network->files--;
	}
}

void census_queue_handshake(struct census_group *group)
{
	if (group) {
		group->queued++;
		group->network->queued++;
	}
}

void census_unqueue_handshake(struct census_group *group)
{
	if (group) {
		group->queued--;
		group->network->queued--;
	}
}

static bool is_crowded(const struct census_group *group)
{
	return group->queued && !has_room(group, group->queued);
}

bool census_is_crowded(const struct census_group *group)
{
	return group && (is_crowded(group) || is_crowded(group->network));
}

/* A slot belongs to whoever comes: two that share one would else forget each other, and log every
 * refusal. The network's bound keeps it from filling the slots of others. */
bool census_may_log(struct census *census, const struct address *address, uint64_t now)
{
	struct address group = address_group(address), outer = address_network(address);
	size_t slot = hash_bytes(&group, sizeof(group)) % LOGGED;
	size_t network = hash_bytes(&outer, sizeof(outer)) % LOGGED_NETWORKS;

	if (census->told[network].until <= now) {
		census->told[network].until = now + LOG_EVERY;
		census->told[network].lines = 0;
	}
	if (census->logged[slot] > now || census->told[network].lines >= NETWORK_LINES) {
		return false;
	}
	census->logged[slot] = now + LOG_EVERY;
	census->told[network].lines++;
	return true;
}
