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

void answers_init(struct answers *answers, uint64_t max_memory)
{
	*answers = (struct answers){0};
	answers_set_max_memory(answers, max_memory);
}

void answers_set_max_memory(struct answers *answers, uint64_t max_memory)
{
	answers->most = max_memory / 8 < ANSWERS_MAX ? (size_t)(max_memory / 8) : ANSWERS_MAX;
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

static size_t room_of(size_t most, size_t taken)
{
	return taken < most ? most - taken : 0;
}

size_t answers_room(const struct answers *answers, const struct address *client)
{
	size_t taken = answers->all, room, small;

	if (address_is_known(client)) {
		taken += answers->addresses[address_slot(client)];
		taken += answers->networks[network_slot(client)];
	}
	room = room_of(answers->most, taken);
	small = room_of(answers->most * 2, taken);
	small = small < ANSWERS_SMALL ? small : ANSWERS_SMALL;
	return room > small ? room : small;
}
