/*
 * gstreamer: what the files of this dialect share. gstreamer.c knows the peers and their roles,
 * gstreamer_list.c the lists of producers and of consumers, gstreamer_session.c the sessions
 * between them, gstreamer_error.c how a peer is told of its fault.
 *
 * All of it is rooms of the mount's space: GSTREAMER_PEERS with every peer under its id, one for
 * each role, and one for each session. A session's room is named by a prefix, which keeps those
 * names apart from the others whatever a client sends, and the session's id. It has exactly two
 * members, the producer first, and ends with the first of them to leave.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/address.h"
#include "nakodo/base/ids.h"
#include "nakodo/service/share.h"

struct iovec;
struct json_member;
struct member;
struct mount;
struct peer;

#define GSTREAMER_PEERS "peers"

enum gstreamer_role {
	GSTREAMER_PRODUCER,
	GSTREAMER_CONSUMER,
	GSTREAMER_LISTENER,
	GSTREAMER_ROLES,
};

/* One mount's state: how many bytes of the lists of producers and of consumers each address has. */
struct gstreamer {
	struct share lists[GSTREAMER_LISTENER];
};

struct gstreamer_peer {
	struct peer *peer;
	struct address address;
	const struct mount *mount;
	char id[IDS_UUID];
	bool spoke; /* it is too late to choose a protocol version */
	bool v1_1; /* has chosen protocol version 1.1 */
	struct member *seats[GSTREAMER_ROLES]; /* NULL: not in that role */
	size_t listed[GSTREAMER_LISTENER]; /* bytes that it is counted with in each list */
	char *meta; /* JSON as it came, not NUL-terminated; NULL: null */
	size_t meta_len;
	size_t started; /* sessions that this peer asked for */
	uint64_t since; /* ms; when the first of `changes` was */
	unsigned changes; /* of its status */
};

/* The members of a message that are looked at. */
enum {
	GSTREAMER_TYPE,
	GSTREAMER_VERSION,
	GSTREAMER_WANTED, /* roles */
	GSTREAMER_META,
	GSTREAMER_PEER_ID,
	GSTREAMER_OFFER,
	GSTREAMER_SESSION_ID,
	GSTREAMER_ERROR,
	GSTREAMER_SDP,
	GSTREAMER_ICE,
	GSTREAMER_MEMBERS,
};

struct gstreamer_call {
	const struct json_member *members;
	const char *data;
	size_t len;
};

/* Tell the peer what it has done wrong. */
void gstreamer_error(const struct gstreamer_peer *self, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same for what is no fault of the peer's. */
void gstreamer_notify(const struct gstreamer_peer *self, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Its meta as it is said to others. */
struct iovec gstreamer_list_meta(const struct gstreamer_peer *self);
/* With that meta, would the list of that role still be short enough to be sent beside what else
 * waits for who asks for it? */
bool gstreamer_list_fits(
	const struct gstreamer_peer *self, enum gstreamer_role role, size_t meta_len);
/* It would not: who has to give up the role first? The largest entry of the address that has most
 * of the list. NULL: not enough has to give way, so nobody has. */
struct gstreamer_peer *gstreamer_list_find_yielding(
	const struct gstreamer_peer *self, enum gstreamer_role role, size_t meta_len);
/* Count the peer's entries in the lists as its roles and meta are now. 0 or -ENOMEM. */
int gstreamer_list_enter(struct gstreamer_peer *self);
void gstreamer_list_leave(struct gstreamer_peer *self); /* it has no entry any more */
void gstreamer_list_send(const struct gstreamer_peer *self, enum gstreamer_role role);

/* What a peer asks for; a message that is not well-formed is passed over. */
void gstreamer_session_start(struct gstreamer_peer *self, const struct gstreamer_call *call);
void gstreamer_session_pass_on(struct gstreamer_peer *self, const struct gstreamer_call *call);
void gstreamer_session_end(struct gstreamer_peer *self, const struct gstreamer_call *call);
/* End its sessions in that role (producer or consumer). */
void gstreamer_session_end_all(struct gstreamer_peer *self, enum gstreamer_role role);
