/*
 * writes: what Redis is told to record of a unit (dialect/changes.h): one script for each write,
 * which does nothing if the unit is not the node's any more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nakodo/net/redis/redis.h"

struct changes;

struct written {
	const char *cluster; /* its name */
	const char *unit, *node; /* whose it is, */
	uint64_t epoch; /* since then */
	uint64_t number; /* higher than those before it: what comes late is left out */
};

/* The reply is 1, or 0: the unit is not the node's, or Redis has lost what was before. False: as
 * redis_send(). */
bool writes_send(struct redis *redis, const struct written *what, const struct changes *changes,
	redis_fn *fn, void *cookie);
