/*
 * requests: a request by TLS whose address has had its time of the turn (net/gate/turn.h) is left
 * unread until a later one, so that many who ask at the same instant keep nobody else waiting. Its
 * handshake is over by then: what bounds those is handshakes.h.
 */
#pragma once

#include <stdbool.h>

struct conn;
struct sockets;

/* The connection has begun, by TLS: from now on its reads are asked for. */
void requests_begin(struct conn *conn);
/* It ends. */
void requests_leave(struct conn *conn);
/* After a turn: read those whose address has time again, the first first. */
void requests_settle(struct sockets *sockets);
/* Is there somebody for requests_settle()? The loop must not wait then. */
bool requests_has_more(const struct sockets *sockets);
