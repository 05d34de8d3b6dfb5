/* cluster: owns what makes a node, and visitors: connections whose unit is asked for. */
#include "nakodo/net/cluster/cluster.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

#include "nakodo/base/endpoint.h"
#include "nakodo/base/log.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/hub/audit.h"
#include "nakodo/net/cluster/dial.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/gate/proxies.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/workers/workers.h"

#define AGAIN 200 /* ms until an owner that could not be reached is asked for again */
#define KEPT_BESIDES 5000 /* ms that a unit is kept after resume-seconds */
#define CUT_OFF 60000 /* ms without Redis */
#define TELL_AGAIN 60000 /* ms */

/* A connection of which it is asked whose unit it is of; then of one that is dialed. */
struct visitor {
	struct unit_asker asker; /* first */
	struct cluster *cluster;
	struct visitor *prev, *next;
	struct accepted accepted;
	struct dial dial;
	struct wheel_timer timer; /* until it is asked again, or it is too late */
	struct unit *unit; /* while it is dialed: held */
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
	while (recv(visitor->accepted.fd, head, sizeof(head), MSG_DONTWAIT) > 0) {
	}
	discard(visitor);
}

static void try_again(struct visitor *visitor)
{
	struct cluster *cluster = visitor->cluster;

	if (deadlines_now(cluster->deadlines) >= visitor->accepted.deadline) {
		refuse(visitor);
	} else {
		deadlines_set(cluster->deadlines, &visitor->timer, AGAIN, on_again);
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
		remove_visitor(visitor); /* the hold is the ticket's */
		return;
	}
	if (fd >= 0) {
		close(fd);
	}
	units_doubt(unit);
	units_let_go(unit);
	try_again(visitor);
}

static void dial_owner(struct visitor *visitor, struct unit *unit)
{
	struct cluster *cluster = visitor->cluster;
	const struct accepted *accepted = &visitor->accepted;
	struct relay_line line = {.direct = accepted->direct, .address = accepted->address};

	memcpy(line.token, unit->owner.token, sizeof(line.token));
	snprintf(line.listen, sizeof(line.listen), "%s", accepted->listener->text);
	memcpy(line.unit, unit->name, strlen(unit->name) + 1);
	visitor->dial.deadlines = cluster->deadlines;
	visitor->dial.done = on_dialed;
	visitor->dial.closed = on_dial_closed;
	visitor->unit = unit;
	units_hold(unit);
	if (dial_start(&visitor->dial, cluster->loop, &unit->owner, &line)) {
		visitor->dial.closed = NULL;
		visitor->unit = NULL;
		units_doubt(unit);
		units_let_go(unit);
		try_again(visitor);
	}
}

/* A worker gets it; the hold is its ticket's then. */
static void pass(struct cluster *cluster, struct accepted *accepted, struct unit *unit)
{
	units_hold(unit);
	if (!workers_pass(cluster->workers, accepted, unit->name, unit)) {
		units_let_go(unit);
	}
}

static void on_answered(struct unit_asker *asker, struct unit *unit)
{
	struct visitor *visitor = (struct visitor *)asker;

	if (unit->state == UNIT_OTHERS) {
		dial_owner(visitor, unit);
	} else {
		pass(visitor->cluster, &visitor->accepted, unit);
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

static void receive(struct cluster *cluster, struct accepted *accepted, const char *name)
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

void cluster_take(struct cluster *cluster, struct accepted *accepted)
{
	bool misplaced = accepted->listener->endpoint.tls && !accepted->tls && !accepted->decrypted;
	char name[UNIT_NAME];
	enum workers_found found =
		misplaced ? WORKERS_NO_UNIT : workers_find_unit(cluster->workers, accepted, name);
	struct unit *unit = found == WORKERS_UNIT ? units_find(&cluster->units, name) : NULL;

	if (found == WORKERS_NOT_YET) {
		workers_await_head(accepted);
	} else if (found == WORKERS_NO_UNIT) {
		workers_pass(cluster->workers, accepted, NULL, NULL);
	} else if (unit && unit->state == UNIT_MINE) {
		pass(cluster, accepted, unit);
	} else if (accepted->from_node) {
		conn_discard(accepted); /* it has been lost meanwhile: the client comes again */
	} else {
		receive(cluster, accepted, name);
	}
}

/* A connection that another node brings. */
struct guest {
	struct unit_asker asker; /* first */
	struct cluster *cluster;
	struct inlet_call *call;
	struct relay_line line;
};

/* Of the same kind, if nodes listen at different addresses. */
static bool is_alike(const struct listener *listener, const struct endpoint *endpoint)
{
	const struct endpoint *own = &listener->endpoint;

	return own->kind == endpoint->kind && own->tls == endpoint->tls &&
	       own->proxy == endpoint->proxy && own->metrics == endpoint->metrics &&
	       listener->loopback == endpoint_is_loopback(endpoint) &&
	       !strcmp(own->origin, endpoint->origin) && !strcmp(own->auth, endpoint->auth) &&
	       !strcmp(own->dialect, endpoint->dialect) && !strcmp(own->name, endpoint->name);
}

/* Who may come in and what is spoken depends on the listener. NULL: there is none like that. */
static const struct listener *find_listener(const struct cluster *cluster, const char *text)
{
	const struct listener *listener;
	struct endpoint endpoint;
	struct problem problem;

	LL_FOREACH(cluster->sockets->listeners, listener)
	{
		if (!strcmp(listener->text, text)) {
			return listener;
		}
	}
	if (endpoint_parse(&endpoint, text, &problem)) {
		return NULL;
	}
	LL_FOREACH(cluster->sockets->listeners, listener)
	{
		if (is_alike(listener, &endpoint)) {
			return listener;
		}
	}
	return NULL;
}

static void take_guest(struct guest *guest, struct unit *unit, const struct listener *listener)
{
	struct cluster *cluster = guest->cluster;
	uint64_t patience = cluster->options->handshake_timeout * 1000;
	struct accepted accepted = {
		.listener = listener,
		.fd = inlet_take(guest->call),
		.address = guest->line.address,
		.direct = guest->line.direct,
		.decrypted = listener->endpoint.tls,
		.from_node = true,
		.deadline = deadlines_now(cluster->deadlines) + patience,
	};

	if (accepted.fd < 0) {
		return;
	}
	meter_add(METER_CLUSTER_GUESTS, 1);
	listener_hold(listener);
	/* The node where it came has looked whether there are too many of its address; who is
	 * behind a proxy is counted when the head of its request has said who it is. */
	if ((!accepted.direct && proxies_has(cluster->options, &accepted.address)) ||
		census_add_connection(
			cluster->sockets->gate->census, &accepted.address, 0, &accepted.group)) {
		pass(cluster, &accepted, unit);
	} else {
		conn_discard(&accepted);
	}
}

static void on_guest_answered(struct unit_asker *asker, struct unit *unit)
{
	struct guest *guest = (struct guest *)asker;
	struct cluster *cluster = guest->cluster;
	const struct listener *listener = find_listener(cluster, guest->line.listen);

	if (!listener) {
		log_warn("cluster.listener", LOG_STR("listen", guest->line.listen),
			LOG_STR("remedy", "another node has a listener of a kind that this one "
					  "has not: all nodes need the same options"));
	}
	if (unit->state == UNIT_MINE && listener) {
		take_guest(guest, unit, listener);
	} else {
		inlet_refuse(guest->call);
	}
	free(guest);
}

static void on_called(void *cookie, struct inlet_call *call, const struct relay_line *line)
{
	struct cluster *cluster = cookie;
	struct guest *guest = cluster->sockets->gate->draining ? NULL : calloc(1, sizeof(*guest));

	if (!guest) {
		inlet_refuse(call);
		return;
	}
	*guest = (struct guest){
		.asker.answered = on_guest_answered,
		.cluster = cluster,
		.call = call,
		.line = *line,
	};
	*inlet_state(call) = guest;
	if (!units_ask(&cluster->units, guest->line.unit, &guest->asker)) {
		inlet_refuse(call);
		free(guest);
	}
}

static void on_guest_gone(void *cookie, struct inlet_call *call)
{
	struct guest *guest = *inlet_state(call);

	(void)cookie;
	units_leave(&guest->asker);
	free(guest);
}

/* The first reason, and one a minute that is another than the one before. */
static void tell_away(struct cluster *cluster, const char *why)
{
	uint64_t now = deadlines_now(cluster->deadlines);
	bool due = !*cluster->told || now - cluster->told_at >= TELL_AGAIN;

	if (due && strcmp(cluster->told, why) != 0) {
		snprintf(cluster->told, sizeof(cluster->told), "%s", why);
		cluster->told_at = now;
		log_error("cluster.away", LOG_STR("problem", why),
			LOG_STR("effect", "rooms that are here go on; who comes to another node "
					  "does not find them"));
	}
}

static void on_cut_off(struct wheel_timer *timer)
{
	(void)timer;
	meter_set(METER_CLUSTER_CUT_OFF, 1);
}

static void begin_absence(struct cluster *cluster)
{
	meter_set(METER_CLUSTER_REDIS, 0);
	units_pause(&cluster->units);
	if (!cluster->cut_off.at) {
		deadlines_set(cluster->deadlines, &cluster->cut_off, CUT_OFF, on_cut_off);
	}
}

static void on_redis_down(void *cookie, const char *why)
{
	struct cluster *cluster = cookie;

	lease_lose(&cluster->lease);
	begin_absence(cluster);
	tell_away(cluster, why);
}

static void on_refused(void *cookie, const char *why)
{
	struct cluster *cluster = cookie;

	begin_absence(cluster);
	tell_away(cluster, why);
}

static void on_taken(void *cookie, bool had)
{
	struct cluster *cluster = cookie;

	(void)had;
	deadlines_clear(cluster->deadlines, &cluster->cut_off);
	meter_set(METER_CLUSTER_CUT_OFF, 0);
	meter_set(METER_CLUSTER_REDIS, 1);
	*cluster->told = '\0';
	log_info("cluster.there", LOG_STR("cluster", cluster->lease.cluster),
		LOG_STR("node", cluster->lease.own.id),
		LOG_STR("address", cluster->lease.own.address),
		LOG_UINT("port", cluster->lease.own.port),
		LOG_STR("redis", cluster->redis.version));
	units_resume(&cluster->units);
}

/* Others reach this node by the address by which it reaches Redis, unless the option says another.
 */
static int open_inlet(struct cluster *cluster)
{
	bool any = !*cluster->listen || !strcmp(cluster->listen, "*");
	char *address = cluster->lease.own.address;
	int port;

	if (any) {
		redis_name(&cluster->redis, address, ADDRESS_TEXT);
	} else {
		snprintf(address, ADDRESS_TEXT, "%.45s", cluster->listen);
	}
	if (!*address) { /* by a unix socket, so all nodes are on this machine */
		snprintf(address, ADDRESS_TEXT, "127.0.0.1");
	}
	if (cluster->inlet.started) {
		return 0;
	}
	port = inlet_start(
		&cluster->inlet, *cluster->listen ? cluster->listen : address, cluster->port);
	if (port > 0) {
		cluster->lease.own.port = (uint16_t)port;
	}
	return port < 0 ? port : 0;
}

static void on_redis_up(void *cookie)
{
	struct cluster *cluster = cookie;
	int error = open_inlet(cluster);
	char why[128];

	if (error) {
		snprintf(why, sizeof(why), "other nodes cannot reach this one: cluster-listen: %s",
			log_errno_text(error));
		tell_away(cluster, why);
	} else {
		lease_take(&cluster->lease);
	}
}

static void on_unit_lost(void *cookie, struct unit *unit)
{
	struct cluster *cluster = cookie;

	log_warn("cluster.lost", LOG_UINT("connections", unit->holds),
		LOG_STR("node", unit->owner.id),
		LOG_STR("effect", "another node has that room: its peers come again"));
	workers_send_away(cluster->workers, unit);
}

static void on_released(void *cookie, void *hold)
{
	(void)cookie;
	units_let_go(hold);
}

static void read_listen(struct cluster *cluster)
{
	const char *text = cluster->options->cluster_listen;
	struct endpoint endpoint;
	struct problem problem;

	if (*text && !endpoint_parse(&endpoint, text, &problem)) {
		snprintf(cluster->listen, sizeof(cluster->listen), "%s", endpoint.host);
		cluster->port = endpoint.port;
	}
}

int cluster_init(struct cluster *cluster, int directory, struct problem *problem)
{
	int error;

	read_listen(cluster);
	cluster->lease.cluster = cluster->options->cluster_name;
	cluster->inlet.fd = -1;
	error = lease_init(&cluster->lease, directory);
	return error ? problem_set(
			       problem, error, "state-dir: nakodo.node: %s", log_errno_text(error))
		     : 0;
}

int cluster_start(struct cluster *cluster, struct problem *problem)
{
	struct redis_url url;
	int error = redis_url_parse(&url, cluster->options->cluster, problem);

	error = error ? error : redis_init(&cluster->redis, cluster->loop, &url, problem);
	if (error) {
		return error;
	}
	cluster->redis.up = on_redis_up;
	cluster->redis.down = on_redis_down;
	cluster->lease.redis = cluster->units.redis = &cluster->redis;
	cluster->lease.taken = on_taken;
	cluster->lease.refused = on_refused;
	cluster->units.lease = &cluster->lease;
	cluster->units.lost = on_unit_lost;
	cluster->units.keep = cluster->options->resume_seconds * 1000 + KEPT_BESIDES;
	cluster->inlet.token = cluster->lease.own.token;
	cluster->inlet.called = on_called;
	cluster->inlet.gone = on_guest_gone;
	cluster->inlet.loop = cluster->loop;
	cluster->workers->tickets.released = on_released;
	cluster->redis.cookie = cluster->lease.cookie = cluster->units.cookie =
		cluster->inlet.cookie = cluster->workers->tickets.cookie = cluster;
	cluster->lease.deadlines = cluster->units.deadlines = cluster->inlet.deadlines =
		cluster->deadlines;
	units_init(&cluster->units);
	begin_absence(cluster);
	redis_start(&cluster->redis);
	return 0;
}

static void on_given_up(void *cookie)
{
	struct cluster *cluster = cookie;

	if (cluster->left) {
		cluster->left(cluster->left_cookie);
	}
	cluster->left = NULL;
}

void cluster_leave(struct cluster *cluster, void (*left)(void *cookie), void *cookie)
{
	cluster->left = left;
	cluster->left_cookie = cookie;
	units_release_all(&cluster->units);
	lease_give_up(&cluster->lease, on_given_up);
}

void cluster_finish(struct cluster *cluster)
{
	struct visitor *visitor, *next;

	if (!cluster->options || cluster->finished) {
		return;
	}
	cluster->finished = true;
	deadlines_clear(cluster->deadlines, &cluster->cut_off);
	inlet_finish(&cluster->inlet);
	DL_FOREACH_SAFE (cluster->visitors, visitor, next) {
		discard(visitor);
	}
	redis_finish(&cluster->redis);
	lease_lose(&cluster->lease);
	units_finish(&cluster->units);
}

void cluster_destroy(struct cluster *cluster)
{
	if (cluster->options) {
		redis_destroy(&cluster->redis);
	}
}

#ifdef NAKODO_AUDIT
void cluster_audit(const struct cluster *cluster, struct audit *audit)
{
	const struct visitor *visitor;

	DL_FOREACH (cluster->visitors, visitor) {
		audit_bytes(audit, MEMORY_CONNECTIONS, sizeof(*visitor));
	}
}
#endif
