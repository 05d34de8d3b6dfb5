/*
 * ending: the end of a worker's process, and what is said of it.
 */
#pragma once

#include <stdbool.h>

struct worker_slot;

/* It ends now, if it has not already: how, as waitpid(2) has it. */
int ending_reap(struct worker_slot *slot);
/* Tell the log, if it was not told to end, or has not ended in order. */
void ending_tell(const struct worker_slot *slot, int status);
/* Will the next one not start either, as when a library is missing? Only while not all have been
 * ready: a daemon of one process would not have started. */
bool ending_is_last(struct worker_slot *slot, int status);
