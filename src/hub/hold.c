/* hold: see the header. */
#include "nakodo/hub/hold.h"

#include "nakodo/base/meter.h"
#include "nakodo/hub/hub.h"
#include "nakodo/hub/press.h"

void hold_begin(struct peer *peer)
{
	peer->holds = true;
}

/* Some of what is held is about to be released: if that was all, the peer had nothing to read. */
static void note_release(struct peer *peer)
{
	if (peer->press && peer->held && !hold_ready(peer)) {
		press_restart(hub_presses(peer->hub), peer, hub_now(peer->hub));
	}
}

void hold_release(struct peer *peer, unsigned count)
{
	note_release(peer);
	peer->held -= count < peer->held ? count : peer->held;
	if (hold_ready(peer)) {
		hub_mark_dirty(peer);
	}
}

void hold_end(struct peer *peer)
{
	note_release(peer);
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
