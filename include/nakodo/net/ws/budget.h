/*
 * budget: what is held for all clients together (base/memory.h) is brought below `max-memory` again
 * when it has grown beyond.
 */
#pragma once

struct ws;

/* Once per turn. Too much is held: first those who lost their connection are given up, oldest
 * first; then the peers for whom most is waiting are closed with 4508. The gate lets nobody in
 * meanwhile. */
void budget_settle(struct ws *ws);
