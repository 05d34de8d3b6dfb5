/*
 * hold: what is queued for a peer (hub.h) waits, though it could be written.
 */
#pragma once

struct peer;

/* What is queued for the peer from now on is held, until it is released, the oldest first, or all
 * is, and nothing is held any more. */
void hold_begin(struct peer *peer);
void hold_release(struct peer *peer, unsigned count);
void hold_end(struct peer *peer);
/* The same, but what is held is thrown away: the peer is about to leave. */
void hold_drop(struct peer *peer);
unsigned hold_ready(const struct peer *peer); /* how many frames in its outbox are not held */
