/*
 * piece: what one side of a tunnel has given and the other has not taken.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct piece {
	size_t from, to, room;
	unsigned char bytes[];
};

/* An empty one. False: no memory. */
bool piece_make(struct piece **ret, size_t room);
/* One with these bytes. */
bool piece_keep(struct piece **ret, const unsigned char *bytes, size_t len);
/* It may be NULL, and is then. */
void piece_drop(struct piece **piece);
