/* What one run of the load generator is to do: filled by load.c, read by the two workloads. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <sys/types.h>

struct load_options {
	unsigned port; /* of the server, on 127.0.0.1 */
	pid_t pid; /* of the server, whose CPU time and memory are measured */
	bool tls;
	unsigned concurrency; /* handshakes under way at the same time */

	/* rooms_run() */
	unsigned rooms;
	unsigned size; /* members of a room */
	unsigned bytes; /* of a message's payload */
	unsigned window; /* messages that a room keeps in flight */
	double warmup; /* seconds before the measurement */
	double seconds; /* of measurement */

	/* crowd_run() */
	unsigned count; /* connections */
};

#endif
