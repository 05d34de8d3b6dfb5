/* piece: see the header. */
#include "piece.h"

#include <stdlib.h>
#include <string.h>

#include "nakodo/base/memory.h"

bool piece_make(struct piece **ret, size_t room)
{
	struct piece *piece = malloc(sizeof(*piece) + room);

	if (piece) {
		*piece = (struct piece){.room = room};
		memory_take(MEMORY_FRAMES, room);
	}
	*ret = piece;
	return piece;
}

bool piece_keep(struct piece **ret, const unsigned char *bytes, size_t len)
{
	if (!piece_make(ret, len)) {
		return false;
	}
	memcpy((*ret)->bytes, bytes, len);
	(*ret)->to = len;
	return true;
}

void piece_drop(struct piece **piece)
{
	if (*piece) {
		memory_give(MEMORY_FRAMES, (*piece)->room);
		free(*piece);
		*piece = NULL;
	}
}
