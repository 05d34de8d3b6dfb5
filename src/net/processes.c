/* processes: see the header. */
#include "nakodo/net/processes.h"

#include <errno.h>
#include <libwebsockets.h>

#include "nakodo/base/board.h"
#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/announce.h"
#include "nakodo/net/reload.h"
#include "nakodo/net/server.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/tls/tls.h"
#include "nakodo/net/verbs.h"
#include "nakodo/net/workers/inquiry.h"
#include "nakodo/net/workers/unit.h"

void processes_choose(
	struct server *server, const struct options *options, const struct worker_start *start)
{
	server->workers.count = start ? start->count : workers_wanted(options);
	if (start) {
		server->role = ROLE_WORKER;
		server->worker.start = *start;
		server->worker.sockets = &server->sockets;
	} else if (server->workers.count > 1 || *options->cluster) {
		server->role = ROLE_FIRST;
	}
}

static bool is_recorded(void *cookie, const struct mount *mount, const char *room)
{
	return journal_has(&lws_container_of(cookie, struct server, gate)->journal, mount, room);
}

static uint64_t record(
	void *cookie, const struct mount *mount, const char *room, const struct changes *changes)
{
	return journal_record(
		&lws_container_of(cookie, struct server, gate)->journal, mount, room, changes);
}

int processes_prepare(struct server *server, const struct options *options, struct problem *problem)
{
	if (server->role != ROLE_WORKER) {
		int error = restart_init(&server->restart, options, problem);

		if (!error && *options->cluster) {
			server->cluster.options = options;
			error = cluster_init(&server->cluster, server->restart.directory, problem);
		}
		return error;
	}
	server->restart.elsewhere = server->worker.start.keeps;
	if (*options->cluster && options->cluster_durable) {
		server->journal.options = options;
		server->journal.dialects = server->dialects;
		server->env.records = is_recorded;
		server->env.record = record;
	}
	return 0;
}

void processes_take_over(struct server *server)
{
	uint64_t most = server->gate.max_memory;

	if (server->role == ROLE_ALONE) {
		restart_take_over(&server->restart, server->dialects, &server->lifecycle.notify,
			&server->loop, most);
	} else if (server->role == ROLE_WORKER && server->worker.saved >= 0) {
		worker_say(&server->worker, RECORD_TAKES);
		server->worker.well = restart_take(server->worker.saved, server->dialects, most);
	}
}

bool processes_serve(void *cookie, const struct mount *mount, const char *room)
{
	const struct server *server = lws_container_of(cookie, struct server, gate);
	const struct worker_start *start = &server->worker.start;
	char name[UNIT_NAME];

	if (server->role != ROLE_WORKER) {
		return true;
	}
	unit_of_room(mount, room, name);
	return unit_number(name) % start->count == start->index;
}

static void queue(struct sockets *sockets, struct accepted *accepted)
{
	handshakes_add(&sockets->handshakes, accepted);
}

static void adopt(struct sockets *sockets, struct accepted *accepted)
{
	(void)sockets;
	conn_adopt(accepted);
}

static void adopt_in_worker(struct sockets *sockets, struct accepted *accepted)
{
	worker_adopt(&lws_container_of(sockets, struct server, sockets)->worker, accepted);
}

static void pass_on(struct sockets *sockets, struct accepted *accepted)
{
	struct server *server = lws_container_of(sockets, struct server, sockets);

	if (server->cluster.options) {
		cluster_take(&server->cluster, accepted);
	} else {
		workers_take(&server->workers, accepted);
	}
}

static void release(struct sockets *sockets, uint32_t ticket)
{
	worker_release(&lws_container_of(sockets, struct server, sockets)->worker, ticket);
}

void processes_wire(struct server *server)
{
	const struct worker_start *start = &server->worker.start;
	bool first = server->role == ROLE_FIRST, worker = server->role == ROLE_WORKER;

	server->sockets.accepts = !worker;
	server->sockets.passes_on = first;
	server->sockets.take = first ? pass_on : queue;
	server->sockets.adopt = worker ? adopt_in_worker : adopt;
	server->sockets.release = release;
	if (worker) {
		server->ws.id_step = start->count;
		server->ws.last_id = start->index + 1 - start->count;
		server->gate.processes = start->count;
		server->pages.started = board_started();
	}
}

static void on_workers_ready(void *cookie)
{
	struct server *server = cookie;

	restart_settle(&server->restart, &server->lifecycle.notify, !server->workers.unwell);
	if (!server->gate.draining) {
		announce(server);
	}
}

static void on_left(void *cookie)
{
	lifecycle_finish(cookie);
}

static void on_workers_ended(void *cookie)
{
	struct server *server = cookie;

	if (server->cluster.started) {
		cluster_leave(
			&server->cluster, workers_have_left(&server->workers), on_left, server);
	} else {
		lifecycle_finish(server);
	}
}

static void on_workers_reloaded(void *cookie)
{
	reload_tell(cookie);
}

static void on_renewed(void *cookie)
{
	struct server *server = cookie;

	workers_order(&server->workers, ORDER_CERTIFICATE);
}

static void on_order(void *cookie, enum order order)
{
	struct server *server = cookie;
	struct problem problem;

	if (order == ORDER_RELOAD) {
		if (reload_run(server, &problem)) {
			server->worker.hands_over = true;
			lifecycle_finish(server); /* the next one is given what the first has */
			return;
		}
		handed_forget(&server->sockets.handed);
		worker_say(&server->worker, RECORD_RELOADED);
	} else if (order == ORDER_CERTIFICATE) {
		if (tls_reload(server->tls, &problem)) {
			log_error("certificate.renew", LOG_STR("problem", problem.text));
		}
	} else if (order == ORDER_LOG) {
		log_reopen();
	} else if (order == ORDER_ANSWER) {
		worker_say(&server->worker, RECORD_ALIVE);
	} else if (order == ORDER_STOP || order == ORDER_REPLACE) {
		server->worker.hands_over = order == ORDER_REPLACE;
		lifecycle_finish(server);
	} else if (order == ORDER_DRAIN && !server->gate.draining) {
		lifecycle_drain(server);
	} else if (order == ORDER_DRAIN_KEPT) {
		lifecycle_drain_kept(server);
	}
}

static void on_unit(void *cookie, const struct record_unit *unit, int fd)
{
	journal_tell(&((struct server *)cookie)->journal, unit, fd);
}

static void on_turned(void *cookie)
{
	dialect_table_record(((struct server *)cookie)->dialects);
}

static void on_journal_refused(void *cookie, const char *unit, bool taken)
{
	worker_say_refused(&((struct server *)cookie)->worker, unit, taken);
}

static int join_as_worker(struct server *server, struct problem *problem)
{
	int error;

	handed_forget(&server->sockets.handed);
	server->worker.answers.actions = verb_actions;
	server->worker.answers.cookie = server;
	server->worker.order = on_order;
	server->worker.unit = on_unit;
	server->worker.cookie = server->journal.cookie = server;
	error = worker_run(&server->worker, &server->tls, &server->loop);
	if (error) {
		return problem_set(problem, error, "no channel: %s", uv_strerror(error));
	}
	if (!server->journal.options) {
		return 0;
	}
	server->ws.turned = on_turned;
	server->ws.turned_cookie = server;
	server->journal.refused = on_journal_refused;
	return journal_start(&server->journal, &server->loop, problem);
}

static void on_unit_refused(void *cookie, const struct record_refused *record)
{
	cluster_look_at(&((struct server *)cookie)->cluster, record->unit, record->taken);
}

static void join_cluster(struct server *server)
{
	server->cluster.loop = &server->loop;
	server->cluster.deadlines = &server->deadlines;
	server->cluster.sockets = &server->sockets;
	server->cluster.workers = &server->workers;
	cluster_start(&server->cluster);
}

int processes_join(struct server *server, struct problem *problem)
{
	int error = 0;

	if (server->role == ROLE_FIRST) {
		struct workers *workers = &server->workers;

		workers->loop = &server->loop;
		workers->sockets = &server->sockets;
		workers->dialects = server->dialects;
		workers->options = server->options;
		workers->home = server->home;
		workers->watch_every = notify_watchdog();
		workers->keeps = restart_keeps(&server->restart);
		workers->most_peers = server->most_wanted;
		workers->saved = restart_find(&server->restart, server->gate.max_memory);
		workers->answered = inquiry_take;
		workers->lost = inquiry_lose;
		workers->reloaded = on_workers_reloaded;
		workers->refused = on_unit_refused;
		workers->ready = on_workers_ready;
		workers->ended = on_workers_ended;
		workers->cookie = server;
		server->renewal.renewed = on_renewed;
		server->renewal.cookie = server;
		error = workers_start(workers, problem);
		if (!error && server->cluster.options) {
			join_cluster(server);
		}
		return error;
	}
	return server->role == ROLE_WORKER ? join_as_worker(server, problem) : 0;
}

static void on_opened(void *cookie)
{
	worker_say_ready(&((struct server *)cookie)->worker);
}

void processes_say_ready(struct server *server)
{
	if (server->role == ROLE_ALONE) {
		announce(server);
	} else if (server->role == ROLE_WORKER) {
		journal_open(&server->journal, on_opened);
	}
}

/* Of what was left before, parts are of use to those only who have not taken them over yet. */
static bool waits_for_heirs(const struct workers *workers)
{
	return workers->saved >= 0 && !workers->unwell;
}

static void leave_of_all(struct server *server)
{
	int fds[WORKERS_MOST];
	const struct restart_source source = {
		.fds = fds, .fd_count = workers_list_left(&server->workers, fds)};

	if (!waits_for_heirs(&server->workers)) {
		restart_leave(&server->restart, &source);
	}
}

int processes_leave(struct server *server, struct problem *problem)
{
	const struct restart_source source = {.dialects = server->dialects};

	if (server->role == ROLE_FIRST) {
		leave_of_all(server);
	} else if (server->role == ROLE_ALONE) {
		restart_leave(&server->restart, &source);
	} else if (server->worker.start.keeps || server->worker.hands_over) {
		worker_leave(&server->worker, restart_make(&source));
	}
	return server->workers.broken
		       ? problem_set(problem, -ECHILD,
				 "cannot start: worker %zu ends as soon as it is started",
				 server->workers.broken)
		       : 0;
}

void processes_finish(struct server *server)
{
	if (server->role == ROLE_FIRST && !server->workers.unwell) {
		restart_undo(&server->restart, server->workers.saved);
	}
	handed_forget(&server->sockets.handed);
	journal_destroy(&server->journal);
	cluster_destroy(&server->cluster);
	workers_destroy(&server->workers);
	worker_destroy(&server->worker);
}
