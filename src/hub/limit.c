/* limit: see the header. */
#include "nakodo/hub/limit.h"

uint64_t limit_spend(struct limit *limit, uint64_t now, uint64_t rate, uint64_t burst)
{
	uint64_t interval, allowance, earliest;

	if (!rate) {
		return 0;
	}
	now *= 1000;
	interval = 1000000 / rate;
	allowance = interval * burst;
	limit->due = (limit->due > now ? limit->due : now) + interval;
	/* The message that was just read has been served, even if it was one too many: its peer
	 * waits now. One that keeps exactly to the rate is never held. */
	earliest = limit->due > allowance ? limit->due - allowance : 0;
	return earliest > now ? (earliest - now + 999) / 1000 : 0;
}
