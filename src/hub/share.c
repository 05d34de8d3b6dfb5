/* share: owns one entry for each owner that has something. */
#include "nakodo/hub/share.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/hash.h"

struct share_owner {
	struct address group;
	size_t amount; /* never 0 */
	UT_hash_handle hh;
};

static struct share_owner *find(const struct share *share, const struct address *group)
{
	struct share_owner *owner;

	HASH_FIND(hh, share->owners, group, sizeof(*group), owner);
	return owner;
}

int share_add(struct share *share, const struct address *address, size_t amount)
{
	struct address group = address_group(address);
	struct share_owner *owner = find(share, &group);

	if (!amount) {
		return 0;
	}
	if (!owner) {
		owner = calloc(1, sizeof(*owner));
		if (!owner) {
			return -ENOMEM;
		}
		owner->group = group;
		HASH_ADD(hh, share->owners, group, sizeof(owner->group), owner);
		if (!owner->hh.tbl) {
			free(owner);
			return -ENOMEM;
		}
	}
	owner->amount += amount;
	share->used += amount;
	return 0;
}

void share_remove(struct share *share, const struct address *address, size_t amount)
{
	struct address group = address_group(address);
	struct share_owner *owner = find(share, &group);

	if (!owner || amount > owner->amount) {
		return;
	}
	share->used -= amount;
	owner->amount -= amount;
	if (!owner->amount) {
		HASH_DEL(share->owners, owner);
		free(owner);
	}
}

size_t share_of(const struct share *share, const struct address *address)
{
	struct address group = address_group(address);
	const struct share_owner *owner = find(share, &group);

	return owner ? owner->amount : 0;
}

static const struct share_owner *find_most(const struct share *share)
{
	const struct share_owner *owner, *most = share->owners;

	for (owner = most; owner; owner = owner->hh.next) {
		most = owner->amount > most->amount ? owner : most;
	}
	return most;
}

bool share_find_most(const struct share *share, struct address *ret)
{
	const struct share_owner *most = find_most(share);

	if (most) {
		*ret = most->group;
	}
	return most;
}

bool share_find_yielding(const struct share *share, const struct address *newcomer, size_t amount,
	struct address *ret)
{
	const struct share_owner *most = find_most(share);

	if (!most || most->amount <= share_of(share, newcomer) + amount) {
		return false;
	}
	*ret = most->group;
	return true;
}

/* What all have that have more than that, beyond it. */
static size_t above(const struct share *share, size_t level)
{
	const struct share_owner *owner;
	size_t sum = 0;

	for (owner = share->owners; owner; owner = owner->hh.next) {
		sum += owner->amount > level ? owner->amount - level : 0;
	}
	return sum;
}

size_t share_yielding(const struct share *share, const struct address *newcomer, size_t amount)
{
	return above(share, share_of(share, newcomer) + amount);
}

size_t share_level(const struct share *share, size_t excess)
{
	const struct share_owner *most = find_most(share);
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

bool share_is_same(const struct address *one, const struct address *other)
{
	struct address first = address_group(one), second = address_group(other);

	return !memcmp(&first, &second, sizeof(first));
}

void share_clear(struct share *share)
{
	struct share_owner *owner, *next;

	HASH_ITER (hh, share->owners, owner, next) {
		HASH_DEL(share->owners, owner);
		free(owner);
	}
	share->used = 0;
}
