/*
 * closing: the ends of a WebSocket connection that the peer or libwebsockets begins.
 */
#pragma once

#include <stddef.h>

struct conn;

/* The peer's close frame has come, with this payload. 1: end the connection; 0: let libwebsockets
 * echo the frame. */
int closing_by_peer(struct conn *conn, const unsigned char *payload, size_t len);
/*
 * libwebsockets has begun to end the connection: the peer has broken the protocol (RFC 6455
 * section 7.1.7), or it has closed its side, or the socket has failed. What was said to it before
 * goes out, it leaves the hub, and a quarter of a second later its socket is closed.
 */
void closing_by_library(struct conn *conn);
/* The connection has ended. */
void closing_done(struct conn *conn);
