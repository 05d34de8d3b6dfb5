/*
 * listener: our own listening sockets. libwebsockets is handed connected sockets only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <uv.h>

#include "nakodo/base/endpoint.h"

struct dialect_table;
struct option_item;
struct options;
struct problem;
struct sockets;

struct listener {
	struct sockets *sockets;
	struct endpoint endpoint; /* with the port that is really bound */
	const struct mount *own; /* the one dialect of its whole URL space; NULL: the mounts */
	int fd; /* -1: none now */
	bool closed; /* for good */
	bool loopback; /* TCP that only this machine can reach */
	struct sockaddr_storage address; /* that `fd` is bound to */
	socklen_t address_size;
	void (*broken)(struct listener *listener, int error); /* for accept.c: `fd` cannot be used
							       * any more. -errno */
	bool watched; /* `poll` is there, and not about to be closed */
	uv_poll_t poll;
	uv_timer_t pause; /* while there are no file descriptors or places left, or no `fd` */
	struct listener *next;
};

/* Open what one `listen` value says and add the sockets to sockets->listeners; nothing is accepted
 * yet. `localhost` is two sockets; a family that the machine lacks is a warning in the log.
 * 0, or -errno with a sentence that names the place, what and why. */
int listener_open(struct sockets *sockets, struct dialect_table *dialects,
	const struct option_item *item, struct problem *problem);
/* Only look whether the value can be understood. 0, or -EINVAL with a sentence. */
int listener_check(const struct options *options, struct dialect_table *dialects,
	const struct option_item *item, struct problem *problem);
/* Begin to accept. A socket that breaks is opened again, if need be every second. */
int listener_start(struct listener *listener);
/* Stop accepting and close the socket; a unix socket's path is removed. Connections still know
 * their listener, so it is destroyed only when the loop has ended. */
void listener_close(struct listener *listener);
void listener_destroy(struct listener *listener);
