/*
 * ws: the WebSocket side of a connection: messages in, frames out, pings.
 * The only maker of a peer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "nakodo/net/ws/asking.h"
#include "nakodo/net/ws/budget.h"
#include "nakodo/net/ws/flood.h"
#include "nakodo/net/ws/flush.h"
#include "nakodo/net/ws/leaving.h"
#include "nakodo/net/ws/pace.h"
#include "nakodo/net/ws/reading.h"
#include "nakodo/net/ws/show.h"
#include "nakodo/net/ws/stall.h"
#include "nakodo/net/ws/trim.h"

struct conn;
struct deadlines;
struct dialect_table;
struct events;
struct frame;
struct gate;
struct hub;
struct options;
struct peer;
struct request;
struct sockets;
struct visits;

#define WS_CLOSE_DEADLINE 5000 /* ms for a closing handshake */
/* Bytes that libwebsockets reads of a socket at once (ws/reading.h has who is read on in the same
 * turn): with what it and malloc add, 2 kB. */
#define WS_READ_SIZE 2020
/* With TLS it reads a whole record at once, in pieces of this size. Each idle peer pays for it;
 * newer libwebsockets ends a connection that needs 100 pieces for one record. */
#define WS_TLS_READ_SIZE 512
#define WS_BURST 65536 /* frames up to this size are joined into one write of this size */

/* What all WebSockets have in common; the root of the room. */
struct ws {
	const struct options *options;
	struct dialect_table *dialects;
	struct deadlines *deadlines;
	struct sockets *sockets;
	struct gate *gate;
	struct hub *hub;
	struct events *events; /* that weigh on memory; the server's */
	struct asking asking;
	struct pace pace;
	struct leaving leaving;
	struct stalls stalls;
	struct reading reading;
	struct flood flood;
	struct trim trim;
	struct flush flush;
	/* Called in each turn before what was queued in it is written; NULL: nobody. */
	void (*turned)(void *cookie);
	void *turned_cookie;
	struct budget budget;
	struct show show;
	struct visits *visits;
	struct frame *ping; /* the same for every peer */
	unsigned char *burst; /* where frames are joined; has room for libwebsockets before it */
	uint64_t last_id, id_step; /* of peers; other processes count in the gaps */
};

/* Make what needs no loop. 0 or -ENOMEM; ws_finish() in either case. */
int ws_init(struct ws *ws, const struct options *options, struct dialect_table *dialects,
	struct hub *hub);
void ws_finish(struct ws *ws);
/* Begin to flush. The sockets are those of the loop, and outlive it. */
void ws_start(struct ws *ws, struct sockets *sockets);

/* The upgrade is complete: the peer begins, and is admitted now or later. 0, or -1: end the
 * connection. */
int ws_open(struct ws *ws, struct conn *conn);
/* Its dialect hears of it. It may have left afterwards. */
void ws_admit(struct conn *conn, const struct request *request);
/* A piece of a message has been read. */
void ws_receive(struct conn *conn, const char *data, size_t len);
void ws_pong(struct conn *conn);
/* The socket takes bytes again, after it did not take all of the last write. */
void ws_writeable(struct conn *conn);
/* Write what waits for the peer, as much as the socket takes, and return how many bytes. With
 * `most` written the peer is marked dirty instead. It may be dead afterwards. */
size_t ws_flush(struct peer *peer, size_t most);
/* Between two turns: those whose connection has ended leave, then others of their address are
 * admitted and heard, each as far as there is time. */
void ws_next_turn(struct ws *ws);
