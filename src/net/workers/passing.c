/* passing: the way of a connection to its worker (workers.h). */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* Who is decrypted has a ticket where that is done, unless that is on another node. */
static bool is_counted_elsewhere(const struct accepted *accepted)
{
	return accepted->decrypted && !accepted->from_node;
}

static uint32_t give_ticket(struct worker_slot *slot, const struct accepted *accepted, void *hold)
{
	struct tickets *tickets = &slot->workers->tickets;

	return is_counted_elsewhere(accepted)
		       ? tickets_give_second(tickets, slot->index, hold)
		       : tickets_give(tickets, slot->index, accepted->group, hold);
}

/* False: nothing is taken over. */
static bool pass(struct worker_slot *slot, struct accepted *accepted, void *hold, int node)
{
	struct record_connection record = {
		.kind = RECORD_CONNECTION,
		.listener = number_of(accepted->listener),
		.direct = accepted->direct,
		.tls = accepted->tls,
		.counted = is_counted_elsewhere(accepted) ? accepted->counted
							  : accepted->group != NULL,
		.decrypted = accepted->decrypted,
		.relayed = node >= 0,
		.address = accepted->address,
	};
	bool ticketed = hold || !is_counted_elsewhere(accepted);
	const int fds[] = {accepted->fd, node};

	record.ticket = record.listener && ticketed ? give_ticket(slot, accepted, hold) : 0;
	if (!record.listener || (ticketed && !record.ticket)) {
		return false;
	}
	if (record.relayed) {
		tickets_mark_relay(&slot->workers->tickets, record.ticket);
	}
	if (channel_send(&slot->channel, &record, sizeof(record), fds, node < 0 ? 1 : 2)) {
		tickets_take(&slot->workers->tickets, slot->index, record.ticket);
	}
	free(accepted->target);
	listener_let_go(accepted->listener);
	return true;
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

enum workers_found workers_find_unit(
	const struct workers *workers, const struct accepted *accepted, char ret[UNIT_NAME])
{
	char head[HEAD_MAX];
	ssize_t len;

	if (accepted->tls) {
		return WORKERS_NO_UNIT;
	}
	len = recv(accepted->fd, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);
	if (len > 0 && is_part(accepted, head, (size_t)len)) {
		return WORKERS_NOT_YET;
	}
	return len > 0 && unit_of_head(
				  workers->dialects, accepted->listener, head, (size_t)len, ret)
		       ? WORKERS_UNIT
		       : WORKERS_NO_UNIT;
}

void workers_await_head(struct accepted *accepted)
{
	accepted->rest = !accepted->rest                  ? REST
			 : accepted->rest < REST_MOST / 2 ? accepted->rest * 2
							  : REST_MOST;
	accept_look_again(accepted, accepted->rest);
}

bool workers_pass(struct workers *workers, struct accepted *accepted, const char *unit, void *hold)
{
	struct worker_slot *slot =
		unit ? &workers->slots[unit_number(unit) % workers->count] : find_idlest(workers);

	if (!is_able(slot)) {
		accept_look_again(accepted, ABSENCE);
		return false;
	}
	if (!pass(slot, accepted, hold, -1)) {
		conn_discard(accepted);
		return false;
	}
	return true;
}

unsigned workers_tell_unit(struct workers *workers, const struct record_unit *record, int fd)
{
	size_t worker = unit_number(record->unit) % workers->count;
	struct worker_slot *slot = &workers->slots[worker];
	int error = slot->ready ? 0 : -ENOTCONN;

	if (!error) {
		error = channel_send(&slot->channel, record, sizeof(*record), &fd, fd >= 0);
	} else if (fd >= 0) {
		close(fd);
	}
	return error ? 0 : slot->life;
}

unsigned workers_life_of(const struct workers *workers, const char *unit)
{
	const struct worker_slot *slot = &workers->slots[unit_number(unit) % workers->count];

	return slot->ready ? slot->life : 0;
}

bool workers_can_relay(struct workers *workers)
{
	return is_able(find_idlest(workers));
}

bool workers_relay(struct workers *workers, struct accepted *accepted, int fd, void *hold)
{
	struct worker_slot *slot = find_idlest(workers);

	return is_able(slot) && pass(slot, accepted, hold, fd);
}

void workers_take(struct workers *workers, struct accepted *accepted)
{
	char unit[UNIT_NAME];
	enum workers_found found = workers_find_unit(workers, accepted, unit);

	if (found == WORKERS_NOT_YET) {
		workers_await_head(accepted);
	} else {
		workers_pass(workers, accepted, found == WORKERS_UNIT ? unit : NULL, NULL);
	}
}

bool workers_send_away(struct workers *workers, bool (*is_such)(const void *hold))
{
	bool found = false;

	for (size_t i = 0; i < workers->count; i++) {
		static struct record_send_away record;
		uint32_t ticket = tickets_next(&workers->tickets, i, is_such, 0);

		found |= ticket;
		record.kind = RECORD_SEND_AWAY;
		record.count = 0;
		while (ticket) {
			record.tickets[record.count++] = ticket;
			ticket = tickets_next(&workers->tickets, i, is_such, ticket);
			if (!ticket || record.count == RECORD_SEND_AWAY_MOST) {
				workers_send(workers, i, &record,
					offsetof(struct record_send_away, tickets) +
						record.count * sizeof(*record.tickets));
				record.count = 0;
			}
		}
	}
	return found;
}
