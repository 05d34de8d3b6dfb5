/*
 * spawn: a worker's process is made.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct workers;

/* Start one. Our end of its channel, or -errno. */
int spawn_worker(const struct workers *workers, size_t index, pid_t *ret_pid);
