/* conn_walk: see the header. */
#include "nakodo/net/socket/conn_walk.h"

#include <utlist.h>

#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/sockets.h"

void conn_walk_begin(struct conn_walk *walk, struct sockets *sockets)
{
	walk->sockets = sockets;
	walk->at = sockets->conns;
	DL_APPEND(sockets->walks, walk);
}

struct conn *conn_walk_next(struct conn_walk *walk)
{
	struct conn *conn = walk->at;

	if (conn) {
		walk->at = conn->next;
	}
	return conn;
}

void conn_walk_end(struct conn_walk *walk)
{
	if (walk->sockets) {
		DL_DELETE(walk->sockets->walks, walk);
		walk->sockets = NULL;
		walk->at = NULL;
	}
}

void conn_walk_pass(struct conn_walk *walks, const struct conn *conn)
{
	struct conn_walk *walk;

	DL_FOREACH (walks, walk) {
		if (walk->at == conn) {
			walk->at = conn->next;
		}
	}
}
