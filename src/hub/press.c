/* press: owns the numbers of each receiver, and the lists of who waits for it. */
#include "nakodo/hub/press.h"

#include <stdlib.h>
#include <utlist.h>

#include "nakodo/base/memory.h"
#include "nakodo/hub/peer.h"

#define LEAST_COUNTED 16 /* bytes; a waiting frame takes more memory than the few it may have */
/* So many times `most` may wait for one that was not slow: everybody in a room of 256 may have sent
 * it a message of 64 KiB at once, and each of them waits then. */
#define PATIENCE 64

size_t press_load(const struct outbox *outbox, size_t more)
{
	size_t bytes = outbox->bytes - outbox->exempt_bytes + more;
	size_t count = outbox->count - outbox->exempt + (more > 0);
	size_t least = count * LEAST_COUNTED;

	return bytes > least ? bytes : least;
}

/* NULL: no memory; then nobody waits. */
static struct press *press_of(struct peer *peer)
{
	if (!peer->press) {
		peer->press = calloc(1, sizeof(*peer->press));
		memory_take(MEMORY_CONNECTIONS, peer->press ? sizeof(*peer->press) : 0);
	}
	return peer->press;
}

static void free_if_unused(struct peer *peer)
{
	struct press *press = peer->press;

	if (press && !press->since && !press->waiting && !press->behind) {
		memory_give(MEMORY_CONNECTIONS, sizeof(*press));
		free(press);
		peer->press = NULL;
	}
}

static uint64_t until(const struct press *press)
{
	return press->since + (press->put - press->before) * 1000 / PRESS_RATE;
}

/* The ms for which there was a backlog so far. */
static uint64_t lost(const struct presses *presses, uint64_t now)
{
	return presses->lost + (presses->backlog ? now - presses->backlog : 0);
}

static bool is_slow(const struct presses *presses, const struct peer *receiver, uint64_t now)
{
	const struct press *press = receiver->press;
	size_t put = press ? press->put : 0, waiting = receiver->outbox.bytes;
	/* Control frames are put in without being counted. */
	size_t taken = put > waiting ? put - waiting : 0;

	return press && press->since && receiver->outbox.count > receiver->held &&
	       now > press->since + lost(presses, now) - press->lost + PRESS_GRACE +
			       taken * 1000 / PRESS_RATE;
}

bool press_has_room(
	const struct presses *presses, const struct peer *receiver, size_t len, uint64_t now)
{
	const struct outbox *outbox = &receiver->outbox;
	size_t load = press_load(outbox, len);

	if (outbox->count == outbox->exempt || load <= presses->most) {
		return true;
	}
	return load <= presses->most * PATIENCE && !is_slow(presses, receiver, now);
}

static void begin(const struct presses *presses, struct peer *receiver, uint64_t now)
{
	struct press *press = receiver->press;

	press->since = now ? now : 1;
	press->lost = lost(presses, now);
	press->put = receiver->outbox.bytes;
}

void press_add(struct presses *presses, struct peer *receiver, size_t len, uint64_t now)
{
	struct press *press = press_of(receiver);

	if (!press) {
		return;
	}
	if (press->since) {
		press->put += len;
	} else {
		begin(presses, receiver, now);
		press->before = press->put - len;
	}
	if (presses->first == receiver) {
		presses->given += len;
	} else if (!presses->first || until(press) > until(presses->first->press)) {
		presses->first = receiver;
		presses->given = len;
	}
}

void press_hear(struct presses *presses)
{
	presses->first = NULL;
}

static void leave(struct peer *sender)
{
	struct peer *receiver = sender->press ? sender->press->behind : NULL;

	if (receiver) {
		DL_DELETE2(receiver->press->waiting, sender, press->prev, press->next);
		sender->press->behind = NULL;
		free_if_unused(sender);
	}
}

/* Beside the others of its party, so that parties can be counted in one walk. */
static void join(struct peer *sender, struct peer *receiver, const void *party, uint64_t now)
{
	struct press *press = sender->press;
	struct peer *other;

	press->behind = receiver;
	press->party = party;
	press->from = press->end = now;
	press->sent = press->parts = 0;
	DL_FOREACH2(receiver->press->waiting, other, press->next)
	{
		if (other->press->party == party) {
			DL_APPEND_ELEM2(
				receiver->press->waiting, other, sender, press->prev, press->next);
			return;
		}
	}
	DL_APPEND2(receiver->press->waiting, sender, press->prev, press->next);
}

/* How many of a party wait now. The party's first peer is given, the next party's is returned. */
static struct peer *count_party(struct peer *first, uint64_t now, size_t *ret_count)
{
	struct peer *peer = first;

	*ret_count = 0;
	for (; peer && peer->press->party == first->press->party; peer = peer->press->next) {
		*ret_count += peer->press->end > now;
	}
	return peer;
}

/* For all that wait for the receiver: they look again one after the other. */
static void share_out(struct press *receiver, uint64_t now)
{
	struct peer *peer = receiver->waiting, *end;
	size_t parties = 0, same;

	while (peer) {
		peer = count_party(peer, now, &same);
		parties += same > 0;
	}
	for (peer = receiver->waiting; peer; peer = end) {
		end = count_party(peer, now, &same);
		for (; peer != end; peer = peer->press->next) {
			bool is_over = peer->press->end <= now; /* if it looks, it waits on */

			peer->press->parts = (parties + (same == 0)) * (same + is_over);
		}
	}
	receiver->shared = now;
}

/* So many times its own bytes may be sent by all that wait now, each as much as its part is. */
static size_t parts(const struct peer *sender, uint64_t now)
{
	struct press *receiver = sender->press->behind->press;

	if (receiver->shared != now || !sender->press->parts) {
		share_out(receiver, now);
	}
	return sender->press->parts;
}

uint64_t press_wait(struct presses *presses, struct peer *sender, const void *party, uint64_t now)
{
	struct peer *receiver = presses->first;

	if (!receiver || sender->state != PEER_OPEN) {
		return 0;
	}
	/* What is too little to wait a ms for adds up within it. */
	if (!sender->press || sender->press->behind != receiver || sender->press->end < now) {
		leave(sender);
		if (!press_of(sender)) {
			return 0;
		}
		join(sender, receiver, party, now);
	}
	sender->press->sent += presses->given;
	return press_still_waits(sender, now);
}

uint64_t press_still_waits(struct peer *sender, uint64_t now)
{
	struct press *press = sender->press;
	bool waited;
	uint64_t all;

	if (!press || !press->behind) {
		return 0;
	}
	waited = press->end > now;
	all = until(press->behind->press);
	press->end = press->from + press->sent * parts(sender, now) * 1000 / PRESS_RATE;
	if (press->end > all) {
		press->end = all;
	}
	if (press->end > now) {
		if (!waited) {
			press->behind->press->shared = 0; /* there is one more */
		}
		return press->end - now;
	}
	if (press->from < now) {
		leave(sender);
	}
	return 0;
}

struct peer *press_find_slow(const struct presses *presses, const struct peer *sender, uint64_t now)
{
	struct peer *receiver = sender->press ? sender->press->behind : NULL;

	return receiver && press_load(&receiver->outbox, 0) > presses->most &&
			       is_slow(presses, receiver, now)
		       ? receiver
		       : NULL;
}

static void relieve_all(struct presses *presses, struct peer *receiver)
{
	struct peer *sender;

	receiver->press->since = 0;
	if (presses->first == receiver) {
		presses->first = NULL;
	}
	while (receiver->press && (sender = receiver->press->waiting)) {
		leave(sender); /* which may have been the receiver itself */
		if (presses->relieved) {
			presses->relieved(sender);
		}
	}
	free_if_unused(receiver);
}

void press_relieve(struct presses *presses, struct peer *receiver)
{
	if (receiver->press && press_load(&receiver->outbox, 0) <= presses->most / 2) {
		relieve_all(presses, receiver);
	}
}

void press_note_backlog(struct presses *presses, uint64_t now)
{
	if (!presses->backlog) {
		presses->backlog = now ? now : 1;
	}
}

void press_end_backlog(struct presses *presses, uint64_t now)
{
	presses->lost = lost(presses, now);
	presses->backlog = 0;
}

void press_restart(const struct presses *presses, struct peer *receiver, uint64_t now)
{
	if (receiver->press && receiver->press->since) {
		begin(presses, receiver, now);
		receiver->press->before = 0;
	}
}

void press_end(struct presses *presses, struct peer *peer)
{
	leave(peer);
	if (peer->press) {
		relieve_all(presses, peer);
	}
}
