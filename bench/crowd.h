/* Workload: many connections come and then stay without a word. */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

struct load_options;

/* Prints the figures as one JSON line on stdout; the first faults also as sentences on stderr.
 * Returns 0, or 1 when a connection was refused or lost. */
int crowd_run(const struct load_options *o);

#endif
