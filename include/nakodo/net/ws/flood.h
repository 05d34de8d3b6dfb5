/*
 * flood: who keeps the loop busy with what no rate counts: libwebsockets tells nothing of pings and
 * of empty frames, but the kernel knows how much has come. It is asked only while the process
 * works, or waits for a processor, for more than half of the time, and about a part of the
 * connections at a time. One connection may send 64 KiB a second that nothing else counts, all of
 * one address eight times as much.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "nakodo/base/wheel.h"
#include "nakodo/net/socket/conn_walk.h"

struct conn;
struct deadlines;
struct sockets;

struct flood {
	struct deadlines *deadlines;
	struct sockets *sockets;
	struct wheel_timer timer; /* each second while there is work */
	uv_check_t check;
	uint64_t began, needed; /* ms: when the second began, and what work had taken by then */
	bool busy, compare; /* in the last second, and in the one before as well */
	bool rest; /* this turn has only found that there is no work */
	unsigned round; /* of looks at all connections */
	struct conn_walk walk; /* of this round, */
	size_t left, slice; /* that has so many to look at still, and so many at a time */
	int64_t allowed; /* bytes of one connection, in this round */
};

void flood_start(struct flood *flood, struct deadlines *deadlines, struct sockets *sockets);
/* Give the handle back to the loop. */
void flood_finish(struct flood *flood);
/* The peer begins: what its handshake took is not looked at. */
void flood_begin(struct conn *conn);
/* So many bytes of a frame with data have been received, and `rest` of it will follow. */
void flood_count(struct conn *conn, size_t len, size_t rest);
/* The peer leaves: count anew. */
void flood_leave(struct conn *conn);
/* A piece of a message has come from who was closed: it may have sent much before it has heard of
 * that, and the echo of the close frame comes behind (RFC 6455 section 7.1.1). Who sends on for
 * longer is not waited for. */
void flood_skip(struct conn *conn, size_t len);
