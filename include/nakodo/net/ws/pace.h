/*
 * pace: a peer over one of its rates is left unread until its next message is due; so is one whose
 * message met a reader with too much waiting, until that has read (hub/press.h), and one whose
 * address has had its time of this turn, until the next (net/gate/turn.h). Nothing is dropped
 * while the connection lasts.
 *
 * Who has just connected begins in the same way: when its address has had its time, its dialect
 * hears of it in a later turn, behind those of the address who wait already. Until then it is
 * pending: a peer that may be closed like any other, of which its dialect knows nothing. Who waits
 * for what auth-webhook answers (ws/asking.h) is held too, and pending if it has just connected.
 *
 * Reading is stopped when a read is over, or OpenSSL asks for more, never while TLS has decrypted
 * bytes left: with flow control libwebsockets 4.1.6 would loop for ever then. What the current read
 * still brings, at most one TLS record, waits in a backlog here; no further record is read for an
 * address that has had its time (reading_begin()).
 *
 * What conn->hold says of a connection:
 *
 *        held            after the turn          relieved, or due and not in its turn
 *   NONE ────► PENDING ────────────────► UNREAD ──────────────────────────────────────► RELIEVED
 *    ▲            │                       │  ▲               has to wait                 │  │
 *    │            │                       │  └───────────────────────────────────────────┘  │
 *    └────────────┴── all is delivered ───┴─────────────────────────────────────────────────┘
 *
 * PENDING and RELIEVED are in `settling` and looked at after each turn, UNREAD has the connection's
 * timer and is looked at when it fires. PENDING ends before the turn's end when the next one is
 * read (pace_stop()). By TLS who is refused a read is RELIEVED at once: what it says is not read
 * yet.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nakodo/net/gate/turn.h"

struct conn;
struct deadlines;
struct hub;
struct options;
struct pacing;
struct presses;
struct question;
struct request;

#define PACE_PIECE 256 /* bytes: what a smaller piece of a message costs */

/* A peer that was pending is admitted. */
typedef void pace_admit_fn(struct conn *conn, const struct request *request);
/* A message that was kept back is due. */
typedef void pace_deliver_fn(struct conn *conn, const char *data, size_t len, bool binary);
/* Leave the peer unread. False: not yet, something of the last read is left; ask again later. */
typedef bool pace_hold_fn(struct conn *conn);
/* Read it again. */
typedef void pace_release_fn(struct conn *conn);
/* Its timer is free again. */
typedef void pace_resumed_fn(struct conn *conn);

struct pace {
	const struct options *options;
	struct deadlines *deadlines;
	pace_admit_fn *admit;
	pace_deliver_fn *deliver;
	pace_hold_fn *hold;
	pace_release_fn *release;
	pace_resumed_fn *resumed;
	struct turn turn;
	struct presses *presses; /* the hub's */
	struct pacing *settling; /* to be looked at after this turn (utlist DL) */
	struct pacing *next; /* while they are: the next one */
};

/* After what else is in `pace` has been set. */
void pace_start(struct pace *pace, struct hub *hub);
uint64_t pace_now(const struct conn *conn); /* ms of the loop */
/* May its dialect hear of it now? If not, it is pending from now on, and pace->admit gets a copy of
 * the request later, before any message of it is delivered. */
bool pace_may_admit(struct conn *conn, const struct request *request);
bool pace_is_pending(const struct conn *conn);
/* It is pending, whatever the turn. False: no memory. */
bool pace_put_off(struct conn *conn, const struct request *request);
/* From now on it is held, until pace_answered() and what else it waits for. False: no memory, or it
 * is about to leave. */
bool pace_hold_back(struct conn *conn);
/* Of one of these: what it waits for, to be cancelled if it leaves. */
void pace_set_question(struct conn *conn, struct question *question);
void pace_answered(struct conn *conn);
/* A message is about to be delivered to the peer's dialect; pace_count() follows. */
void pace_hear(struct conn *conn);
/* May its next message be delivered now? If not, it is held from now on: pace_keep(). */
bool pace_is_due(struct conn *conn);
/* May a piece of another TLS record be read? Not when its address has had its time of this turn:
 * then it is held, and read again in its turn. To be asked by OpenSSL (net/ws/reading.h). */
bool pace_may_read(struct conn *conn);
/* So many bytes have been read by TLS, which took time. */
void pace_count_read(struct conn *conn, size_t bytes);
/* Its read is over, in a turn that goes on: if it is held, it is read no further. */
void pace_stop(struct conn *conn);
/* Count a message of so many bytes that was just delivered, since pace_hear(); begin to hold its
 * peer if it is one too many. pace->deliver gets the backlog later, and what it delivers is counted
 * again. */
void pace_count(struct conn *conn, size_t len);
/* So many bytes of a message have come by themselves, and more of it is to come: to take many small
 * pieces is work that the message's length does not show, for the turn as well. Its peer may be
 * closed, or be held before its message is whole. */
void pace_count_piece(struct conn *conn, size_t len);
/* Keep a message of a peer that is held, which takes time of its turn too. False: no memory. */
bool pace_keep(struct conn *conn, const char *data, size_t len, bool binary);
/* Close it behind what is kept. False: nothing is, or no memory. */
bool pace_keep_fault(struct conn *conn, unsigned short code, const char *reason);
/* Bytes that are kept of it so, with its request, and what auth-webhook has to be asked. */
size_t pace_backlog(const struct conn *conn);
/* The peer has closed or its connection has ended: deliver its backlog at once, as far as the time
 * of its address in this turn goes. Who is pending then was never here. */
void pace_release(struct conn *conn);
/* The peer is about to leave, and what is left of its backlog is for pace_release() in a later
 * turn: it costs its rates now, and what is beyond them is lost, since nothing can hold it any
 * more, and nothing is asked for it. So is what waits behind a question. */
void pace_detach(struct conn *conn);
/* The peer leaves: forget its backlog and read on, for its close frame. */
void pace_end(struct conn *conn);
/* Between two turns, after the flush: stop reading the peers that are to be held, go on with those
 * that were relieved. */
void pace_settle(struct pace *pace);
/* Is there somebody for pace_settle()? The loop must not wait then. */
bool pace_has_more(const struct pace *pace);

#ifdef NAKODO_AUDIT
struct audit;
/* What is held back, and that it will go on (hub/audit.h). */
void pace_audit(const struct conn *conn, struct audit *audit);
#endif
