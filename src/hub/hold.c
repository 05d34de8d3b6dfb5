/* hold: see the header. */
#include "nakodo/hub/hold.h"

#include "nakodo/base/meter.h"
#include "nakodo/hub/hub.h"

void hold_begin(struct peer *peer)
{
	peer->holds = true;
}

void hold_release(struct peer *peer, unsigned count)
{
	peer->held -= count < peer->held ? count : peer->held;
	if (hold_ready(peer)) {
		hub_mark_dirty(peer);
	}
}

void hold_end(struct peer *peer)
{
	peer->holds = false;
	peer->held = 0;
	if (peer->outbox.count && peer->state != PEER_GONE) {
		hub_mark_dirty(peer);
	}
}

void hold_drop(struct peer *peer)
{
	meter_add(METER_MESSAGES_DROPPED,
		peer->held < peer->outbox.count ? peer->held : peer->outbox.count);
	outbox_drop_last(&peer->outbox, peer->held);
	hold_end(peer);
}

unsigned hold_ready(const struct peer *peer)
{
	unsigned count = peer->outbox.count;

	return count > peer->held ? count - peer->held : 0;
}
