/*
 * proxy_header: the PROXY protocol header that a load balancer writes before the connection's own
 * bytes (haproxy's proxy-protocol.txt, versions 1 and 2). Parsing only; accept.c reads the socket.
 */
#pragma once

#include <stddef.h>

struct address;

#define PROXY_HEADER_MAX 536 /* the largest header taken; version 1 has at most 107 bytes */

/* Look at the first `len` bytes of a connection. The header's length when it is complete; 0 when
 * more bytes are needed; -EPROTO when it is none, or larger than PROXY_HEADER_MAX. `ret` is the
 * client's address; unchanged when the header does not name one (LOCAL, UNKNOWN, AF_UNIX). */
int proxy_header_parse(struct address *ret, const unsigned char *bytes, size_t len);
