/* limit: see the header. */
#include "nakodo/hub/limit.h"

#define SECOND 1000000 /* µs */

/* `cost` and `allowance` in µs, `now` in ms. */
static uint64_t spend(struct limit *limit, uint64_t now, uint64_t cost, uint64_t allowance)
{
	uint64_t earliest;

	now *= 1000;
	limit->due = (limit->due > now ? limit->due : now) + cost;
	/* The message that was just read has been served, even if it was one too many: its peer
	 * waits now. One that keeps exactly to the rate is never held. */
	earliest = limit->due > allowance ? limit->due - allowance : 0;
	return earliest > now ? (earliest - now + 999) / 1000 : 0;
}

uint64_t limit_spend(struct limit *limit, uint64_t now, uint64_t rate, uint64_t burst)
{
	return rate ? spend(limit, now, SECOND / rate, SECOND / rate * burst) : 0;
}

uint64_t limit_spend_bytes(
	struct limit *limit, uint64_t now, uint64_t rate, uint64_t burst, uint64_t bytes)
{
	return rate ? spend(limit, now, bytes * SECOND / rate, burst * SECOND / rate) : 0;
}
