/*
 * peer: one connection as the hub sees it (hub/hub.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nakodo/hub/frame.h"
#include "nakodo/hub/outbox.h"

struct grant;
struct hub;
struct member;
struct press;

enum peer_state {
	PEER_GONE, /* no connection yet, or no more */
	PEER_OPEN,
	PEER_CLOSING, /* its close frame is the last in the outbox */
};

struct peer;
/* The peer leaves, and still has its seats. Called exactly once for each peer. */
typedef void peer_leave_fn(struct peer *peer);

struct peer {
	struct hub *hub;
	uint64_t id; /* of the connection, never reused */
	uint64_t heard; /* when anything came last, a pong too; ms of hub_now(), kept by net */
	unsigned held; /* so many of the last frames are not to be written yet */
	unsigned unmetered; /* so many of its next messages cost no message-rate, but their bytes */
	/* Why it leaves: the close frame that either side sent first, 1005 without a code in it;
	 * 0: none. Known when on_leave is called. */
	uint16_t close_code;
	enum peer_state state : 4;
	enum frame_choice choice : 4; /* which opcode it wants data messages in */
	bool dirty : 1; /* in the hub's dirty list */
	bool overflowed : 1; /* in the hub's list of peers to be closed as too slow */
	bool holds : 1; /* what is queued is held */
	bool muted : 1; /* its connection has ended, and it is about to leave */
	struct peer *prev_dirty, *next_dirty, *next_overflowed;
	struct member *seats;
	struct outbox outbox;
	struct press *press; /* NULL: it presses nobody and waits for nobody */
	struct grant *grant; /* what its token allows, net's to destroy; NULL: none was asked for */
	void *state_of_dialect; /* owned by its dialect, from open to close */
	peer_leave_fn *on_leave;
};
