/*
 * estate: what a worker has left, or the daemon before this one, until a worker of that place says
 * that it has taken it over and all others have. It is given to one at a time, and to none after
 * one that ended while it read it.
 */
#pragma once

#include <stdbool.h>

#include "nakodo/net/workers/channel.h"

struct worker_slot;

/* What the slot's next worker is given: a descriptor, which stays the estate's, or -1. */
int estate_of(const struct worker_slot *slot);
/* RECORD_SAVED has come. */
void estate_add(struct worker_slot *slot, const struct channel_record *record);
/* RECORD_TAKES, RECORD_READY; `well`: it has what it was given. */
void estate_taken(struct worker_slot *slot);
void estate_settle(struct worker_slot *slot, bool well);
/* The slot's worker has ended. */
void estate_lose(struct worker_slot *slot);
void estate_finish(struct worker_slot *slot);
