/*
 * shortage: memory is short, and who has to give some back. Each address has counted for it what
 * could be taken from it; all give way down to one level, so that who has most loses most, and who
 * has less than the level loses nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/service/share.h"

struct shortage {
	struct share held; /* bytes */
	size_t level; /* bytes that an address may keep */
	uint64_t target; /* what memory_used() is to become */
};

/* Everything is counted in `held`: find the level. */
void shortage_begin(struct shortage *shortage, uint64_t target);
/* Is too much held still, and more than the level by that address? */
bool shortage_takes(const struct shortage *shortage, const struct address *address);
/* Is enough given back? */
bool shortage_is_over(const struct shortage *shortage);
/* So many bytes were taken from it. */
void shortage_take(struct shortage *shortage, const struct address *address, size_t bytes);
void shortage_finish(struct shortage *shortage);
