/*
 * conn: one accepted socket, from accept() until libwebsockets has let go of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/address.h"
#include "nakodo/base/wheel.h"
#include "nakodo/hub/hub.h"
#include "nakodo/hub/limit.h"

struct census_group;
struct download;
struct listener;
struct lws;
struct mount;
struct pacing;
struct sockets;
struct stalled;
struct ws;

enum conn_stage {
	CONN_REQUEST, /* TLS and HTTP, under the handshake's deadline */
	CONN_ANSWERED, /* one HTTP answer has been written; there is no second one */
	CONN_ADMITTED, /* the upgrade has been allowed and counted */
	CONN_OPEN, /* the peer is open, or its close frame has not been written yet */
	CONN_CLOSE_SENT, /* our close frame is the last thing written */
	CONN_PEER_CLOSED, /* libwebsockets ends it: the peer's close frame has come, or nonsense */
	CONN_DEAD, /* nothing more to be read or written */
};

/* Whether it is held, and how far that is (ws/pace.h). It may also be left unread because it is
 * `unheard`, whatever this is. */
enum conn_hold {
	HOLD_NONE,
	HOLD_PENDING, /* held, but still read in this turn */
	HOLD_UNREAD,
	HOLD_RELIEVED, /* unread, to be looked at after this turn */
};

/* An accepted socket on its way to a conn. */
struct accepted {
	const struct listener *listener; /* held */
	int fd;
	struct address address; /* of the client */
	struct census_group *group; /* that it is counted in; NULL: in none */
	uint32_t ticket; /* of one that was handed over; 0: of none */
	bool counted; /* of one that is decrypted: under its address, by the first process */
	bool decrypted; /* another process speaks TLS with the client */
	bool from_node; /* it came by another node of the cluster (net/cluster) */
	bool direct; /* a proxy's own connection, not one of a client behind it */
	bool tls; /* what the client speaks */
	char *target; /* of a plain request where TLS is due, as sent; NULL: not known. Owned */
	uint64_t deadline; /* the loop's ms: when TLS and HTTP have to be done */
	uint64_t rest; /* ms between the last two looks at a head that is not whole; 0: there was
			* one at most */
};

/* A message that comes in pieces. */
struct conn_rx {
	unsigned len, room; /* bytes, of `data` */
	char data[];
};

/* There are as many as clients: what only some of them need lies elsewhere. */
struct conn {
	struct peer peer; /* first: a peer is turned back into its conn by a cast */
	const struct listener *listener; /* held */
	struct ws *ws; /* from when the peer is open */
	struct lws *wsi; /* NULL: libwebsockets has let go of it, and its peer is about to leave */
	struct conn *prev, *next; /* all of the sockets' (utlist DL) */
	struct wheel_timer timer; /* whatever it waits for in its stage, or as HOLD_UNREAD */
	struct address address; /* of the client */
	struct census_group *group; /* that the connection is counted in; NULL: in none */
	struct census_group *place; /* that the peer is counted in; NULL: not known, or no peer */
	union {
		const struct mount *mount; /* from when it is admitted */
		char *target; /* see struct accepted; of one that is misplaced, which never is */
	};
	struct limit limit, byte_limit;
	struct pacing *pacing; /* what ws/pace.c knows of it; NULL: nothing */
	/* Its request waits: requests'; to be read on: reading's; about to leave: leaving's (utlist
	 * DL). */
	struct conn *more_prev, *more_next;
	struct stalled *stalled; /* what ws/stall.c knows of it; NULL: it is not watched */
	union {
		struct conn_rx *rx; /* NULL: none. ws.c's */
		struct download *download; /* of one without `ws`. NULL: none. http/download.c's */
	};
	uint32_t counted_bytes,
		surplus; /* of what came, or has come since the peer left; flood's */
	uint32_t ticket; /* see struct accepted */
	unsigned unsent; /* bytes at most that were written and that the socket has not taken */
	enum conn_stage stage : 4;
	enum conn_hold hold : 4;
	bool direct : 1; /* see struct accepted; this one and the next */
	bool tls : 1;
	bool misplaced : 1; /* plain HTTP where TLS is due */
	bool logged : 1; /* that its peer came */
	bool placed : 1; /* counted as a peer by the gate */
	bool leaving : 1; /* see ws/leaving.h */
	bool rx_binary : 1, pinged : 1;
	bool waiting : 1; /* for the socket to take more */
	bool unheard : 1; /* not read while it waits (ws/reading.h) */
	bool fragmented : 1; /* the message that is being read */
	bool request_paid : 1; /* it is read whatever its address has used of the turn */
	bool failed : 1; /* what it has said last ends it, and nothing more is heard of it */
	bool behind_pong : 1; /* what is written next follows a pong that libwebsockets may owe */
	bool shakes_hands : 1; /* the key exchange and signature of TLS, or the answer of a plain
				  request, are still to come */
	uint8_t tls_messages : 6; /* handshake messages of TLS that came */
	uint8_t quarters : 2; /* of handshake-timeout that it has left after the one under way */
};

/* Hand an accepted socket to libwebsockets; it is discarded on failure. If its TLS has not got to
 * the server's certificate (before TLS 1.3: its end), or its plain request to an answer, within a
 * quarter of handshake-timeout, it ends as soon as others of its address or network wait to begin
 * (socket/handshakes.h). */
void conn_adopt(struct accepted *accepted);
/* The loop has ended: free what is known of sockets that libwebsockets failed to take over. */
void conn_forget_orphans(struct sockets *sockets);
/* Close the socket and give back what it holds. */
void conn_discard(struct accepted *accepted);
size_t conn_cost(const struct conn *conn); /* as counted in MEMORY_CONNECTIONS */
struct conn *conn_of(struct lws *wsi); /* NULL before adoption is finished */
struct sockets *conn_sockets(const struct conn *conn); /* that it is one of */
struct conn *conn_of_timer(struct wheel_timer *timer);
/* Tell the gate that the connection is no peer any more, or did not become one. */
void conn_leave_place(struct conn *conn);
/* So many bytes at most wait in libwebsockets for the socket to take them (memory.h). */
void conn_set_unsent(struct conn *conn, size_t bytes);
/* libwebsockets has let go of it: give back what was the socket's. conn_destroy() follows, or has
 * the same done. */
void conn_let_go(struct conn *conn);
void conn_destroy(struct conn *conn);
/* Its upgrade is allowed. */
void conn_admitted(struct conn *conn);
/* Its one HTTP answer, or a piece of it, is written: a slow client gets more time to take it than
 * libwebsockets gives. */
void conn_answered(struct conn *conn);
/* End it without a word and without waiting. Safe from anywhere; it is gone, and its peer leaves,
 * some turns later. */
void conn_kill(struct conn *conn);
/* conn_kill() after so many ms, unless something else is waited for meanwhile. */
void conn_kill_after(struct conn *conn, uint64_t delay);
