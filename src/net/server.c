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
#include <sys/resource.h>
#include <unistd.h>
#include <utlist.h>

#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/config.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/hub/hub.h"
#include "nakodo/net/front.h"
#include "nakodo/net/gate/bearer.h"
#include "nakodo/net/http/answer.h"
#include "nakodo/net/http/lan.h"
#include "nakodo/net/http/urls.h"
#include "nakodo/net/invariants.h"
#include "nakodo/net/loop/notify.h"
#include "nakodo/net/restart.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/listeners.h"
#include "nakodo/net/tls/tls.h"
#include "nakodo/net/verbs.h"
#include "nakodo/net/ws/expiry.h"
#include "nakodo/net/ws/visits.h"
#include "nakodo/service/ice.h"

#define OWN_DESCRIPTORS 96 /* log, web-root, event loop, listening sockets, webhooks */
#define OTHER_CONNECTIONS 1024 /* handshakes and pages on top of the peers */
#define HEAP_KEPT (8 << 20) /* bytes */
#define HEAP_STEP (1 << 20) /* bytes */

/* Raise the soft limit to what max-peers needs, or lower max-peers to what there is. The limit is
 * set to no more than that: libwebsockets has tables of this size and walks through them. */
static void fit_descriptors(struct server *server)
{
	struct rlimit limit;
	rlim_t wanted;

	server->gate.max_peers = server->options->max_peers;
	server->sockets.max_count = server->gate.max_peers + OTHER_CONNECTIONS;
	wanted = server->sockets.max_count + OWN_DESCRIPTORS;
	server->gate.most_peers = server->gate.max_peers;
	if (getrlimit(RLIMIT_NOFILE, &limit)) {
		return;
	}
	if (limit.rlim_max < wanted) {
		size_t others = limit.rlim_max / 8 < OTHER_CONNECTIONS ? limit.rlim_max / 8
								       : OTHER_CONNECTIONS;

		wanted = limit.rlim_max;
		server->sockets.max_count =
			wanted > 2 * OWN_DESCRIPTORS ? wanted - OWN_DESCRIPTORS : OWN_DESCRIPTORS;
		server->gate.max_peers = server->sockets.max_count - others;
		log_warn("limit.descriptors", LOG_UINT("hard-limit", limit.rlim_max),
			LOG_UINT("max-peers-wanted", server->options->max_peers),
			LOG_UINT("max-peers", server->gate.max_peers),
			LOG_STR("remedy", "raise LimitNOFILE or ulimit -Hn"));
	}
	server->gate.most_peers = server->gate.max_peers;
	limit.rlim_cur = wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
}

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
		.cookie = &server->gate,
	};
	server->sockets.options = options;
	return server->hub ? 0 : -ENOMEM;
}

/* What can be made from the options without opening a socket. */
static int prepare(struct server *server, struct options *options, struct problem *problem)
{
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
	error = hooks_init(&server->hooks, options, server->gate.max_memory, problem);
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

/* libwebsockets complains at length about what clients send; that is no news unless we debug. */
static void log_library(int level, const char *line)
{
	(void)level;
	log_debug("libwebsockets", LOG_STR("line", line));
}

static void log_library_start(int level, const char *line)
{
	if (level & LLL_ERR) {
		log_error("libwebsockets", LOG_STR("line", line));
	}
}

static int create_vhosts(struct server *server, struct lws_context_creation_info *info)
{
	/* After the Host header (and by SNI) libwebsockets moves a connection to the first vhost
	 * that has the same port. There are two ports that mean no listening; some builds have
	 * taken this one for a vhost of their own. */
	if (!lws_get_vhost_by_name(server->context, "system")) {
		info->port = CONTEXT_PORT_NO_LISTEN;
	}
	info->vhost_name = "plain";
	server->sockets.plain = lws_create_vhost(server->context, info);
	/* Also if there is no certificate: other options may bring one, and libwebsockets does not
	 * survive to be out of memory here. */
	info->port = CONTEXT_PORT_NO_LISTEN_SERVER; /* the other one is without TLS */
	info->vhost_name = "tls";
	info->protocols = server->secure_protocols;
	/* No file names: tls.c gives the certificate to each handshake. */
	info->options |= LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
	server->sockets.secure = lws_create_vhost(server->context, info);
	return server->sockets.plain && server->sockets.secure ? 0 : -ENOMEM;
}

static int create_context(struct server *server, struct problem *problem)
{
	static const lws_retry_bo_t no_validity_timers;
	/* guard request-line: a version behind the URL is under the URL's limit, none; one that
	 * stands where headers do is under its own. */
	static const struct lws_token_limits limits = {.token_limit = {[WSI_TOKEN_HTTP] = 1}};
	void *loops[1] = {&server->loop};
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = server->plain_protocols,
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
			   LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME |
			   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
			   /* It would read them for connections that it makes; we make none. */
			   LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
		.foreign_loops = loops,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.pt_serv_buf_size = 16384,
		/* guard h2c: nor by ALPN. */
		.alpn = "http/1.1",
		/* guard compression: its code can be made to abort the process. */
		.extensions = NULL,
		.headers = answer_library_headers(),
		.token_limits = &limits,
		/* Its timers are one sorted list; with them each accept walks through it. */
		.retry_and_idle_policy = &no_validity_timers,
		.timeout_secs = (unsigned)server->options->handshake_timeout,
		.timeout_secs_ah_idle = (unsigned)server->options->handshake_timeout,
		.keepalive_timeout = 1,
		.user = server,
		.pcontext = &server->context, /* becomes NULL when it is gone */
	};

	lws_set_log_level(LLL_ERR | LLL_WARN, log_library_start);
	/* libwebsockets looks for its event loop plugin in the current directory as well. */
	if (chdir("/")) {
		return problem_set(problem, -errno, "cannot change to /: %s", strerror(errno));
	}
	server->context = lws_create_context(&info);
	if (!server->context || create_vhosts(server, &info)) {
		lws_context_destroy(server->context);
		uv_run(&server->loop, UV_RUN_DEFAULT);
		lws_context_destroy(server->context);
		return problem_set(problem, -ENOMEM,
			"libwebsockets did not start; is the package libwebsockets-evlib-uv "
			"installed?");
	}
	lws_set_log_level(LLL_ERR | LLL_WARN, log_library);
	return 0;
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

/* The sockets of `localhost`, one for each family, are one place to a person. */
static bool is_second_of(const struct listener *listener, const struct listener *before)
{
	const struct endpoint *a = &listener->endpoint, *b;

	if (!before) {
		return false;
	}
	b = &before->endpoint;
	return a->kind == ENDPOINT_TCP && b->kind == a->kind && b->tls == a->tls &&
	       b->port == a->port && !strcmp(a->host, b->host);
}

/* Where we are reached, for a person. */
static void print_places(const struct server *server, FILE *out)
{
	const struct listener *listener, *before = NULL;

	fprintf(out, "nakodo " NAKODO_VERSION " is ready:\n");
	LL_FOREACH(server->sockets.listeners, listener)
	{
		if (!is_second_of(listener, before)) {
			urls_print(listener, out);
		}
		before = listener;
	}
	lan_announce(server->sockets.listeners, server->tls, out);
}

static void announce(struct server *server)
{
	char *text = NULL;
	size_t len, count = listeners_count(&server->sockets);
	FILE *out = open_memstream(&text, &len);

	if (out) {
		print_places(server, out);
		fclose(out);
		show_text(&server->ws.show, text ? text : "");
		free(text);
	}
	log_info("server.ready", LOG_STR("version", NAKODO_VERSION),
		LOG_STR("libwebsockets", lws_get_library_version()), LOG_UINT("sockets", count),
		LOG_UINT("max-peers", server->gate.max_peers),
		LOG_UINT("max-memory", server->gate.max_memory));
	listeners_tell_open(&server->sockets);
	notify_ready(&server->lifecycle.notify, count);
}

/* Until lifecycle_finish(). */
static void run(struct server *server)
{
	uv_run(&server->loop, UV_RUN_DEFAULT);
	lifecycle_end(server);
	/* On a loop that is not its own, libwebsockets 4.1.6 waits for a second call. */
	lws_context_destroy(server->context);
	visits_settle(server->ws.visits);
}

static int start(struct server *server, struct problem *problem)
{
	struct listener *listener;
	int error;

	server->sockets.loop = &server->loop;
	server->sockets.deadlines = &server->deadlines;
	server->sockets.gate = &server->gate;
	error = open_listeners(server, problem);
	if (!error) {
		error = ctl_open(&server->ctl, server->options->ctl,
			options_where(server->options, &server->options->ctl), problem);
	}
	if (!error) {
		error = create_context(server, problem);
	}
	if (error) {
		return error;
	}
	deadlines_init(&server->deadlines, &server->loop);
	deadlines_serve(&server->deadlines, server->hub);
	server->sockets.context = server->context;
	handshakes_init(&server->sockets.handshakes, &server->loop);
	ws_start(&server->ws, &server->sockets);
	hooks_start(&server->hooks, &server->loop, &server->deadlines);
	renewal_start(&server->renewal, &server->tls, &server->deadlines);
#ifdef NAKODO_AUDIT
	invariants_start(server);
#endif
	error = lifecycle_start(server);
	LL_FOREACH(server->sockets.listeners, listener)
	{
		error = error ? error : listener_start(listener);
	}
	error = error ? error : ctl_start(&server->ctl, &server->loop, verb_actions, server);
	if (!error) {
		restart_take_over(&server->restart, server->dialects, &server->lifecycle.notify,
			&server->loop, server->gate.max_memory);
		return 0;
	}
	lifecycle_finish(server);
	run(server);
	return problem_set(problem, error, "cannot start: %s", uv_strerror(error));
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

int server_run(struct options *options, struct problem *problem)
{
	struct server server = {.restart.directory = -1, .ctl.fd = -1};
	int error = uv_loop_init(&server.loop);

	if (error) {
		return problem_set(problem, error, "no event loop: %s", uv_strerror(error));
	}
	error = prepare(&server, options, problem);
	error = error ? error : restart_init(&server.restart, options, problem);
	if (!error) {
		keep_heap();
		fit_descriptors(&server);
		error = start(&server, problem);
	}
	if (!error) {
		announce(&server);
		run(&server);
		restart_leave(&server.restart, server.dialects);
		log_info("server.stopped", LOG_UINT("peers", server.gate.peers));
	}
	dispose(&server);
	uv_loop_close(&server.loop);
	return error;
}
