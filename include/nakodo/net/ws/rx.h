/*
 * rx: the message of a connection that comes in pieces, until it is whole; in MEMORY_RECEIVED.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct conn;
struct conn_rx;

/* Would it be larger than max-message, with so many bytes more and the `rest` of their frame? */
bool rx_is_too_large(const struct conn *conn, size_t len, size_t rest);
/* Append a piece. `rest` more bytes of its frame will follow. False: no memory. */
bool rx_append(struct conn *conn, const char *data, size_t len, size_t rest);
/* It is whole: now the caller's, for free(). */
struct conn_rx *rx_take(struct conn *conn);
void rx_drop(struct conn *conn); /* of one without it, too */
