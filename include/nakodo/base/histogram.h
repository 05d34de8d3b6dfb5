/*
 * histogram: meters of how long something takes, by name; see meter.h. Each has the same buckets,
 * and to add to one costs a look through them. Who adds looks at the clock, so nobody does unless
 * somebody may ask.
 */
#pragma once

#include <stdint.h>

#define HISTOGRAM_BUCKETS 14 /* the last one is for whatever takes longer */

enum histogram {
	HISTOGRAM_TURN,
	HISTOGRAM_RELAY,
	HISTOGRAM_CLUSTER_REDIS,
	HISTOGRAM_COUNT,
};

struct histogram_row {
	const char *name; /* behind it comes "_seconds" */
	const char *help; /* one sentence */
};

struct histogram_values {
	uint64_t counts[HISTOGRAM_BUCKETS]; /* of each bucket alone */
	uint64_t sum; /* ns */
};

extern const struct histogram_row histogram_rows[HISTOGRAM_COUNT];
extern struct histogram_values *histogram_values; /* HISTOGRAM_COUNT of them; of this process */
/* The bounds of the buckets, which are part of them, in seconds: "0.001". */
extern const char *const histogram_bounds[HISTOGRAM_BUCKETS];

void histogram_add(enum histogram histogram, uint64_t ns);
