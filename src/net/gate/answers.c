/* answers: see the header. */
#include "nakodo/net/gate/answers.h"

#include "nakodo/base/address.h"
#include "nakodo/base/hash.h"

static size_t slot_of(const struct address *address)
{
	return hash_bytes(address, sizeof(*address)) % ANSWERS_SLOTS;
}

static size_t address_slot(const struct address *client)
{
	struct address group = address_group(client);

	return slot_of(&group);
}

static size_t network_slot(const struct address *client)
{
	struct address network = address_network(client);

	return slot_of(&network);
}

void answers_add(struct answers *answers, const struct address *client, size_t bytes)
{
	answers->all += bytes;
	if (address_is_known(client)) {
		answers->addresses[address_slot(client)] += (unsigned)bytes;
		answers->networks[network_slot(client)] += (unsigned)bytes;
	}
}

void answers_remove(struct answers *answers, const struct address *client, size_t bytes)
{
	answers->all -= bytes;
	if (address_is_known(client)) {
		answers->addresses[address_slot(client)] -= (unsigned)bytes;
		answers->networks[network_slot(client)] -= (unsigned)bytes;
	}
}

size_t answers_room(const struct answers *answers, const struct address *client)
{
	size_t taken = answers->all;

	if (address_is_known(client)) {
		taken += answers->addresses[address_slot(client)];
		taken += answers->networks[network_slot(client)];
	}
	return taken < ANSWERS_MAX ? ANSWERS_MAX - taken : 0;
}
