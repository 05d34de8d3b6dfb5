/* Workload: rooms in which the first member sends and all others count what they get. */
#ifndef BENCH_ROOMS_H
#define BENCH_ROOMS_H

struct load_options;

/* Prints the figures as one JSON line on stdout; every fault also as a sentence on stderr.
 * Returns 0, or 1 when anything was lost, doubled, out of order, changed, refused or closed. */
int rooms_run(const struct load_options *o);

#endif
