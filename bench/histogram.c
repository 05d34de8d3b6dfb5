/* Logarithmic buckets: the position of the highest bit picks a group, the six bits below it the
 * bucket in the group; values below 64 have a bucket each. */
#include "histogram.h"

static unsigned histogram_bucket(uint64_t value)
{
	unsigned shift;

	if (value < 1u << HISTOGRAM_SHIFT) {
		return (unsigned)value;
	}
	shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_SHIFT;
	return (shift << HISTOGRAM_SHIFT) + (unsigned)(value >> shift);
}

static uint64_t histogram_floor(unsigned bucket)
{
	unsigned group = bucket >> HISTOGRAM_SHIFT;

	if (group < 2) {
		return bucket;
	}
	return (uint64_t)(bucket - ((group - 1) << HISTOGRAM_SHIFT)) << (group - 1);
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->total++;
	h->count[histogram_bucket(value)]++;
}

uint64_t histogram_at(const struct histogram *h, double share)
{
	uint64_t rank = (uint64_t)((double)h->total * share);
	uint64_t seen = 0;
	unsigned i;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->count[i];
		if (seen > rank) {
			return histogram_floor(i);
		}
	}
	return 0;
}
