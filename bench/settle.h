/* Waiting for a server to have done what it was given. */
#ifndef BENCH_SETTLE_H
#define BENCH_SETTLE_H

#include <sys/types.h>

struct net;

/* Keeps the net going until the process has had nothing to do for half a second, or for 5 s. */
void settle_wait(pid_t pid, struct net *net);

#endif
