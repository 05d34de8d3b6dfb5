/*
 * opening: from the values of `listen` to listening sockets.
 */
#pragma once

#include <stddef.h>

struct dialect_table;
struct listener;
struct options;
struct problem;
struct sockets;

/* The listeners of some options, beside those that there are in `sockets`. */
struct opening {
	struct sockets *sockets;
	struct dialect_table *dialects;
	const struct options *options;
	struct listener *made; /* utlist LL, in the order of the options */
};

/* Open what the value says (they are numbered from 1) and add its sockets to `made`; nothing is
 * accepted yet. `localhost` is two sockets; a family that the machine lacks is a warning in the
 * log. A socket that already listens there, and whose listener's next_entry says that the options
 * have it no more, is handed on. 0, or -errno with a sentence that names the place, what and why.
 */
int opening_run(struct opening *opening, size_t entry, struct problem *problem);
/* Only look whether the value can be understood. 0, or -EINVAL with a sentence. */
int opening_check(struct opening *opening, size_t entry, struct problem *problem);
