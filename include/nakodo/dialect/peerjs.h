/*
 * peerjs: what the files of the dialect peerjs have in common. peerjs.c has the WebSocket side,
 * peerjs_http.c the paths and plain requests, peerjs_realm.c what a mount has and which parameters
 * say so, peerjs_queue.c what waits for ids nobody holds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nakodo/base/address.h"
#include "nakodo/dialect/peerjs_queue.h"
#include "nakodo/hub/hub.h"

struct dialect_answer;
struct dialect_request;
struct mount;
struct problem;

/* State of a mount: all its ids are members of the one room "" of its space. */
struct peerjs_realm {
	const struct mount *mount;
	struct hub_space *space;
	char key[HUB_NAME_MAX + 1];
	bool discovery; /* may anyone read the list of ids? */
	uint64_t alive; /* ms without a sound after which a peer is closed */
	struct peerjs_queue *queue;
};

/* State of a peer that was let in. */
struct peerjs_client {
	struct wheel_timer alive; /* first: turned back by a cast */
	struct peer *peer;
	struct peerjs_realm *realm;
	struct address address;
	const char *token; /* behind `quoted` */
	char quoted[]; /* its id as a JSON string */
};

/* The state of a mount, as its parameters say; `expire` is called with it. 0, or -EINVAL / -ENOMEM
 * with a sentence. */
int peerjs_realm_create(struct peerjs_realm **ret, const struct mount *mount,
	peerjs_expire_fn *expire, struct problem *problem);
/* No peer is left. */
void peerjs_realm_destroy(struct peerjs_realm *realm);
/* Who holds the id; NULL: nobody. */
struct member *peerjs_realm_find(const struct peerjs_realm *realm, const char *id);

/* dialect.match and dialect.http. */
bool peerjs_match(const struct mount *mount, const char *path, const char **ret_room);
bool peerjs_http(const struct mount *mount, const struct dialect_request *request,
	struct dialect_answer *ret);
