/*
 * reading: libwebsockets reads one small buffer per socket and event, since each idle peer pays for
 * a larger one. A connection whose read has filled it is read on before the turn ends, so that a
 * burst is handled in one turn and each of its receivers gets it in one write.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct conn;
struct hub;
struct lws_context;

struct reading {
	struct lws_context *context;
	const struct hub *hub;
	struct conn *more; /* those with more to be read, as far as is known (utlist DL) */
	struct conn *current; /* the one that was read last in this turn; NULL: it has left */
	bool begun; /* something has come by that read, */
	size_t filled; /* and so many bytes, as far as they are known */
	size_t taken; /* the same of all reads of this turn */
};

/* The peer has come. By TLS it is read while pace_may_read() only: a record holds up to 16 kB, and
 * libwebsockets takes out all that it holds before anybody can stop it. */
void reading_begin(struct conn *conn);
/* So many bytes of a message have been read, and `rest` more of their frame will be. True: they are
 * the first of this read. */
bool reading_note(struct reading *reading, struct conn *conn, size_t len, size_t rest);
/* Between the reads of a turn and its writes. Who is not read to the end for lack of time comes
 * first in the next turn. */
void reading_go_on(struct reading *reading);
/* libwebsockets holds a part of what was written: the peer is not read until that is gone. */
void reading_stop(struct conn *conn);
/* It is gone. True: the peer was not read meanwhile, and is before this turn's writes. */
bool reading_start(struct reading *reading, struct conn *conn);
/* Leave the peer unread until reading_release(). Not to be called inside its read. False: TLS has
 * decrypted bytes left, so it is still read. */
bool reading_hold(struct conn *conn);
void reading_release(struct conn *conn);
/* The peer leaves: nothing more is to be read. */
void reading_leave(struct reading *reading, struct conn *conn);
