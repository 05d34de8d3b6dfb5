/*
 * spawn: a worker's process is made.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct options;
struct workers;

/* The options as they are now, as a file: a descriptor, or -errno. */
int spawn_snapshot(const struct options *options);
/* Start one. Our end of its channel, or -errno. */
int spawn_worker(const struct workers *workers, size_t index, pid_t *ret_pid);
