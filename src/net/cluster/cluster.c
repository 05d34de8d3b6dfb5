/* cluster: owns what makes a node: what is known of Redis, and whom a connection is passed to. */
#include "nakodo/net/cluster/cluster.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/endpoint.h"
#include "nakodo/base/log.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/cluster/guests.h"
#include "nakodo/net/cluster/state.h"
#include "nakodo/net/cluster/visitors.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/workers/record.h"
#include "nakodo/net/workers/workers.h"

#define KEPT 5000 /* ms that a unit is kept when all are gone, and after their sessions */
#define LOSSES 500 /* ms until those are looked for again who have not heard of a loss */
#define UNITS_PER_PEER 4 /* that are known at most, and */
#define UNITS_LEAST 4096
#define CUT_OFF 60000 /* ms without Redis */
#define TELL_AGAIN 60000 /* ms */
#define TELL_FLAPS 10 /* times in that */

/* The first reason, and one a minute that is another than the one before; but not each time if it
 * is there and away by turns. */
static void tell_away(struct cluster *cluster, const char *why)
{
	uint64_t now = deadlines_now(cluster->deadlines);
	bool other = strncmp(cluster->told, why, sizeof(cluster->told) - 1) != 0;
	bool minute = now - cluster->told_at >= TELL_AGAIN;

	if (cluster->told_away && (!minute || !other)) {
		return;
	}
	cluster->told_at = minute ? now : cluster->told_at;
	cluster->told_times = minute ? 1 : cluster->told_times + 1;
	if (cluster->told_times <= TELL_FLAPS) {
		snprintf(cluster->told, sizeof(cluster->told), "%s", why);
		cluster->told_away = true;
		log_error("cluster.away", LOG_STR("problem", why),
			LOG_STR("effect", "rooms that are here go on; who comes to another node "
					  "does not find them"));
	}
}

static void tell_there(struct cluster *cluster)
{
	if (cluster->told_times > TELL_FLAPS) {
		return; /* nor has the log heard that it was away */
	}
	cluster->told_away = false;
	log_info("cluster.there", LOG_STR("cluster", cluster->lease.cluster),
		LOG_STR("node", cluster->lease.own.id),
		LOG_STR("address", cluster->lease.own.address),
		LOG_UINT("port", cluster->lease.own.port),
		LOG_STR("redis", cluster->redis.version));
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

/* Perhaps it is a replica now: that is asked when the connection is made again. */
static void on_refused(void *cookie, const char *why)
{
	redis_drop(&((struct cluster *)cookie)->redis, why);
}

static void tell_refusal(void *cookie, const char *why)
{
	tell_away(cookie, why);
}

/* As by a name of this machine for the Redis that it has. */
static void tell_loopback(const struct cluster *cluster)
{
	struct address address;
	const char *own = cluster->lease.own.address;

	if (!*cluster->listen && address_parse(&address, own, strlen(own)) &&
		address_is_loopback(&address)) {
		log_info("cluster.loopback", LOG_STR("address", own),
			LOG_STR("remedy", "nodes on other machines cannot reach this one: if there "
					  "are any, set cluster-listen"));
	}
}

static void on_taken(void *cookie)
{
	struct cluster *cluster = cookie;

	deadlines_clear(cluster->deadlines, &cluster->cut_off);
	meter_set(METER_CLUSTER_CUT_OFF, 0);
	meter_set(METER_CLUSTER_REDIS, 1);
	*cluster->told = '\0';
	redis_praise(&cluster->redis);
	tell_there(cluster);
	tell_loopback(cluster);
	units_resume(&cluster->units);
}

/* Others reach this node by the address by which it reaches Redis, unless the option says another.
 */
static int open_inlet(struct cluster *cluster)
{
	bool any = !*cluster->listen || !strcmp(cluster->listen, "*");
	char *address = cluster->lease.own.address;
	int port;

	if (cluster->inlet.started) {
		return 0;
	}
	if (any) {
		redis_name(&cluster->redis, address, ADDRESS_TEXT);
	} else {
		snprintf(address, ADDRESS_TEXT, "%.45s", cluster->listen);
	}
	if (!*address) { /* by a unix socket, so all nodes are on this machine */
		snprintf(address, ADDRESS_TEXT, "127.0.0.1");
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
		redis_drop(&cluster->redis, why); /* and try again */
	} else {
		lease_take(&cluster->lease);
	}
}

static bool is_lost(const void *hold)
{
	return ((const struct unit *)hold)->lost;
}

/* Until nobody is left, since some may be on their way to a worker just now. */
static void on_losses(struct wheel_timer *timer)
{
	struct cluster *cluster =
		(struct cluster *)(void *)((char *)timer - offsetof(struct cluster, losses));

	if (workers_send_away(cluster->workers, is_lost)) {
		deadlines_set(cluster->deadlines, timer, LOSSES, on_losses);
	}
}

static void on_lost(void *cookie)
{
	struct cluster *cluster = cookie;
	uint64_t now = deadlines_now(cluster->deadlines);

	if (!cluster->lost_at || now - cluster->lost_at >= TELL_AGAIN) {
		cluster->lost_at = now;
		log_warn("cluster.lost",
			LOG_STR("effect", "another node has a room that was here: its peers come "
					  "again"));
	}
	if (!cluster->losses.at) {
		deadlines_set(cluster->deadlines, &cluster->losses, 0, on_losses);
	}
}

/* Does it have sessions, which live longer than a connection? */
static bool has_sessions(void *cookie, const struct unit *unit)
{
	const struct cluster *cluster = cookie;
	const struct dialect *dialect = dialect_table_by_key(
		cluster->workers->dialects, unit->name, strcspn(unit->name, "\n"));

	return dialect && dialect->save;
}

static bool lasts(void *cookie, const struct unit *unit)
{
	const struct cluster *cluster = cookie;

	return cluster->options->cluster_durable && has_sessions(cookie, unit);
}

static void tell_worker(
	struct cluster *cluster, struct unit *unit, struct record_unit *record, int fd)
{
	record->kind = RECORD_UNIT;
	memcpy(record->node, cluster->lease.own.id, sizeof(record->node));
	memcpy(record->unit, unit->name, strlen(unit->name) + 1);
	unit->life = workers_tell_unit(cluster->workers, record, fd);
}

static void on_mine(void *cookie, struct unit *unit, struct redisReply *const *known)
{
	struct record_unit record = {
		.was_ours = known[0]->str && *known[0]->str == '1',
		.epoch = unit->epoch,
		.recorded = state_epoch(known[2]),
		.elapsed = known[1]->str ? strtoull(known[1]->str, NULL, 10) : 0,
	};
	int fd = state_make(known[2]);

	if (fd >= 0) {
		meter_add(METER_CLUSTER_RESTORED, 1);
	} else if (fd != -ENOENT) {
		log_error("cluster.not-restored", LOG_STR("unit", unit->name), LOG_ERRNO(fd),
			LOG_STR("effect", "who was there comes in as somebody new"));
	}
	tell_worker(cookie, unit, &record, fd < 0 ? -1 : fd);
}

static void on_not_mine(void *cookie, struct unit *unit)
{
	tell_worker(cookie, unit, &(struct record_unit){.taken = unit->state == UNIT_OTHERS}, -1);
}

/* The worker has been started again since then: it has to be given what is recorded. */
static bool is_untold(void *cookie, const struct unit *unit)
{
	const struct cluster *cluster = cookie;
	unsigned life = workers_life_of(cluster->workers, unit->name);

	return life && unit->life != life && lasts(cookie, unit);
}

static uint64_t keep(void *cookie, const struct unit *unit)
{
	const struct cluster *cluster = cookie;

	if (has_sessions(cookie, unit)) {
		return cluster->options->resume_seconds * 1000 + KEPT;
	}
	return cluster->sockets->gate->draining ? 0 : KEPT;
}

/* For the next process here, which has the same name. */
static bool stays(void *cookie, const struct unit *unit)
{
	const struct cluster *cluster = cookie;

	return cluster->keeps && has_sessions(cookie, unit);
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
	struct redis_url url;
	int error;

	read_listen(cluster);
	cluster->has_name = directory >= 0;
	snprintf(cluster->lease.cluster, sizeof(cluster->lease.cluster), "%s",
		cluster->options->cluster_name);
	cluster->inlet.fd = -1;
	error = lease_init(&cluster->lease, directory);
	if (error) {
		return problem_set(
			problem, error, "state-dir: nakodo.node: %s", log_errno_text(error));
	}
	error = redis_url_parse(&url, cluster->options->cluster, problem);
	return error ? error : redis_init(&cluster->redis, &url, problem);
}

void cluster_start(struct cluster *cluster)
{
	cluster->started = true;
	cluster->redis.up = on_redis_up;
	cluster->redis.down = on_redis_down;
	cluster->lease.redis = cluster->units.redis = &cluster->redis;
	cluster->lease.taken = on_taken;
	cluster->lease.refused = on_refused;
	cluster->units.lease = &cluster->lease;
	cluster->units.lost = on_lost;
	cluster->units.refused = tell_refusal;
	cluster->units.has_sessions = has_sessions;
	cluster->units.lasts = lasts;
	cluster->units.mine = on_mine;
	cluster->units.not_mine = on_not_mine;
	cluster->units.is_untold = is_untold;
	cluster->units.keep = keep;
	cluster->inlet.token = cluster->lease.own.token;
	cluster->inlet.options = cluster->options;
	cluster->inlet.called = guests_receive;
	cluster->inlet.gone = guests_lose;
	cluster->inlet.loop = cluster->loop;
	cluster->workers->tickets.released = on_released;
	cluster->redis.cookie = cluster->lease.cookie = cluster->units.cookie =
		cluster->inlet.cookie = cluster->workers->tickets.cookie = cluster;
	cluster->lease.deadlines = cluster->units.deadlines = cluster->inlet.deadlines =
		cluster->deadlines;
	cluster->units.most = cluster->options->max_peers * UNITS_PER_PEER + UNITS_LEAST;
	units_init(&cluster->units);
	begin_absence(cluster);
	redis_start(&cluster->redis, cluster->loop);
}

void cluster_look_at(struct cluster *cluster, const char *name, bool given_up)
{
	struct unit *unit = units_find(&cluster->units, name);

	if (unit) {
		unit->life = given_up ? 0 : unit->life;
		units_check(unit);
	}
}

void cluster_take(struct cluster *cluster, struct accepted *accepted)
{
	bool misplaced = accepted->listener->endpoint.tls && !accepted->tls && !accepted->decrypted;
	char name[UNIT_NAME];
	enum workers_found found =
		misplaced ? WORKERS_NO_UNIT : workers_find_unit(cluster->workers, accepted, name);
	struct unit *unit = found == WORKERS_UNIT ? units_find(&cluster->units, name) : NULL;

	if (unit) {
		units_look_at(unit);
	}
	if (found == WORKERS_NOT_YET) {
		workers_await_head(accepted);
	} else if (found == WORKERS_NO_UNIT) {
		workers_pass(cluster->workers, accepted, NULL, NULL);
	} else if (unit && unit->state == UNIT_MINE) {
		visitors_pass(cluster, accepted, unit);
	} else {
		visitors_receive(cluster, accepted, name);
	}
}

static void on_given_up(void *cookie)
{
	struct cluster *cluster = cookie;

	if (cluster->left) {
		cluster->left(cluster->left_cookie);
	}
	cluster->left = NULL;
}

void cluster_leave(struct cluster *cluster, bool keeps, void (*left)(void *cookie), void *cookie)
{
	bool stayed;

	cluster->left = left;
	cluster->left_cookie = cookie;
	cluster->keeps = keeps && cluster->has_name;
	stayed = units_release_all(&cluster->units, stays);
	lease_give_up(&cluster->lease, stayed, on_given_up);
}

void cluster_finish(struct cluster *cluster)
{
	if (!cluster->started || cluster->finished) {
		return;
	}
	cluster->finished = true;
	deadlines_clear(cluster->deadlines, &cluster->cut_off);
	deadlines_clear(cluster->deadlines, &cluster->losses);
	inlet_finish(&cluster->inlet);
	visitors_finish(cluster);
	redis_finish(&cluster->redis);
	lease_lose(&cluster->lease);
	units_finish(&cluster->units);
}

void cluster_destroy(struct cluster *cluster)
{
	redis_destroy(&cluster->redis);
}
