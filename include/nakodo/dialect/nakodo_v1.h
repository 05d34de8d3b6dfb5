/*
 * nakodo_v1: what the files of this dialect share. nakodo_v1.c reads messages, _self.c what one
 * says of oneself, _token.c tokens, _moderate.c who may come and has to go; _join.c lets in or back
 * in; _seat.c knows who sits where and is sent what, _key.c by what it is found, _waiting.c what is
 * kept for one who is away, _place.c who gives way to whom, _shed.c when memory is short,
 * _history.c what was chatted, _ice.c which servers they are told of, _http.c who is inside,
 * _saved.c what outlives the process, _journal.c and _record.c what is recorded outside of it,
 * _away.c who is without a connection, _visit.c what a request says, _wrong.c who guesses tokens,
 * _mount.c the life of a mount.
 *
 * A seat is one participant in one room. It outlives its connections:
 *
 *                   ┌──────── connection lost ───────┐
 *   join ──► ATTACHED (peer set)               DETACHED (peer NULL, timer `gone` runs) ──► left
 *                   └──────────── resume ◄───────────┘
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "nakodo/base/address.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/nakodo_v1_key.h"
#include "nakodo/dialect/nakodo_v1_waiting.h"
#include "nakodo/hub/hub.h"
#include "nakodo/hub/limit.h"
#include "nakodo/hub/session.h"
#include "nakodo/service/share.h"

struct dialect_answer;
struct dialect_request;
struct mount;

#define NAKODO_V1_ID 13 /* with the NUL */

/* What the state_of_dialect of a connection points to. */
struct nakodo_v1_party {
	bool guest; /* without a seat, since no token has come yet (nakodo_v1_token.h) */
};

struct nakodo_v1_seat {
	struct nakodo_v1_party party; /* first: it is turned back by a cast */
	struct session session;
	struct nakodo_v1 *mount;
	struct peer *peer; /* NULL: detached */
	struct nakodo_v1_waiting waiting; /* while detached */
	struct member *member;
	/* Tokens that resume: the last that the client is known to have, and the one made since. */
	struct nakodo_v1_key confirmed, issued;
	struct nakodo_v1_key nonce; /* the client's own, for all its connections */
	struct nakodo_v1_entry *entry; /* of nakodo_v1_journal.h; NULL: none */
	/* While detached until it leaves; while attached until `snapshot` is given up. */
	struct wheel_timer gone;
	uint64_t wait; /* ms that it was set to, when it lost its connection */
	struct wheel_timer ack; /* set while the client waits to be told */
	struct address address; /* of the connection, or of the last one */
	struct share_owner *keeper; /* in `kept`; NULL: not counted there, it gives way to nobody */
	/* It was another process's, perhaps not the last that its client spoke to: what the client
	 * has got beyond this is unknown here. UINT64_MAX: it was not. */
	uint64_t known;
	bool unheard; /* detached, and the others have not heard it */
	bool placed; /* detached and counted (dialect_env) */
	bool locked; /* the room, whose first seat it is (nakodo_v1_moderate.h) */
	uint32_t
		attempt; /* which of its visit the connection is, or the last one was; 0: unknown */
	/* How many messages may come at no cost after a resume, since the client sends them again:
	 * a new session's none, and more at message-rate, counted from `granted`, in ms. */
	uint64_t grant, granted, told; /* `told`: of the TURN servers, in ms; 0: not (_ice.c) */
	char *name, *meta, *user; /* JSON; NULL: none. `user`: the subject of its token */
	/* The room as the first welcome told it, kept as long as the client may not have got that
	 * welcome. NULL: the client has it, or it is too late to send it again. */
	char *snapshot;
	struct nakodo_v1_seat *prev, *next; /* of the mount, by `told` (utlist DL) */
	size_t counted; /* bytes, in MEMORY_ROOMS */
	struct nakodo_v1_seat *away_prev, *away_next; /* without a connection (utlist DL) */
	struct nakodo_v1_seat *kept_prev, *kept_next; /* of the keeper (utlist DL) */
};

/* State of a mount. */
struct nakodo_v1 {
	const struct mount *mount;
	struct hub *hub;
	struct session_limits limits;
	struct nakodo_v1_seat *seats;
	struct wheel_timer renewal; /* when the first of them is to be told again */
	/* Without a connection, the oldest first; the unconfirmed never acknowledged anything. */
	struct nakodo_v1_seat *away, *unconfirmed;
	struct share kept, said; /* of each address: how many of `away`; bytes of chat */
	struct nakodo_v1_history *histories; /* the one that was silent longest first */
	struct nakodo_v1_key *keys;
	struct nakodo_v1_guest *guests; /* of nakodo_v1_token.h */
	size_t rooms;
	struct nakodo_v1_journal *journals; /* that have something to record */
	struct text bytes; /* memory for what is recorded, while it is written */
	uint64_t last_order; /* of their entries */
	const char *only; /* while one room is restored: its name */
	bool silent; /* what leaves now has not left: it is another process's */
	bool untold; /* what is being restored, and may have to be forgotten, is no event yet */
	struct nakodo_v1_wrong { /* an address group that presented wrong tokens, and how many */
		struct address address;
		struct limit limit;
	} wrong[256];
};

static inline struct nakodo_v1_seat *nakodo_v1_seat_of(const struct member *member)
{
	return (void *)((char *)member->session - offsetof(struct nakodo_v1_seat, session));
}

bool nakodo_v1_http(const struct mount *mount, const struct dialect_request *request,
	struct dialect_answer *ret); /* dialect.http */
