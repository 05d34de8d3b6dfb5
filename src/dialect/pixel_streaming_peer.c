/* pixel_streaming_peer: owns nothing; what all files of this dialect ask about a connection. See
 * the header. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/pixel_streaming.h"

struct pixel_streaming *pixel_streaming_peer_realm(const struct pixel_streaming_peer *self)
{
	return self->mount->state;
}

int pixel_streaming_peer_take(
	const struct pixel_streaming_peer *self, struct share *share, size_t amount)
{
	size_t before = share_size(share);
	int error = share_add(share, &self->address, amount);

	memory_take(MEMORY_ROOMS, share_size(share) - before);
	return error;
}

void pixel_streaming_peer_give(
	const struct pixel_streaming_peer *self, struct share *share, size_t amount)
{
	size_t before = share_size(share);

	share_remove(share, &self->address, amount);
	memory_give(MEMORY_ROOMS, before - share_size(share));
}

struct peer *pixel_streaming_peer_last_of(const struct room *room, const struct address *address)
{
	struct peer *last = NULL;
	const struct member *member;

	DL_FOREACH (room ? room->members : NULL, member) {
		const struct pixel_streaming_peer *party = member->peer->state_of_dialect;

		if (share_is_same(&party->address, address)) {
			last = member->peer;
		}
	}
	return last;
}

struct room *pixel_streaming_peer_players(const struct pixel_streaming_peer *streamer)
{
	char name[24];

	snprintf(name, sizeof(name), "%" PRIu64, streamer->peer->id);
	return hub_room(pixel_streaming_peer_realm(streamer)->space, name);
}

void pixel_streaming_peer_pass_over(void)
{
	meter_add(METER_MESSAGES_PASSED_OVER, 1);
}

void pixel_streaming_peer_send(const struct pixel_streaming_peer *self, struct text *text)
{
	struct iovec part;

	part.iov_base = text_take(text, &part.iov_len);
	if (part.iov_base) {
		hub_send_text(self->peer, &part, 1);
		free(part.iov_base);
	} else {
		hub_close(self->peer, 1011, "out of memory");
	}
}
