/*
 * answers: how many bytes of HTTP answers slow clients have not taken yet, by address and network,
 * and who may have more.
 *
 * There is one bound for all. An address may have as much waiting as leaves as much again to the
 * others of its network, and as much as both to everybody else: alone it gets a third, its
 * network a half, and what is left is shared in the same way. So one that reads nothing is the one
 * that is refused.
 */
#pragma once

#include <stddef.h>

struct address;

#define ANSWERS_MAX (96 << 20) /* bytes */
/* Addresses that share a slot by chance are counted as one. */
#define ANSWERS_SLOTS 1024

/* All zero: nothing waits. Addresses that are not known count for all only. */
struct answers {
	size_t all;
	unsigned addresses[ANSWERS_SLOTS], networks[ANSWERS_SLOTS];
};

void answers_add(struct answers *answers, const struct address *client, size_t bytes);
void answers_remove(struct answers *answers, const struct address *client, size_t bytes);
/* How many more bytes may wait for the client. */
size_t answers_room(const struct answers *answers, const struct address *client);
