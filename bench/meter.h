/* Readings of the clock and of other processes. What cannot be read ends the load generator. */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdint.h>
#include <sys/types.h>

/* Monotonic time in nanoseconds. */
uint64_t meter_now(void);

/* CPU time in nanoseconds that all threads of a process, and of its descendants that live, have
 * used so far, those that have ended included; pid 0 is the caller without its children. */
uint64_t meter_cpu(pid_t pid);

/* Resident memory of a process and its descendants in bytes, shared pages by share (PSS). */
double meter_memory(pid_t pid);

#endif
