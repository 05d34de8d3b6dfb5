/* What one run of the load generator is to do: filled by load.c, read by the workloads. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <sys/types.h>

struct load_options {
	unsigned port; /* of the server, on 127.0.0.1 */
	pid_t pid; /* of the server, whose CPU time and memory are measured */
	bool tls;
	unsigned concurrency; /* handshakes under way at the same time */

	/* rooms_run(), talk_peerjs(), talk_y_webrtc(), torrent_run() */
	unsigned rooms;
	unsigned size; /* members of a room; crowd_run() too, where it may be 1 */
	unsigned window; /* messages that a room, or one who talks to another, keeps in flight */
	double warmup; /* seconds before the measurement */
	double seconds; /* of measurement */

	/* rooms_run() alone */
	unsigned bytes; /* of a message's payload */

	/* crowd_run(), comeback_run() */
	unsigned count; /* connections; participants who lose theirs */
	unsigned sources; /* comeback_run() alone: addresses that they come from */
	const char *token; /* comeback_run() alone: shown at each connect; NULL: none */
};

#endif
