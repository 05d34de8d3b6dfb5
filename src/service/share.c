/* share: owns one entry for each owner that has something, and one for each network of these. */
#include "nakodo/service/share.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/hash.h"
#include "nakodo/base/saved.h"

#define AMOUNT_MOST (UINT64_C(1) << 40) /* that was saved */

struct share_owner {
	struct address address; /* group or network */
	struct share_owner *network; /* NULL: this is one */
	size_t amount; /* never 0 */
	size_t claimed;
	void *list; /* the caller's */
	UT_hash_handle hh;
};

static struct share_owner *find(struct share_owner *table, const struct address *key)
{
	struct share_owner *owner;

	HASH_FIND(hh, table, key, sizeof(*key), owner);
	return owner;
}

/* A new one has nothing yet. NULL: no memory. */
static struct share_owner *find_or_add(struct share_owner **table, const struct address *key)
{
	struct share_owner *owner = find(*table, key);

	if (owner) {
		return owner;
	}
	owner = calloc(1, sizeof(*owner));
	if (!owner) {
		return NULL;
	}
	owner->address = *key;
	HASH_ADD(hh, *table, address, sizeof(owner->address), owner);
	if (!owner->hh.tbl) {
		free(owner);
		return NULL;
	}
	return owner;
}

static void forget(struct share_owner **table, struct share_owner *owner)
{
	if (!owner->amount) {
		HASH_DEL(*table, owner);
		free(owner);
	}
}

/* One that has nothing yet, in its network. NULL: no memory. */
static struct share_owner *enter(
	struct share *share, const struct address *address, const struct address *group)
{
	struct address outer = address_network(address);
	struct share_owner *network = find_or_add(&share->networks, &outer), *owner;

	if (!network) {
		return NULL;
	}
	owner = find_or_add(&share->owners, group);
	if (owner) {
		owner->network = network;
	} else {
		forget(&share->networks, network);
	}
	return owner;
}

int share_add(struct share *share, const struct address *address, size_t amount)
{
	struct address group = address_group(address);
	struct share_owner *owner = find(share->owners, &group);

	if (!amount) {
		return 0;
	}
	owner = owner ? owner : enter(share, address, &group);
	if (!owner) {
		return -ENOMEM;
	}
	owner->amount += amount;
	owner->network->amount += amount;
	share->used += amount;
	return 0;
}

void share_add_all(struct share *share, const struct share *other)
{
	const struct share_owner *owner;

	for (owner = other->owners; owner; owner = owner->hh.next) {
		share_add(share, &owner->address, owner->amount);
	}
}

static size_t size_of(const struct share_owner *table)
{
	const UT_hash_table *hash = table ? table->hh.tbl : NULL;

	return hash_size(hash) + HASH_COUNT(table) * sizeof(*table);
}

size_t share_size(const struct share *share)
{
	return sizeof(*share) + size_of(share->owners) + size_of(share->networks);
}

struct share_owner *share_find(const struct share *share, const struct address *address)
{
	struct address group = address_group(address);

	return find(share->owners, &group);
}

void share_remove(struct share *share, const struct address *address, size_t amount)
{
	struct share_owner *owner = share_find(share, address), *network;

	if (!owner || amount > owner->amount) {
		return;
	}
	network = owner->network;
	share->used -= amount;
	owner->amount -= amount;
	network->amount -= amount;
	forget(&share->owners, owner);
	forget(&share->networks, network);
}

size_t share_of(const struct share *share, const struct address *address)
{
	const struct share_owner *owner = share_find(share, address);

	return owner ? owner->amount : 0;
}

void share_ask(struct share_newcomer *ret, const struct share *share, const struct address *address,
	size_t amount)
{
	struct address outer = address_network(address);

	ret->network = find(share->networks, &outer);
	ret->own = share_of(share, address) + amount;
	ret->all = (ret->network ? ret->network->amount : 0) + amount;
}

/* The one of the table that has most; `network` NULL: of any network. */
static struct share_owner *find_most(struct share_owner *table, const struct share_owner *network)
{
	struct share_owner *owner, *most = NULL;

	for (owner = table; owner; owner = owner->hh.next) {
		if ((!network || owner->network == network) &&
			(!most || owner->amount > most->amount)) {
			most = owner;
		}
	}
	return most;
}

struct share_owner *share_find_yielding_owner(
	const struct share *share, const struct address *newcomer, size_t amount)
{
	struct share_owner *network = find_most(share->networks, NULL), *most;
	struct share_newcomer asks;

	share_ask(&asks, share, newcomer, amount);
	if (network && network->amount > asks.all) {
		return find_most(share->owners, network);
	}
	most = asks.network ? find_most(share->owners, asks.network) : NULL;
	return most && most->amount > asks.own ? most : NULL;
}

struct share_owner *share_most(const struct share *share)
{
	const struct share_owner *network = find_most(share->networks, NULL);

	return network ? find_most(share->owners, network) : NULL;
}

bool share_find_yielding(const struct share *share, const struct address *newcomer, size_t amount,
	struct address *ret)
{
	const struct share_owner *most = share_find_yielding_owner(share, newcomer, amount);

	if (most) {
		*ret = most->address;
	}
	return most;
}

void **share_list(struct share_owner *owner)
{
	return &owner->list;
}

static size_t beyond(size_t amount, size_t level)
{
	return amount > level ? amount - level : 0;
}

size_t share_yielding(const struct share *share, const struct address *newcomer, size_t amount)
{
	const struct share_owner *owner;
	struct share_newcomer asks;
	size_t yielding = 0;

	share_ask(&asks, share, newcomer, amount);
	for (owner = share->networks; owner; owner = owner->hh.next) {
		yielding += owner != asks.network ? beyond(owner->amount, asks.all) : 0;
	}
	for (owner = share->owners; owner; owner = owner->hh.next) {
		yielding += owner->network == asks.network ? beyond(owner->amount, asks.own) : 0;
	}
	return yielding;
}

/* What all owners have that have more than that, beyond it. */
static size_t above(const struct share *share, size_t level)
{
	const struct share_owner *owner;
	size_t sum = 0;

	for (owner = share->owners; owner; owner = owner->hh.next) {
		sum += beyond(owner->amount, level);
	}
	return sum;
}

size_t share_level(const struct share *share, size_t excess)
{
	const struct share_owner *most = find_most(share->owners, NULL);
	size_t low = 0, high = most ? most->amount : 0;

	/* At `low` there is enough above it, at `high` there is not. */
	while (share->used > excess && low + 1 < high) {
		size_t middle = low + (high - low) / 2;

		if (above(share, middle) >= excess) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return low;
}

void share_claim(struct share_owner *owner, size_t amount)
{
	owner->claimed += amount;
	owner->network->claimed += amount;
}

void share_unclaim(struct share_owner *owner, size_t amount)
{
	owner->claimed -= amount;
	owner->network->claimed -= amount;
}

bool share_can_spare(const struct share_owner *owner, const struct share_newcomer *newcomer)
{
	const struct share_owner *network = owner->network;

	return network == newcomer->network ? owner->amount - owner->claimed >= newcomer->own
					    : network->amount - network->claimed >= newcomer->all;
}

bool share_is_heavier(const struct share_owner *owner, const struct share_owner *other)
{
	size_t one = owner->network->amount, two = other->network->amount;

	return one != two ? one > two : owner->amount > other->amount;
}

bool share_is_same(const struct address *one, const struct address *other)
{
	struct address first = address_group(one), second = address_group(other);

	return !memcmp(&first, &second, sizeof(first));
}

static void clear(struct share_owner **table)
{
	struct share_owner *owner, *next;

	HASH_ITER (hh, *table, owner, next) {
		HASH_DEL(*table, owner);
		free(owner);
	}
}

void share_clear(struct share *share)
{
	clear(&share->owners);
	clear(&share->networks);
	share->used = 0;
}

void share_save(const struct share *share, struct save *save)
{
	const struct share_owner *owner;

	save_number(save, HASH_COUNT(share->owners));
	for (owner = share->owners; owner; owner = owner->hh.next) {
		save_bytes(save, &owner->address, sizeof(owner->address));
		save_number(save, owner->amount);
	}
}

int share_restore(struct share *share, struct saved *saved)
{
	for (size_t left = saved_count(saved, 8 + sizeof(struct address) + 8); left; left--) {
		struct address address;

		saved_copy(saved, &address, sizeof(address));
		if (share_add(share, &address, saved_number_up_to(saved, AMOUNT_MOST))) {
			return -ENOMEM;
		}
	}
	return 0;
}
