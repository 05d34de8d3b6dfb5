/*
 * answers: how many bytes of HTTP answers slow clients have not taken yet, by address and network,
 * and who may have more.
 *
 * There is one bound for all. An address may have as much waiting as leaves as much again to the
 * others of its network, and as much as both to everybody else: alone it gets a third, its
 * network a half, and what is left is shared in the same way. So one that reads nothing is the one
 * that is refused. Small answers may wait up to twice that bound, shared in the same way: who
 * downloads much still gets pages.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct address;

#define ANSWERS_MAX (96 << 20) /* bytes */
#define ANSWERS_SMALL (64 << 10) /* bytes */
/* Addresses that share a slot by chance are counted as one. */
#define ANSWERS_SLOTS 1024

/* Addresses that are not known count for all only. */
struct answers {
	size_t most; /* bytes: the bound */
	size_t all;
	unsigned addresses[ANSWERS_SLOTS], networks[ANSWERS_SLOTS];
};

/* Nothing waits yet. The bound is an eighth of `max_memory`, and ANSWERS_MAX at most. */
void answers_init(struct answers *answers, uint64_t max_memory);
/* Another bound from now on. */
void answers_set_max_memory(struct answers *answers, uint64_t max_memory);
void answers_add(struct answers *answers, const struct address *client, size_t bytes);
void answers_remove(struct answers *answers, const struct address *client, size_t bytes);
/* How many bytes the next answer for the client may have. */
size_t answers_room(const struct answers *answers, const struct address *client);
