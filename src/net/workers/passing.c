/* passing: the way of a connection to its worker (workers.h). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nakodo/net/socket/accept.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/listeners.h"
#include "nakodo/net/socket/sniff.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/workers/record.h"
#include "nakodo/net/workers/unit.h"
#include "nakodo/net/workers/workers.h"
#include "worker_slot.h"

#define HEAD_MAX 4096 /* bytes of a request that are looked at */
#define REST 20 /* ms until the rest of a head is looked for, */
#define REST_MOST 1000 /* ms, doubled each time up to this: many may wait, and for long */
#define ABSENCE 200 /* ms until it is looked whether a worker is there again */
#define QUEUE_MOST 8192 /* bytes that wait for a worker, which gets no more connections then */

/* The workers do not know any more what the options have replaced meanwhile. 0: nothing listens
 * there now. */
static uint32_t number_of(const struct listener *listener)
{
	const struct listener *other =
		listener->closed ? listeners_find_at(listener->sockets, &listener->address)
				 : listener;

	return other ? other->number : 0;
}

static void pass(struct worker_slot *slot, struct accepted *accepted)
{
	struct record_connection record = {
		.kind = RECORD_CONNECTION,
		.listener = number_of(accepted->listener),
		.direct = accepted->direct,
		.tls = accepted->tls,
		.counted = accepted->decrypted ? accepted->counted : accepted->group != NULL,
		.decrypted = accepted->decrypted,
		.address = accepted->address,
	};
	struct tickets *tickets = &slot->workers->tickets;

	/* Who is decrypted has a ticket where that is done. */
	if (record.listener && !accepted->decrypted) {
		record.ticket = tickets_give(tickets, slot->index, accepted->group);
	}
	if (!record.listener || (!record.ticket && !accepted->decrypted)) {
		conn_discard(accepted);
		return;
	}
	if (channel_send(&slot->channel, &record, sizeof(record), &accepted->fd, 1)) {
		tickets_take(tickets, slot->index, record.ticket);
	}
	free(accepted->target);
	listener_let_go(accepted->listener);
}

static bool is_able(const struct worker_slot *slot)
{
	const struct workers *workers = slot->workers;

	/* What was left is for all or for none, if the start should fail. */
	return slot->ready && (workers->all_ready || workers->saved < 0) &&
	       slot->channel.queued < QUEUE_MOST;
}

/* TLS hides where it belongs, and costs as much wherever it is spoken. */
static struct worker_slot *find_idlest(struct workers *workers)
{
	struct worker_slot *best = workers->slots;

	for (size_t i = 1; i < workers->count; i++) {
		struct worker_slot *slot = &workers->slots[i];
		bool idler = tickets_of(&workers->tickets, i) <
			     tickets_of(&workers->tickets, best->index);

		if (is_able(slot) && (!is_able(best) || idler)) {
			best = slot;
		}
	}
	return best;
}

/* Of TCP it is known when there is more, and what is not whole now never will be. */
static bool is_part(const struct accepted *accepted, const char *head, size_t len)
{
	int kind = AF_UNSPEC;
	socklen_t size = sizeof(kind);

	return len < HEAD_MAX && isalpha((unsigned char)*head) && !sniff_has_end(head, len) &&
	       !getsockopt(accepted->fd, SOL_SOCKET, SO_DOMAIN, &kind, &size) && kind == AF_UNIX;
}

/* The worker that has its room, or any if it asks for none. NULL: only a part of the head is there.
 */
static struct worker_slot *find_owner(struct workers *workers, const struct accepted *accepted)
{
	char head[HEAD_MAX];
	ssize_t len = recv(accepted->fd, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);
	uint64_t unit;

	if (len > 0 && is_part(accepted, head, (size_t)len)) {
		return NULL;
	}
	unit = len > 0 ? unit_of_head(workers->dialects, accepted->listener, head, (size_t)len) : 0;
	return unit ? &workers->slots[unit % workers->count] : find_idlest(workers);
}

static void wait_for_rest(struct accepted *accepted)
{
	accepted->rest = !accepted->rest                  ? REST
			 : accepted->rest < REST_MOST / 2 ? accepted->rest * 2
							  : REST_MOST;
	accept_look_again(accepted, accepted->rest);
}

void workers_take(struct workers *workers, struct accepted *accepted)
{
	struct worker_slot *slot =
		accepted->tls ? find_idlest(workers) : find_owner(workers, accepted);

	if (!slot) {
		wait_for_rest(accepted);
	} else if (!is_able(slot)) {
		accept_look_again(accepted, ABSENCE);
	} else {
		pass(slot, accepted);
	}
}
