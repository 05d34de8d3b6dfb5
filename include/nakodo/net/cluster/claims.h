/*
 * claims: what Redis is asked and told of a unit (units.h): scripts, so that each is done as a
 * whole.
 */
#pragma once

#include <stdbool.h>

#include "nakodo/net/redis/redis.h"

struct unit;

/* Whose is it? It is ours, with an epoch higher than all before, if it is nobody's. The reply is an
 * array: empty, as long as nothing is given away; the owner's ID, the epoch, and the owner's lease
 * if it is another node. Of ours, if its sessions are recorded: "", "1" if it was ours before, the
 * ms since its last owner was seen, and what is recorded, field by field. `fn` gets the unit as
 * cookie. False: as redis_send(). */
bool claims_claim(struct unit *unit, redis_fn *fn);
/* It is ours since its epoch. The reply is 1; or 0: another node has it. */
bool claims_assert(struct unit *unit, redis_fn *fn);
/* It is anybody's, and nothing of it is recorded any more, unless another has it already. */
void claims_release(const struct unit *unit);
