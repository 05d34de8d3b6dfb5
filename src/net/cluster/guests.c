/* guests: owns what is known of a connection that another node brings, until it is taken or
 * refused. */
#include "nakodo/net/cluster/guests.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/endpoint.h"
#include "nakodo/base/log.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/cluster/cluster.h"
#include "nakodo/net/cluster/visitors.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/gate/proxies.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/sockets.h"

#define TELL_AGAIN 60000 /* ms */

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
	const struct listener *listener, *alike = NULL;
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
			alike = alike ? alike : listener;
			if (listener->endpoint.port == endpoint.port) {
				return listener;
			}
		}
	}
	return alike;
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
		visitors_pass(cluster, &accepted, unit);
	} else {
		conn_discard(&accepted);
	}
}

static void tell_unlike(struct cluster *cluster, const char *listen)
{
	uint64_t now = deadlines_now(cluster->deadlines);

	if (cluster->unlike_at && now - cluster->unlike_at < TELL_AGAIN) {
		return;
	}
	cluster->unlike_at = now;
	log_warn("cluster.listener", LOG_STR("listen", listen),
		LOG_STR("remedy", "another node has a listener of a kind that this one has not: "
				  "all nodes need the same options"));
}

static void on_guest_answered(struct unit_asker *asker, struct unit *unit)
{
	struct guest *guest = (struct guest *)asker;
	struct cluster *cluster = guest->cluster;
	const struct sockets *sockets = cluster->sockets;
	const struct listener *listener = find_listener(cluster, guest->line.listen);

	if (!listener) {
		tell_unlike(cluster, guest->line.listen);
	}
	if (unit->state != UNIT_MINE) {
		inlet_answer(guest->call, RELAY_REFUSED);
	} else if (!listener || sockets_descriptors(sockets) >= sockets->max_count) {
		inlet_answer(guest->call, RELAY_UNABLE);
	} else {
		take_guest(guest, unit, listener);
	}
	free(guest);
}

void guests_receive(void *cookie, struct inlet_call *call, const struct relay_line *line)
{
	struct cluster *cluster = cookie;
	struct guest *guest = cluster->sockets->gate->draining ? NULL : calloc(1, sizeof(*guest));

	if (!guest) {
		inlet_answer(call, RELAY_REFUSED);
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
		inlet_answer(call, RELAY_REFUSED);
		free(guest);
	}
}

void guests_lose(void *cookie, struct inlet_call *call)
{
	struct guest *guest = *inlet_state(call);

	(void)cookie;
	units_leave(&guest->asker);
	free(guest);
}
