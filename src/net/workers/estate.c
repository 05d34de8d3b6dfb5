/* estate: see the header. */
#include "estate.h"

#include <unistd.h>

#include "nakodo/base/log.h"
#include "nakodo/base/meter.h"
#include "nakodo/net/workers/workers.h"
#include "worker_slot.h"

int estate_of(const struct worker_slot *slot)
{
	return slot->left >= 0 ? slot->left : slot->took ? -1 : slot->workers->saved;
}

void estate_finish(struct worker_slot *slot)
{
	if (slot->left >= 0) {
		close(slot->left);
	}
	slot->left = -1;
}

void estate_add(struct worker_slot *slot, const struct channel_record *record)
{
	estate_finish(slot);
	slot->left = record->fds[0]; /* -1: it did not come */
	if (slot->left < 0) {
		log_warn("restart.not-saved", LOG_UINT("worker", slot->index + 1),
			LOG_STR("problem", "there is no descriptor left for it"),
			LOG_STR("effect", "who was there comes in as somebody new"));
	}
}

void estate_taken(struct worker_slot *slot)
{
	estate_finish(slot);
	slot->took = slot->taking = true;
}

static void refuse(struct worker_slot *slot, const char *problem)
{
	slot->workers->unwell = true;
	meter_add(METER_SAVED_REFUSED, 1);
	log_warn("restart.refused", LOG_UINT("worker", slot->index + 1),
		LOG_STR("problem", problem),
		LOG_STR("effect", "who was there before comes in as somebody new"));
}

void estate_settle(struct worker_slot *slot, bool well)
{
	slot->workers->unwell |= !well; /* it has told why */
	if (!slot->taking && estate_of(slot) >= 0) {
		refuse(slot, "there is no descriptor left for it");
	}
	estate_taken(slot);
	slot->taking = false;
}

void estate_lose(struct worker_slot *slot)
{
	if (slot->taking) {
		slot->taking = false;
		slot->spoilt = true;
		refuse(slot, "it ended while it read it");
	} else if (!slot->workers->all_ready) {
		/* Nobody has been served yet of what was left. */
		slot->took = slot->spoilt;
	}
}
