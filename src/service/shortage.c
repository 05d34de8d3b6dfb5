/* shortage: see the header. */
#include "nakodo/service/shortage.h"

#include "nakodo/base/memory.h"

void shortage_begin(struct shortage *shortage, uint64_t target)
{
	uint64_t used = memory_used();

	shortage->target = target;
	shortage->level = share_level(&shortage->held, used > target ? used - target : 0);
}

bool shortage_is_over(const struct shortage *shortage)
{
	return memory_used() <= shortage->target;
}

bool shortage_takes(const struct shortage *shortage, const struct address *address)
{
	return !shortage_is_over(shortage) && share_of(&shortage->held, address) > shortage->level;
}

void shortage_take(struct shortage *shortage, const struct address *address, size_t bytes)
{
	size_t held = share_of(&shortage->held, address);

	share_remove(&shortage->held, address, bytes < held ? bytes : held);
}

void shortage_finish(struct shortage *shortage)
{
	share_clear(&shortage->held);
}
