/* visitors: owns connections until it is known whose their unit is, and while its owner is dialed.
 */
#include "nakodo/net/cluster/visitors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "nakodo/base/log.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/hub/audit.h"
#include "nakodo/net/cluster/cluster.h"
#include "nakodo/net/cluster/dial.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/workers/workers.h"

/* ms until an owner that could not be reached is asked for again, doubled each time up to the
 * second: when a node ends, all who come for its rooms ask. */
#define AGAIN_FIRST 200
#define AGAIN_MOST 1600
#define TELL_AGAIN 60000 /* ms */
#define HEADS 16 /* pieces of 4 kB that are read of who is refused */

/* A connection of which it is asked whose unit it is of; then of one that is dialed. */
struct visitor {
	struct unit_asker asker; /* first */
	struct cluster *cluster;
	struct visitor *prev, *next;
	struct accepted accepted;
	struct dial dial;
	struct wheel_timer timer; /* until it is asked again, or it is too late */
	struct unit *unit; /* while it is dialed: held */
	uint64_t again; /* ms, the last pause; 0: none */
	bool gone; /* only the handle of `dial` is there still */
	char name[UNIT_NAME];
};

static void ask(struct visitor *visitor);
static void on_again(struct wheel_timer *timer);

static struct visitor *visitor_of_dial(struct dial *dial)
{
	return (struct visitor *)(void *)((char *)dial - offsetof(struct visitor, dial));
}

static void on_dial_closed(struct dial *dial)
{
	struct visitor *visitor = visitor_of_dial(dial);

	if (visitor->gone) {
		free(visitor);
	} else {
		dial->closed = NULL; /* it can be used again */
	}
}

/* What it has accepted is not its any more. */
static void remove_visitor(struct visitor *visitor)
{
	struct cluster *cluster = visitor->cluster;

	deadlines_clear(cluster->deadlines, &visitor->timer);
	units_leave(&visitor->asker);
	if (visitor->unit) {
		dial_cancel(&visitor->dial);
		units_let_go(visitor->unit);
	}
	DL_DELETE(cluster->visitors, visitor);
	cluster->sockets->count--;
	memory_give(MEMORY_CONNECTIONS, sizeof(*visitor));
	visitor->gone = true;
	if (!visitor->dial.closed) {
		free(visitor);
	}
}

static void discard(struct visitor *visitor)
{
	conn_discard(&visitor->accepted);
	remove_visitor(visitor);
}

/* HTTP's way to say: come again. */
static void refuse(struct visitor *visitor)
{
	static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
				     "Retry-After: 2\r\n"
				     "Content-Type: text/plain\r\n"
				     "Content-Length: 47\r\n"
				     "Connection: close\r\n\r\n"
				     "The node that has this room cannot be reached.\n";
	char head[4096];

	meter_add(METER_CLUSTER_UNREACHABLE, 1);
	send(visitor->accepted.fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	/* What is closed with something unread is reset, and the client may not get the answer. */
	for (int i = 0; i < HEADS; i++) {
		if (recv(visitor->accepted.fd, head, sizeof(head), MSG_DONTWAIT) <= 0) {
			break;
		}
	}
	discard(visitor);
}

static void try_again(struct visitor *visitor)
{
	struct cluster *cluster = visitor->cluster;

	if (deadlines_now(cluster->deadlines) >= visitor->accepted.deadline) {
		refuse(visitor);
	} else {
		visitor->again = !visitor->again                   ? AGAIN_FIRST
				 : visitor->again < AGAIN_MOST / 2 ? visitor->again * 2
								   : AGAIN_MOST;
		deadlines_set(cluster->deadlines, &visitor->timer, visitor->again, on_again);
	}
}

static void on_dialed(struct dial *dial, int fd)
{
	struct visitor *visitor = visitor_of_dial(dial);
	struct cluster *cluster = visitor->cluster;
	struct unit *unit = visitor->unit;

	visitor->unit = NULL;
	if (fd >= 0 && workers_relay(cluster->workers, &visitor->accepted, fd, unit)) {
		meter_add(METER_CLUSTER_RELAYED, 1);
		units_trust(unit);
		remove_visitor(visitor); /* the hold is the ticket's */
		return;
	}
	if (fd >= 0) {
		close(fd);
	} else if (fd != -EBUSY) {
		units_doubt(unit);
	}
	units_let_go(unit);
	if (fd == -EBUSY) {
		refuse(visitor);
	} else {
		try_again(visitor);
	}
}

static void tell_ports(struct cluster *cluster)
{
	uint64_t now = deadlines_now(cluster->deadlines);

	if (!cluster->ports_at || now - cluster->ports_at >= TELL_AGAIN) {
		cluster->ports_at = now;
		log_warn("cluster.ports",
			LOG_STR("remedy", "there are no ports left for connections to another "
					  "node: set net.ipv4.ip_local_port_range to 1024 65535, "
					  "or take more nodes"));
	}
}

static void dial_owner(struct visitor *visitor, struct unit *unit)
{
	struct cluster *cluster = visitor->cluster;
	const struct accepted *accepted = &visitor->accepted;
	struct relay_line line = {.direct = accepted->direct, .address = accepted->address};
	int error;

	memcpy(line.token, unit->owner.token, sizeof(line.token));
	snprintf(line.listen, sizeof(line.listen), "%s", accepted->listener->text);
	memcpy(line.unit, unit->name, strlen(unit->name) + 1);
	visitor->dial.deadlines = cluster->deadlines;
	visitor->dial.options = cluster->options;
	visitor->dial.done = on_dialed;
	visitor->dial.closed = on_dial_closed;
	visitor->unit = unit;
	units_hold(unit);
	error = dial_start(&visitor->dial, cluster->loop, &unit->owner, &line);
	if (error) {
		visitor->dial.closed = NULL;
		visitor->unit = NULL;
		if (error == -EADDRNOTAVAIL) {
			tell_ports(cluster);
		} else {
			units_doubt(unit);
		}
		units_let_go(unit);
		try_again(visitor);
	}
}

/* The hold is its ticket's then. */
void visitors_pass(struct cluster *cluster, struct accepted *accepted, struct unit *unit)
{
	units_hold(unit);
	if (!workers_pass(cluster->workers, accepted, unit->name, unit)) {
		units_let_go(unit);
	}
}

static void on_answered(struct unit_asker *asker, struct unit *unit)
{
	struct visitor *visitor = (struct visitor *)asker;

	if (unit->state == UNIT_OTHERS && visitor->accepted.from_node) {
		discard(visitor); /* it has been lost meanwhile: the client comes again */
	} else if (unit->state == UNIT_OTHERS && !workers_can_relay(visitor->cluster->workers)) {
		try_again(visitor);
	} else if (unit->state == UNIT_OTHERS) {
		dial_owner(visitor, unit);
	} else {
		visitors_pass(visitor->cluster, &visitor->accepted, unit);
		remove_visitor(visitor);
	}
}

/* Until its answer comes the timer says when it is too late. */
static void ask(struct visitor *visitor)
{
	struct cluster *cluster = visitor->cluster;
	uint64_t now = deadlines_now(cluster->deadlines), late = visitor->accepted.deadline;

	deadlines_set(cluster->deadlines, &visitor->timer, late > now ? late - now : 0, on_again);
	if (!units_ask(&cluster->units, visitor->name, &visitor->asker)) {
		discard(visitor);
	}
}

static void on_again(struct wheel_timer *timer)
{
	struct visitor *visitor =
		(struct visitor *)(void *)((char *)timer - offsetof(struct visitor, timer));

	units_leave(&visitor->asker);
	if (deadlines_now(visitor->cluster->deadlines) >= visitor->accepted.deadline) {
		refuse(visitor);
	} else {
		ask(visitor);
	}
}

void visitors_receive(struct cluster *cluster, struct accepted *accepted, const char *name)
{
	struct visitor *visitor = calloc(1, sizeof(*visitor));

	if (!visitor) {
		conn_discard(accepted);
		return;
	}
	visitor->cluster = cluster;
	visitor->accepted = *accepted;
	visitor->asker.answered = on_answered;
	memcpy(visitor->name, name, strlen(name) + 1);
	DL_APPEND(cluster->visitors, visitor);
	cluster->sockets->count++;
	memory_take(MEMORY_CONNECTIONS, sizeof(*visitor));
	ask(visitor);
}

void visitors_finish(struct cluster *cluster)
{
	struct visitor *visitor, *next;

	DL_FOREACH_SAFE (cluster->visitors, visitor, next) {
		discard(visitor);
	}
}

#ifdef NAKODO_AUDIT
void visitors_audit(const struct cluster *cluster, struct audit *audit)
{
	const struct visitor *visitor;

	DL_FOREACH (cluster->visitors, visitor) {
		audit_bytes(audit, MEMORY_CONNECTIONS, sizeof(*visitor));
	}
}
#endif
