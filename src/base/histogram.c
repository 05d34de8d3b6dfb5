/* histogram: owns the values, the table of their names, and the buckets. */
#include "nakodo/base/histogram.h"

#define US 1000 /* ns */
#define MS 1000000

static struct histogram_values own_values[HISTOGRAM_COUNT];
struct histogram_values *histogram_values = own_values;

const struct histogram_row histogram_rows[HISTOGRAM_COUNT] = {
	[HISTOGRAM_TURN] = {"turn",
		"Seconds that one turn of the loop took, in which all others wait."},
	[HISTOGRAM_RELAY] = {"relay",
		"Seconds from a turn's first read until all that it led to was written."},
	[HISTOGRAM_CLUSTER_REDIS] = {"cluster_redis",
		"Seconds from a command to Redis until its answer."},
};

const char *const histogram_bounds[HISTOGRAM_BUCKETS] = {"0.0001", "0.00025", "0.0005", "0.001",
	"0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "+Inf"};

/* The same in ns. */
static const uint64_t bounds[HISTOGRAM_BUCKETS] = {100 * US, 250 * US, 500 * US, 1 * MS, 2500 * US,
	5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS, 1000 * MS, UINT64_MAX};

void histogram_add(enum histogram histogram, uint64_t ns)
{
	int bucket = 0;

	while (ns > bounds[bucket]) {
		bucket++;
	}
	histogram_values[histogram].counts[bucket]++;
	histogram_values[histogram].sum += ns;
}
