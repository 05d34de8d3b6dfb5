/* Counts of durations in buckets that are 1/64 of their value wide (1.6 %). */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SHIFT 6
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SHIFT + 1) << HISTOGRAM_SHIFT)

struct histogram {
	uint64_t total;
	uint64_t count[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value);

/* The value below which `share` (0..1) of all values lie; 0 when there are none. */
uint64_t histogram_at(const struct histogram *h, double share);

#endif
