/*
 * tcp_bytes: what the kernel knows of a connection's traffic. A file of its own, since the kernel's
 * header does not go together with the C library's, which libwebsockets.h brings.
 */
#pragma once

#include <stdint.h>

/* Bytes that have been read from the socket since it was opened (RFC 9293; tcp(7), TCP_INFO), those
 * under TLS included. 0: it is no TCP socket. */
uint64_t tcp_bytes_read(int fd);
