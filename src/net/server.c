/*
 * server: makes everything in order, runs the loop, and takes it down in the reverse order.
 */
#include "nakodo/net/server.h"

#include <errno.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "nakodo/base/board.h"
#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/hub/hub.h"
#include "nakodo/net/context.h"
#include "nakodo/net/descriptors.h"
#include "nakodo/net/front.h"
#include "nakodo/net/gate/bearer.h"
#include "nakodo/net/invariants.h"
#include "nakodo/net/processes.h"
#include "nakodo/net/redis/redis_wire.h"
#include "nakodo/net/restart.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/listeners.h"
#include "nakodo/net/tls/tls.h"
#include "nakodo/net/verbs.h"
#include "nakodo/net/ws/expiry.h"
#include "nakodo/net/ws/visits.h"
#include "nakodo/service/ice.h"

#define HEAP_KEPT (8 << 20) /* bytes */
#define HEAP_STEP (1 << 20) /* bytes */

/* What a turn's messages take is free again at its end. By itself glibc gives all above 128 kB back
 * to the system each time, which then clears the same pages anew for the next turn. */
static void keep_heap(void)
{
	mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
	mallopt(M_TOP_PAD, HEAP_STEP);
}

static bool keep_place(void *cookie, const struct address *address)
{
	return gate_keep(cookie, address);
}

static void leave_place(void *cookie, const struct address *address)
{
	gate_give_up(cookie, address);
}

static int read_token(
	void *cookie, const char *token, size_t len, struct grant **ret, const char **ret_why)
{
	struct gate *gate = cookie;

	*ret_why = gate->problem.text;
	return bearer_read(gate, ret, token, len);
}

static void take_grant(void *cookie, struct peer *peer, struct grant *grant)
{
	(void)cookie;
	expiry_begin((struct conn *)peer, grant);
}

static const struct address *address_of(void *cookie, const struct peer *peer)
{
	(void)cookie;
	return &((const struct conn *)peer)->address;
}

static bool ask(void *cookie, struct peer *peer, const struct request *request)
{
	(void)cookie;
	return asking_begin((struct conn *)peer, request);
}

static bool ask_in(void *cookie, struct peer *peer, const struct admission_text *text)
{
	(void)cookie;
	return asking_begin_in((struct conn *)peer, text);
}

/* What needs nothing but memory. */
static int prepare_rooms(struct server *server, struct options *options)
{
	struct hub_limits limits = {
		.room_members = options->max_peers_per_room,
		.outbox_bytes = options->send_queue,
	};

	server->options = options;
	server->home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	server->hub = hub_create(&limits);
	front_set_protocol(server->plain_protocols, server->subprotocol, WS_READ_SIZE);
	front_set_protocol(server->secure_protocols, server->subprotocol, WS_TLS_READ_SIZE);
	server->env = (struct dialect_env){
		.options = options,
		.keep_place = keep_place,
		.leave_place = leave_place,
		.read_token = read_token,
		.take_grant = take_grant,
		.address_of = address_of,
		.ask = ask,
		.ask_in = ask_in,
		.serves = processes_serve,
		.cookie = &server->gate,
	};
	server->sockets.options = options;
	return server->hub ? 0 : -ENOMEM;
}

/* What can be made from the options without opening a socket. */
static int prepare(struct server *server, struct options *options, struct problem *problem)
{
	size_t worker = server->role == ROLE_WORKER ? server->worker.start.index + 1 : 0;
	int error = prepare_rooms(server, options);

	if (!error) {
		error = ice_create(&server->ice, options, problem);
		if (error) {
			return error;
		}
		server->env.ice = server->ice;
		error = dialect_table_create(
			&server->dialects, server->hub, &server->env, &options->mount, problem);
		if (error) {
			return error;
		}
		error = gate_init(&server->gate, options, server->dialects);
	}
	if (!error) {
		error = ws_init(&server->ws, options, server->dialects, server->hub);
	}
	if (error) {
		return problem_set(problem, error, "out of memory");
	}
	server->hooks.silent = server->role == ROLE_FIRST;
	error = hooks_init(
		&server->hooks, options, server->gate.max_memory, (unsigned)worker, problem);
	server->env.events = server->hooks.events;
	server->ws.events = server->hooks.events;
	server->ws.asking.admissions = server->hooks.admissions;
	error = error ? error : bearer_load(&server->gate.keys, options, problem);
	error = error ? error : tls_create(&server->tls, options, problem);
	if (!error) {
		server->gate.tls = server->tls;
		server->pages.gate = &server->gate;
		server->pages.ice = server->ice;
		server->pages.tls = server->tls;
		error = pages_init(&server->pages, options, problem);
	}
	return error;
}

static void dispose(struct server *server)
{
	listeners_destroy(&server->sockets);
	conn_forget_orphans(&server->sockets);
	ctl_finish(&server->ctl);
	restart_finish(&server->restart);
	tls_destroy(server->tls);
	pages_finish(&server->pages);
	dialect_table_destroy(server->dialects);
	hooks_destroy(&server->hooks);
	ice_destroy(server->ice);
	ws_finish(&server->ws);
	gate_finish(&server->gate);
	close(server->home);
	hub_destroy(server->hub);
}

static struct opening opening_of(struct server *server, const struct options *options)
{
	return (struct opening){
		.sockets = &server->sockets, .dialects = server->dialects, .options = options};
}

static int open_listeners(struct server *server, struct problem *problem)
{
	struct opening opening = opening_of(server, server->options);
	int error = listeners_make(&opening, problem);

	if (!error) {
		listeners_take(&opening);
	}
	return error;
}

/* Until lifecycle_finish(). */
static void run(struct server *server)
{
	uv_run(&server->loop, UV_RUN_DEFAULT);
	lifecycle_end(server);
	/* On a loop that is not its own, libwebsockets 4.1.6 waits for a second call. */
	if (server->context) {
		lws_context_destroy(server->context);
	}
	visits_settle(server->ws.visits);
}

/* libwebsockets looks for its event loop plugin in the current directory as well. */
static int leave_home(struct problem *problem)
{
	return chdir("/") ? problem_set(problem, -errno, "cannot change to /: %s", strerror(errno))
			  : 0;
}

/* What may fail for a reason that a person has to hear. */
static int open_all(struct server *server, struct problem *problem)
{
	int error = open_listeners(server, problem);

	if (!error && server->role != ROLE_WORKER) {
		error = ctl_open(&server->ctl, server->options->ctl,
			options_where(server->options, &server->options->ctl), problem);
	}
	error = error ? error : leave_home(problem);
	if (!error && server->role != ROLE_FIRST) {
		error = context_create(server, problem);
	}
	return error;
}

static int start(struct server *server, struct problem *problem)
{
	struct listener *listener;
	int error;

	*problem->text = '\0';
	server->sockets.loop = &server->loop;
	server->sockets.deadlines = &server->deadlines;
	server->sockets.gate = &server->gate;
	processes_wire(server);
	error = open_all(server, problem);
	if (error) {
		return error;
	}
	deadlines_init(&server->deadlines, &server->loop);
	deadlines_serve(&server->deadlines, server->hub);
	server->sockets.context = server->context;
	handshakes_init(&server->sockets.handshakes, &server->loop);
	ws_start(&server->ws, &server->sockets);
	if (server->role != ROLE_FIRST) {
		hooks_start(&server->hooks, &server->loop, &server->deadlines);
	}
	if (server->role != ROLE_WORKER) {
		renewal_start(&server->renewal, &server->tls, &server->deadlines);
	}
#ifdef NAKODO_AUDIT
	invariants_start(server);
#endif
	error = lifecycle_start(server);
	LL_FOREACH(server->sockets.listeners, listener)
	{
		error = error ? error : listener_start(listener);
	}
	error = error ? error
		      : ctl_start(&server->ctl, &server->loop,
				server->role == ROLE_FIRST ? verb_first_actions : verb_actions,
				server);
	error = error ? error : processes_join(server, problem);
	if (!error) {
		processes_take_over(server);
		return 0;
	}
	lifecycle_finish(server);
	run(server);
	return *problem->text ? error
			      : problem_set(problem, error, "cannot start: %s", uv_strerror(error));
}

int server_check(struct options *options, struct problem *problem)
{
	struct server server = {.restart.directory = -1, .ctl.fd = -1};
	int error = prepare(&server, options, problem);
	struct opening opening = opening_of(&server, options);

	for (size_t entry = 1; entry <= options->listen.count && !error; entry++) {
		error = opening_check(&opening, entry, problem);
	}
	error = error ? error : restart_check(options, problem);
	dispose(&server);
	return error;
}

int server_work(struct options *options, const struct worker_start *start_of_worker,
	struct problem *problem)
{
	struct server server = {.restart.directory = -1, .ctl.fd = -1};
	int error = uv_loop_init(&server.loop);

	if (error) {
		return problem_set(problem, error, "no event loop: %s", uv_strerror(error));
	}
	processes_choose(&server, options, start_of_worker);
	if (server.role == ROLE_WORKER) {
		error = worker_join(&server.worker, problem);
	}
	error = error ? error : prepare(&server, options, problem);
	error = error ? error : processes_prepare(&server, options, problem);
	if (!error) {
		keep_heap();
		descriptors_fit(&server);
		error = start(&server, problem);
	}
	if (!error) {
		processes_say_ready(&server);
		run(&server);
		error = processes_leave(&server, problem);
		if (server.role != ROLE_WORKER) {
			log_info("server.stopped", LOG_UINT("peers", board_sum(METER_PEERS)));
		}
	}
	processes_finish(&server);
	dispose(&server);
	uv_loop_close(&server.loop);
	if (redis_wire_hangs() && !error) {
		fflush(NULL);
		_exit(EXIT_SUCCESS);
	}
	return error;
}

int server_run(struct options *options, struct problem *problem)
{
	return server_work(options, NULL, problem);
}
