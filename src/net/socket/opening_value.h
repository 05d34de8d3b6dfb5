/*
 * opening_value: one value of `listen` on its way to sockets, as the files of opening.h know it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/endpoint.h"

struct mount;
struct opening;
struct option_item;

/* The value at hand. */
struct value {
	struct opening *opening;
	const struct option_item *item;
	size_t entry; /* its number, from 1 */
	uint32_t number; /* of the socket, if it was handed over */
	struct endpoint endpoint;
	const struct mount *own; /* held; NULL: none */
};

/* Add a socket; `fd` is taken over. 0 or -ENOMEM. */
int opening_add(struct value *value, int fd, int passed, bool removes);
/* The socket's own port: the one asked for was perhaps 0. */
uint16_t opening_port(int fd);
/* Add those that were handed over (handed.h). 0 or -ENOMEM. */
int handed_open(struct value *value);
