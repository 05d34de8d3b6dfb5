/*
 * rates: what each connection has spent of message-rate and byte-rate (hub/limit.h), and what it
 * owes when it leaves. Who waits for that, and how, is ws/pace.h's business.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct conn;

#define RATES_BURST 4 /* seconds of the rate, which may be spent at once */

/* The peer begins, with what its address owes still; and it ends, while its place is still its:
 * what it owes is left to its address. */
void rates_begin(struct conn *conn);
void rates_leave(struct conn *conn);
/* Count a message, unless it is one that costs no message-rate (hub/peer.h), and so many bytes.
 * 0: the next may be read at once; else the ms until it may. */
uint64_t rates_spend_message(struct conn *conn);
uint64_t rates_spend_bytes(struct conn *conn, size_t len);
/* The peer is sent so many bytes because it has connected: they count as if it had sent them, so
 * that its address cannot be sent them again and again. Nobody is held for them alone. */
void rates_spend_opening(struct conn *conn, size_t bytes);
