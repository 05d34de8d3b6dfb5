/* descriptors: see the header. */
#include "nakodo/net/descriptors.h"

#include <sys/resource.h>

#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/net/server.h"

#define OWN 96 /* log, web-root, event loop, listening sockets, webhooks */
#define OTHER_CONNECTIONS 1024 /* handshakes and pages on top of the peers */
#define OF_TUNNEL 2 /* and what it leads to may be in the same worker, */
#define OF_RELAY 2 /* or another tunnel, to another node, times this */

/* All processes come to the same number, and one says it. */
static void tell_lowered(const struct server *server)
{
	struct rlimit limit = {0};

	if (server->role != ROLE_WORKER) {
		getrlimit(RLIMIT_NOFILE, &limit);
		log_warn("limit.descriptors", LOG_UINT("hard-limit", limit.rlim_max),
			LOG_UINT("max-peers-wanted", server->options->max_peers),
			LOG_UINT("max-peers", server->gate.most_peers),
			LOG_STR("remedy", "raise LimitNOFILE or ulimit -Hn"));
	}
}

void descriptors_share(struct server *server)
{
	bool tunnels = server->role != ROLE_ALONE && options_have_certificate(server->options);
	size_t of_each = (tunnels ? OF_TUNNEL : 1) * (*server->options->cluster ? OF_RELAY : 1);
	size_t room = server->descriptors / of_each;
	size_t wanted = server->most_wanted + OTHER_CONNECTIONS;
	size_t others = (server->descriptors + OWN) / 8 / of_each;
	size_t before = server->gate.most_peers;

	others = room < wanted && others < OTHER_CONNECTIONS ? others : OTHER_CONNECTIONS;
	server->sockets.max_count = room < wanted ? room : wanted;
	server->gate.most_peers = server->sockets.max_count - others;
	if (room < wanted && server->gate.most_peers < server->most_wanted &&
		server->gate.most_peers != before) {
		tell_lowered(server);
	}
	server->gate.max_peers = server->options->max_peers < server->gate.most_peers
					 ? server->options->max_peers
					 : server->gate.most_peers;
}

/* The limit is set to no more than that: libwebsockets has tables of this size and walks through
 * them. For several processes a reload may bring a certificate, and tunnels with it. */
void descriptors_fit(struct server *server)
{
	rlim_t of_each = server->role == ROLE_ALONE ? 1 : OF_TUNNEL, wanted;
	struct rlimit limit;

	of_each *= *server->options->cluster ? OF_RELAY : 1;
	server->most_wanted = server->role == ROLE_WORKER ? server->worker.start.most_peers
							  : server->options->max_peers;
	wanted = (server->most_wanted + OTHER_CONNECTIONS) * of_each + OWN;
	server->descriptors = wanted - OWN;
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		if (limit.rlim_max < wanted) {
			wanted = limit.rlim_max;
			server->descriptors = wanted > 2 * OWN ? wanted - OWN : OWN;
		}
		limit.rlim_cur = wanted;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	descriptors_share(server);
}
