/*
 * nakodo_v1_record: what was noted of a mount's rooms (nakodo_v1_journal.h) is told to the store,
 * and what the store says of it.
 */
#pragma once

#include <stdint.h>

#include "nakodo/dialect/dialect.h"

/* dialect.settle and .recorded. */
void nakodo_v1_record_settle(struct mount *mount);
void nakodo_v1_record_hear(
	struct mount *mount, const char *room, uint64_t number, enum journal_news news);
