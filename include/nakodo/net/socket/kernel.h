/*
 * kernel: what Linux knows of a connected socket.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Bytes written that the other side's machine has not acknowledged; 0 as well for what cannot be
 * asked. */
size_t kernel_unacknowledged(int fd);
/* Another number whenever the other side's machine has acknowledged something. */
uint64_t kernel_mark(int fd);
