/* The figures of one run in which messages are delivered, and what must not happen in it. */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "histogram.h"

struct load_options;
struct net;

/* All are counted; the first ones are also told on stderr. */
struct faults {
	uint64_t lost, doubled, reordered, changed, closed;
};

/* What the measured interval begins or ends with. */
struct reading {
	uint64_t time, server_cpu, own_cpu;
};

struct figures {
	bool measuring;
	uint64_t deliveries; /* in the measured time */
	uint64_t total; /* ever */
	struct histogram latency;
	struct reading from, to;
	struct faults faults;
};

/* What one receiver has got of numbered messages that come one after the other; all zero at the
 * begin. */
struct order {
	uint64_t next; /* number of the message to come */
	uint64_t absent; /* bit n: message next - 1 - n was skipped and has not come yet */
};

uint64_t figures_faults(const struct figures *f);

/* Adds `count` to one of f->faults. */
void figures_fault(struct figures *f, uint64_t *counter, uint64_t count, const char *what);

/* Notes that message `seq` has come, and the fault if it is not the next one; false when it had
 * come before. */
bool figures_order(struct figures *f, struct order *order, uint64_t seq);

/* Counts a delivery that took so long. */
void figures_delivered(struct figures *f, uint64_t ns);

/* Keeps the net going for o->warmup and o->seconds, and reads the clocks around the latter. Ends
 * early when a connection is lost. */
void figures_measure(struct figures *f, struct net *net, const struct load_options *o);

/* Prints one JSON line on stdout, with `more` (",\"name\":1" or "") at its end, or a sentence on
 * stderr if there were no deliveries. Returns the exit status of the run. */
int figures_print(const struct figures *f, const char *more);

#endif
