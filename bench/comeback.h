/* Workload: participants of nakodo.v1, ten and one who stays to a room, who all lose their
 * connection and come back at once. */
#ifndef BENCH_COMEBACK_H
#define BENCH_COMEBACK_H

struct load_options;

/* Prints one JSON line on stdout when all have joined, and another one when all are back. Between
 * the two it waits for a line on stdin:
 *
 *   cut        it cuts the ten; the one who stays says something; then they resume, which is over
 *              when each has heard that once
 *   restarted  all have been cut by the server's end; they come with their old sessions, which is
 *              over when each knows all others of its room
 *
 * Returns 0, or 1 when one was refused, or lost or got something twice. */
int comeback_run(const struct load_options *o);

#endif
