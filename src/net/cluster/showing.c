/* showing: see the header. */
#include "nakodo/net/cluster/showing.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/text.h"
#include "nakodo/net/cluster/cluster.h"
#include "nakodo/net/ctl/ctl.h"

#define ROWS 100 /* of one piece */

/* KEYS nodes   ARGV key of leases. ID, lease, ID, lease … of those that have one. */
static const char nodes_script[] = "local all = {}\n"
				   "for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do\n"
				   "  local lease = redis.call('GET', ARGV[1] .. id)\n"
				   "  if lease then all[#all + 1] = id; all[#all + 1] = lease end\n"
				   "end\n"
				   "return all\n";

static const char no_cluster[] = "this daemon is in no cluster: see the option cluster";

/* What is asked of Redis for one call. */
struct nodes {
	struct cluster *cluster;
	struct ctl_call *call; /* NULL: whoever asked is gone */
	bool answered, failed;
	struct text out;
};

static void add_node(struct nodes *nodes, const char *id, const char *lease)
{
	struct node node;

	if (!lease_read_node(&node, id, lease)) {
		return;
	}
	text_print(&nodes->out,
		"{\"node\":\"%s\",\"address\":\"%s\",\"port\":%u,\"units\":%" PRIu64
		",\"peers\":%" PRIu64 ",\"version\":\"%s\",\"self\":%s}\n",
		node.id, node.address, node.port, node.units, node.peers, node.version,
		strcmp(id, nodes->cluster->lease.own.id) ? "false" : "true");
}

static void on_nodes(void *cookie, const struct redisReply *reply)
{
	struct nodes *nodes = cookie;

	nodes->answered = true;
	nodes->failed = !reply || reply->type != REDIS_REPLY_ARRAY;
	for (size_t i = 0; !nodes->failed && i + 1 < reply->elements; i += 2) {
		const struct redisReply *id = reply->element[i], *lease = reply->element[i + 1];

		if (id->type == REDIS_REPLY_STRING && lease->type == REDIS_REPLY_STRING) {
			add_node(nodes, id->str, lease->str);
		}
	}
	if (nodes->call) {
		ctl_resume(nodes->call);
	} else {
		free(nodes->out.at);
		free(nodes);
	}
}

static int begin(struct cluster *cluster, struct ctl_call *call)
{
	char key[LEASE_KEY], leases[LEASE_KEY];
	const char *words[] = {"EVAL", nodes_script, "1", key, leases};
	struct nodes *nodes = calloc(1, sizeof(*nodes));

	if (!nodes) {
		return problem_set(&call->problem, -ENOMEM, "out of memory");
	}
	nodes->cluster = cluster;
	nodes->call = call;
	lease_key(&cluster->lease, "nodes", "", key);
	lease_key(&cluster->lease, "n:", "", leases);
	if (!redis_send(&cluster->redis, on_nodes, nodes, 5, words, NULL)) {
		free(nodes);
		return problem_set(&call->problem, -EIO, "Redis is away: %s",
			*cluster->told ? cluster->told : "it is being connected to");
	}
	call->state = nodes;
	return CTL_LATER;
}

int showing_nodes(struct cluster *cluster, struct ctl_call *call)
{
	struct nodes *nodes = call->state;
	size_t len;
	char *text;

	if (!cluster->options) {
		return problem_set(&call->problem, -ENOTSUP, "%s", no_cluster);
	}
	if (!nodes) {
		return begin(cluster, call);
	}
	text = nodes->failed ? NULL : text_take(&nodes->out, &len);
	if (!text) {
		return problem_set(&call->problem, -EIO, "Redis has not answered");
	}
	text_add_bytes(&call->out, text, len);
	free(text);
	return 0;
}

void showing_nodes_end(struct ctl_call *call)
{
	struct nodes *nodes = call->state;

	if (nodes && !nodes->answered) {
		nodes->call = NULL;
	} else if (nodes) {
		free(nodes->out.at);
		free(nodes);
	}
}

static void add_unit(const struct unit *unit, struct text *out)
{
	static const char *const states[] = {"asked", "own", "other"};
	size_t mount = strcspn(unit->name, "\n");
	char path[UNIT_NAME];

	snprintf(path, sizeof(path), "%.*s", (int)mount, unit->name);
	text_add(out, "{\"mount\":");
	text_quote(out, path);
	text_add(out, ",\"room\":");
	text_quote(out, unit->name + mount + (unit->name[mount] == '\n'));
	text_print(out,
		",\"state\":\"%s\",\"epoch\":%" PRIu64 ",\"node\":\"%s\",\"connections\":%zu}\n",
		states[unit->state], unit->epoch,
		unit->state == UNIT_MINE     ? unit->units->lease->own.id
		: unit->state == UNIT_OTHERS ? unit->owner.id
					     : "",
		unit->holds);
}

/* The units when the first piece was asked for: those that are there no more are left out. */
struct listed {
	struct text names; /* each with its NUL */
	size_t at;
};

static struct listed *list_units(const struct units *units)
{
	struct listed *listed = calloc(1, sizeof(*listed));

	for (const struct unit *unit = units->table; listed && unit; unit = unit->hh.next) {
		text_add_bytes(&listed->names, unit->name, strlen(unit->name) + 1);
	}
	return listed;
}

int showing_units(const struct cluster *cluster, struct ctl_call *call)
{
	struct listed *listed = call->state;

	if (!cluster->options) {
		return problem_set(&call->problem, -ENOTSUP, "%s", no_cluster);
	}
	listed = call->state = listed ? listed : list_units(&cluster->units);
	if (!listed || listed->names.failed) {
		return problem_set(&call->problem, -ENOMEM, "out of memory");
	}
	for (int i = 0; listed->at < listed->names.len && i < ROWS; i++) {
		const char *name = listed->names.at + listed->at;
		const struct unit *unit = units_find(&cluster->units, name);

		if (unit) {
			add_unit(unit, &call->out);
		}
		listed->at += strlen(name) + 1;
	}
	return listed->at < listed->names.len ? 1 : 0;
}

void showing_units_end(struct ctl_call *call)
{
	struct listed *listed = call->state;

	if (listed) {
		free(listed->names.at);
		free(listed);
	}
}
