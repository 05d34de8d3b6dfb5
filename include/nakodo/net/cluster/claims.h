/*
 * claims: what Redis is asked and told of a unit (units.h): scripts, so that each is done as a
 * whole.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nakodo/net/cluster/lease.h"
#include "nakodo/net/redis/redis.h"

struct unit;

/* What the reply to a claim says. */
struct claimed {
	bool is_mine, is_others; /* neither: nothing is given away yet, or Redis refuses */
	uint64_t epoch;
	struct node owner; /* if it is another's */
	/* If it is ours and its sessions are recorded: "1" if it was ours before, the ms since its
	 * last owner was seen, and what is recorded, field by field. */
	struct redisReply *const *known;
};

/* Whose is it? It is ours, with an epoch higher than all before, if it is nobody's. `fn` gets the
 * unit as cookie. False: as redis_send(). */
bool claims_claim(struct unit *unit, redis_fn *fn);
struct claimed claims_read(const struct lease *lease, const struct redisReply *reply);
/* It is ours since its epoch. The reply is 1; or 0: another node has it. */
bool claims_assert(struct unit *unit, redis_fn *fn);
/* It is anybody's, and nothing of it is recorded any more, unless another has it already. */
void claims_release(const struct unit *unit);
