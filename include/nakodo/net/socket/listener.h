/*
 * listener: one listening socket of ours. libwebsockets is handed connected sockets only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <uv.h>

#include "nakodo/base/endpoint.h"

struct mount;
struct sockets;

/* It lives until nobody holds it: neither who made it, nor a handle of the loop, nor a connection
 * that came by it. */
struct listener {
	struct sockets *sockets;
	struct endpoint endpoint; /* with the port that is really bound */
	const struct mount
		*own; /* the one dialect of its whole URL space, held; NULL: the mounts */
	int fd; /* -1: none now */
	int passed; /* the descriptor from systemd that `fd` duplicates; -1: none */
	uint32_t number; /* its own, where connections are handed over */
	bool closed; /* for good */
	bool loopback; /* TCP that only this machine can reach */
	bool removes; /* the path of its socket, when that is closed */
	struct sockaddr_storage address; /* that `fd` is bound to */
	socklen_t address_size;
	void (*broken)(struct listener *listener, int error); /* for accept.c: `fd` cannot be used
							       * any more. -errno */
	bool watched; /* `poll` is there, and not about to be closed */
	uv_poll_t poll;
	uv_timer_t pause; /* while there are no file descriptors or places left, or no `fd` */
	size_t holders;
	/* These are of the set (listeners.h). */
	size_t entry; /* which value of `listen` it is of, from 1; 0: of none */
	size_t next_entry; /* the same of the options that are being made */
	bool handed_on; /* its socket is another's too, that is being made */
	bool shared; /* another one that is being made listens beside it */
	struct listener *next;
	char text[]; /* that value */
};

/* A socket of the value `text`. It takes `fd` over, and a hold of `own`, also on failure. -1 as
 * `passed`: it is not from systemd. NULL: no memory. */
struct listener *listener_create(struct sockets *sockets, const struct endpoint *endpoint,
	const char *text, int fd, int passed, const struct mount *own);
/* Begin to accept. A socket that breaks is opened again, if need be every second. */
int listener_start(struct listener *listener);
/* Stop accepting and close the socket; the path of a unix socket is removed. What has connected
 * already and is not accepted yet is lost, unless the socket is handed on. */
void listener_close(struct listener *listener);
/* Close it, and let it go. */
void listener_destroy(struct listener *listener);

/* A connection is of it. The last one that lets it go frees it. */
void listener_hold(const struct listener *listener);
void listener_let_go(const struct listener *listener);

/* A listening socket at an address, or -errno. The IPv6 address that is every address takes IPv4
 * connections too. `shared`: others may listen at a part of that address that allow it as well. */
int listener_bind(const struct sockaddr *address, socklen_t size, bool shared);
/* Set whether others may. */
void listener_share(int fd, bool shared);
