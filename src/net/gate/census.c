/* census: owns one entry for each address that has a connection, and a fixed table of addresses
 * whose refusal was logged within the last minute. */
#include "nakodo/net/gate/census.h"

#include <stdlib.h>
#include <string.h>

#include "nakodo/base/address.h"
#include "nakodo/base/hash.h"

#define LOGGED 4096
#define LOG_EVERY 60000 /* ms */

struct entry {
	struct address address;
	size_t connections, peers;
	UT_hash_handle hh;
};

struct census {
	struct entry *entries;
	struct {
		struct address address;
		uint64_t until;
	} logged[LOGGED];
};

struct census *census_create(void)
{
	return calloc(1, sizeof(struct census));
}

void census_destroy(struct census *census)
{
	struct entry *entry, *next;

	if (census) {
		HASH_ITER (hh, census->entries, entry, next) {
			HASH_DEL(census->entries, entry);
			free(entry);
		}
		free(census);
	}
}

static struct entry *find(struct census *census, const struct address *group)
{
	struct entry *entry;

	HASH_FIND(hh, census->entries, group, sizeof(*group), entry);
	return entry;
}

static struct entry *find_or_add(struct census *census, const struct address *group)
{
	struct entry *entry = find(census, group);

	if (!entry) {
		entry = calloc(1, sizeof(*entry));
		if (entry) {
			entry->address = *group;
			HASH_ADD(hh, census->entries, address, sizeof(entry->address), entry);
			if (!entry->hh.tbl) {
				free(entry);
				entry = NULL;
			}
		}
	}
	return entry;
}

static void remove_if_unused(struct census *census, struct entry *entry)
{
	if (!entry->connections && !entry->peers) {
		HASH_DEL(census->entries, entry);
		free(entry);
	}
}

static bool add(struct census *census, const struct address *address, size_t most, size_t offset)
{
	struct address group = address_group(address);
	struct entry *entry;
	size_t *count;

	if (!address_is_known(address)) {
		return true;
	}
	entry = find_or_add(census, &group);
	if (!entry) {
		return false;
	}
	count = (size_t *)(void *)((char *)entry + offset);
	if (most && *count >= most) {
		remove_if_unused(census, entry);
		return false;
	}
	++*count;
	return true;
}

static void take(struct census *census, const struct address *address, size_t offset)
{
	struct address group = address_group(address);
	struct entry *entry = address_is_known(address) ? find(census, &group) : NULL;

	if (entry) {
		--*(size_t *)(void *)((char *)entry + offset);
		remove_if_unused(census, entry);
	}
}

bool census_add_connection(struct census *census, const struct address *address, size_t most)
{
	return add(census, address, most, offsetof(struct entry, connections));
}

bool census_add_peer(struct census *census, const struct address *address, size_t most)
{
	return add(census, address, most, offsetof(struct entry, peers));
}

void census_remove_connection(struct census *census, const struct address *address)
{
	take(census, address, offsetof(struct entry, connections));
}

void census_remove_peer(struct census *census, const struct address *address)
{
	take(census, address, offsetof(struct entry, peers));
}

bool census_may_log(struct census *census, const struct address *address, uint64_t now)
{
	struct address group = address_group(address);
	size_t slot = hash_bytes(&group, sizeof(group)) % LOGGED;

	if (census->logged[slot].until > now &&
		!memcmp(&census->logged[slot].address, &group, sizeof(group))) {
		return false;
	}
	census->logged[slot].address = group;
	census->logged[slot].until = now + LOG_EVERY;
	return true;
}
