/* rx: see the header. */
#include "nakodo/net/ws/rx.h"

#include <stdlib.h>
#include <string.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/options.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/ws/ws.h"

void rx_drop(struct conn *conn)
{
	if (conn->rx) {
		memory_give(MEMORY_RECEIVED, conn->rx->room);
		free(conn->rx);
		conn->rx = NULL;
	}
}

/* Bytes of the message that is on its way in. */
static size_t received(const struct conn *conn)
{
	return conn->rx ? conn->rx->len : 0;
}

bool rx_is_too_large(const struct conn *conn, size_t len, size_t rest)
{
	size_t most = conn->ws->options->max_message, have = received(conn) + len;

	return have > most || rest > most - have;
}

bool rx_append(struct conn *conn, const char *data, size_t len, size_t rest)
{
	size_t have = received(conn), room = conn->rx ? conn->rx->room : 0;

	if (!conn->rx || have + len > room) {
		size_t needed = have + len + rest;
		size_t larger = needed > room * 2 ? needed : room * 2;
		struct conn_rx *rx = realloc(conn->rx, sizeof(*rx) + larger);

		if (!rx) {
			return false;
		}
		memory_take(MEMORY_RECEIVED, larger - room);
		rx->len = (unsigned)have;
		rx->room = (unsigned)larger;
		conn->rx = rx;
	}
	if (len) {
		memcpy(conn->rx->data + have, data, len);
	}
	conn->rx->len = (unsigned)(have + len);
	return true;
}

struct conn_rx *rx_take(struct conn *conn)
{
	struct conn_rx *rx = conn->rx;

	memory_give(MEMORY_RECEIVED, rx->room);
	conn->rx = NULL;
	return rx;
}
