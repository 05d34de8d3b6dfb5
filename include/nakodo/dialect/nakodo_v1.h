/*
 * nakodo_v1: what the files of this dialect share. nakodo_v1.c reads messages, _self.c what one
 * says of oneself, _token.c tokens, _moderate.c who may come and has to go; _join.c lets in or back
 * in; _seat.c knows who sits where and is sent what, _key.c by what it is found, _waiting.c what is
 * kept for one who is away, _place.c who gives way to whom, _shed.c when memory is short,
 * _history.c what was chatted, _ice.c which servers they are told of, _http.c who is inside,
 * _saved.c what outlives the process, _mount.c the life of a mount.
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
#include "nakodo/dialect/nakodo_v1_key.h"
#include "nakodo/dialect/nakodo_v1_waiting.h"
#include "nakodo/hub/hub.h"
#include "nakodo/hub/limit.h"
#include "nakodo/hub/session.h"
#include "nakodo/service/share.h"

struct dialect_answer;
struct dialect_request;
struct mount;
struct text;

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
	/* While detached until it leaves; while attached until `snapshot` is given up. */
	struct wheel_timer gone;
	struct wheel_timer ack; /* set while the client waits to be told */
	struct address address; /* of the connection, or of the last one */
	struct share_owner *keeper; /* in `kept`; NULL: not counted there, it gives way to nobody */
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
	bool untold; /* what is being restored, and may have to be forgotten, is no event yet */
	struct nakodo_v1_wrong { /* an address group that presented wrong tokens, and how many */
		struct address address;
		struct limit limit;
	} wrong[256];
};

/* A seat in the room for a new participant. 0; -ENOSPC: room or mount is full; -ENOMEM. */
int nakodo_v1_seat_create(struct nakodo_v1_seat **ret, struct nakodo_v1 *v1, const char *room);
/* One of an earlier process, with that id, whatever room and mount may have; its strings and keys
 * are the caller's to set, then nakodo_v1_seat_await(). 0; -EINVAL, -EEXIST: there cannot be such
 * a one; -ENOMEM. */
int nakodo_v1_seat_restore(
	struct nakodo_v1_seat **ret, struct nakodo_v1 *v1, const char *room, const char *id);
/* The participant leaves, and the others hear it. A connection of it is closed with that code, but
 * not for 0. */
void nakodo_v1_seat_leave(struct nakodo_v1_seat *seat, const char *reason, unsigned code);
/* The same without a word, when the daemon ends. */
void nakodo_v1_seat_destroy(struct nakodo_v1_seat *seat);
/* Tell a peer without a seat why, in a sentence that JSON needs not quote, and close it. */
void nakodo_v1_refuse(struct peer *peer, const char *code, const char *message, unsigned close);
/* From now on `peer`, which is open, is the seat's connection. Returns the connection that the seat
 * had before, for the caller to close, or NULL. */
struct peer *nakodo_v1_seat_attach(struct nakodo_v1_seat *seat, struct peer *peer);
/* The connection is lost; wait so many ms for another, or less if it is not confirmed. */
void nakodo_v1_seat_detach(struct nakodo_v1_seat *seat, uint64_t wait);
/* It has no connection: for so many ms it may come back. */
void nakodo_v1_seat_await(struct nakodo_v1_seat *seat, uint64_t wait);
/* The seat's strings have changed: count anew what they take (base/memory.h). */
void nakodo_v1_seat_count(struct nakodo_v1_seat *seat);
/* The client is being sent this snapshot of the room, which becomes the seat's. The seat keeps it
 * until the client is known to have it, or resume-seconds are over. */
void nakodo_v1_seat_keep(struct nakodo_v1_seat *seat, char *snapshot);
void nakodo_v1_seat_confirm(struct nakodo_v1_seat *seat); /* its client has the issued token */
/* Has its client ever shown that it can resume? */
bool nakodo_v1_seat_is_confirmed(const struct nakodo_v1_seat *seat);

/* Send a numbered message of ours to the seat. */
void nakodo_v1_seat_send(struct nakodo_v1_seat *seat, const struct iovec *parts, int count);
/* The same to all others in its room: news of the seat. */
void nakodo_v1_seat_publish(struct nakodo_v1_seat *seat, enum nakodo_v1_news news,
	const struct iovec *parts, int count);
/* Publish what was written into `text`, which is empty then; nothing if there was no memory. */
void nakodo_v1_seat_publish_text(
	struct nakodo_v1_seat *seat, enum nakodo_v1_news news, struct text *text);
/* Pass a message of the participant `from` on to another. False: that one is away, and has as much
 * waiting from the sender's address as it may; nothing was kept. */
bool nakodo_v1_seat_pass(
	const struct nakodo_v1_seat *from, struct nakodo_v1_seat *to, struct message *message);
/* Send a message that is not numbered; it is lost if there is no connection. */
void nakodo_v1_seat_tell(struct nakodo_v1_seat *seat, const struct iovec *parts, int count);
/* Write "id":…,"name":…,"meta":… */
void nakodo_v1_seat_print(const struct nakodo_v1_seat *seat, struct text *out);
/* Tell the client how many of its messages have come. */
void nakodo_v1_seat_ack(struct nakodo_v1_seat *seat);
struct nakodo_v1_seat *nakodo_v1_seat_of(const struct member *member);
struct nakodo_v1_seat *nakodo_v1_seat_at(const struct peer *peer); /* NULL: it has none */
bool nakodo_v1_is_deserted(const struct room *room); /* Has everybody lost the connection? */
/* The seats that are kept for that one of `kept`, the oldest first. */
struct nakodo_v1_seat *nakodo_v1_seats_kept(struct share_owner *keeper);

bool nakodo_v1_http(const struct mount *mount, const struct dialect_request *request,
	struct dialect_answer *ret); /* dialect.http */
