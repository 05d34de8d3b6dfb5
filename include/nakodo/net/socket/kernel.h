/*
 * kernel: what Linux knows of a connected socket. A file of its own, since the kernel's header does
 * not go together with the C library's, which libwebsockets.h brings.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A connection is not to wait for more to be said. And the kernel would take some megabytes for a
 * client that reads nothing; what waits is better counted and bounded here. For a unix socket it
 * takes little by itself. */
void kernel_set_tcp(int fd);
/* Bytes written that the other side's machine has not acknowledged; 0 as well for what cannot be
 * asked. */
size_t kernel_unacknowledged(int fd);
/* Another number whenever the other side's machine has acknowledged something. */
uint64_t kernel_mark(int fd);
/* Bytes that have been read from the socket since it was opened (RFC 9293; tcp(7), TCP_INFO), those
 * under TLS included. 0: it is no TCP socket. */
uint64_t kernel_bytes_read(int fd);
/* Has the socket an error, or was it shut down? A listening one that was says for ever that it is
 * readable. */
bool kernel_is_hung_up(int fd);
