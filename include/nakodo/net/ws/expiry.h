/*
 * expiry: how long a peer's token is good for. In time its dialect may ask for another; at `exp`
 * the peer is closed with 4401. Who came in with one that had expired by less than JWT_LEEWAY stays
 * until that is over.
 */
#pragma once

struct conn;
struct grant;

/* From now on that is what the connection's peer, which is open, may; it is the connection's to
 * destroy, and the one before is destroyed. NULL: no token is asked for. */
void expiry_begin(struct conn *conn, struct grant *grant);
/* The peer leaves; its grant stays. */
void expiry_end(struct conn *conn);
