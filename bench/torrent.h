/* Workload: swarms whose members announce themselves to a WebTorrent tracker, each with offers to
 * others, who answer them. */
#ifndef BENCH_TORRENT_H
#define BENCH_TORRENT_H

struct load_options;

/* Prints the figures as one JSON line on stdout, a delivery being an announce that was answered;
 * every fault also as a sentence on stderr. Returns 0, or 1 when anything was lost, doubled,
 * changed, refused or closed. */
int torrent_run(const struct load_options *o);

#endif
