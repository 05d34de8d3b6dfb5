/*
 * budget: what is held for all clients together (base/memory.h) is brought below `max-memory` again
 * when it has grown beyond.
 *
 * Who holds most has to give it back: what can be given back is counted for each address, and all
 * addresses go down to one level. Of those above it, first the events that event-webhook has not
 * been told yet are given up, then those who lost their connection, as their dialects order them;
 * then the peers for whom most is waiting are closed with 4508 and the largest HTTP answers that
 * were not taken are ended. The gate is told when that was not enough, and lets nobody in until it
 * is.
 */
#pragma once

#include <stdint.h>

#include "nakodo/base/wheel.h"

struct ws;

struct budget {
	struct wheel_timer tick; /* set after a look that failed: the next is not made before it */
	uint64_t told; /* ms: the log has been told lately, until then */
};

/* Once per turn, behind the flush: a burst that could be written is no burden. All connections are
 * looked through when too much is held. */
void budget_settle(struct ws *ws);
