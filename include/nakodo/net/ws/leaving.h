/*
 * leaving: when the peer of a connection that has ended leaves. At once, if its address has time
 * left in this turn of the loop (gate/turn.h); else in a later turn, so that those who go together
 * keep nobody else waiting. Until then it is what it would be if the network had not yet told of
 * its end: a peer with its seats, which may be closed like any other and takes no more messages.
 * What it had said and was not due yet is delivered in the same way, before it leaves. It has given
 * back its place, but who comes newly from its address is admitted behind it.
 */
#pragma once

#include <stdbool.h>

struct census;
struct conn;
struct turn;

struct leaving {
	const struct turn *turn;
	struct census *census;
	struct conn *first; /* those about to leave, the oldest first (utlist DL) */
	bool at_once; /* the loop ends */
};

/* The connection ends or has ended, and its stage says so: its peer, if it is open, leaves now or
 * later. */
void leaving_begin(struct conn *conn);
/* What a connection has besides its peer: nothing of it is read or written any more. */
void leaving_detach(struct conn *conn);
/* libwebsockets has let go of the connection, which is destroyed as soon as its peer has left. */
void leaving_let_go(struct conn *conn);
/* Between two turns, at the beginning of the next one's time and before anybody is admitted. */
void leaving_settle(struct leaving *leaving);
/* Is there somebody for leaving_settle()? The loop must not wait then. */
bool leaving_has_more(const struct leaving *leaving);
/* All leave now, and from now on everybody at once: there will be no more turns. */
void leaving_finish(struct leaving *leaving);
