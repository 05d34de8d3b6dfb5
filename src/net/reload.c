/*
 * reload: see the header. The struct options stays where it is and gets another content, so that
 * whoever reads a number there reads the new one. What is made of options is a part: it says here,
 * and only here, how it is made anew.
 */
#include "nakodo/net/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "nakodo/base/log.h"
#include "nakodo/base/log_options.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/hub/hub.h"
#include "nakodo/net/descriptors.h"
#include "nakodo/net/gate/bearer.h"
#include "nakodo/net/http/site.h"
#include "nakodo/net/server.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/listeners.h"
#include "nakodo/net/tls/tls.h"
#include "nakodo/service/ice.h"
#include "nakodo/service/jwt_keys.h"
#include "nakodo/service/webhook.h"

#define WORKER_TOLD 2 /* descriptors besides the sockets: the options, and a copy of them */

/* What was made and is not taken; once it is taken, what it has replaced. */
struct fresh {
	struct options options;
	struct tls *tls;
	struct ice *ice;
	struct jwt_keys *keys;
	struct site *site;
	struct webhook *tells, *asks; /* event-webhook, auth-webhook */
	struct opening opening;
	int *room; /* descriptors, */
	size_t room_count; /* and how many they are */
	uint64_t max_memory;
};

/* One thing that is made of options. */
struct part {
	/* Make it of fresh->options, beside what the server has. 0, or -errno with a sentence, and
	 * then there is nothing to dispose of. NULL: nothing is to be made. */
	int (*make)(struct server *server, struct fresh *fresh, struct problem *problem);
	/* Exchange it with the server's. It cannot fail. */
	void (*take)(struct server *server, struct fresh *fresh);
	/* Dispose of what is in `fresh`. NULL: nothing. */
	void (*dispose)(struct server *server, struct fresh *fresh);
};

#define SWAP(a, b)                                                                                 \
	do {                                                                                       \
		__typeof__(a) kept = (a);                                                          \
		(a) = (b);                                                                         \
		(b) = kept;                                                                        \
	} while (0)

/* A worker takes what the first process has taken, whatever is on the disk by now. */
static int make_options(struct server *server, struct fresh *fresh, struct problem *problem)
{
	int snapshot = server->worker.snapshot;

	if (server->role != ROLE_WORKER) {
		return options_reload(&fresh->options, server->options, problem);
	}
	if (snapshot < 0) {
		return problem_set(problem, -EMFILE, "the first process has sent no options");
	}
	return worker_read_options(&fresh->options, snapshot, server->options, problem);
}

static void take_options(struct server *server, struct fresh *fresh)
{
	SWAP(*server->options, fresh->options);
}

static void dispose_options(struct server *server, struct fresh *fresh)
{
	(void)server;
	options_finish(&fresh->options);
}

/* libwebsockets has tables for as many descriptors as there could be at the start. */
static int make_limits(struct server *server, struct fresh *fresh, struct problem *problem)
{
	const struct options *options = &fresh->options;

	fresh->max_memory = gate_max_memory(options);
	if (options->max_peers > server->gate.most_peers &&
		options->max_peers > server->options->max_peers) {
		return problem_set(problem, -EBUSY,
			"%s: max-peers cannot be more than %zu, what there was room for at the "
			"start: restart the daemon, or lower it",
			options_where(options, &options->max_peers), server->gate.most_peers);
	}
	return 0;
}

/* Of the server's options, which are the new ones by now. */
static void take_limits(struct server *server, struct fresh *fresh)
{
	const struct options *options = server->options;
	struct gate *gate = &server->gate;
	const struct hub_limits limits = {
		.room_members = options->max_peers_per_room,
		.outbox_bytes = options->send_queue,
	};

	descriptors_share(server);
	gate->max_memory = fresh->max_memory;
	hooks_set_max_memory(&server->hooks, fresh->max_memory);
	hub_set_limits(server->hub, &limits);
	server->ws.show.messages = options->show_messages;
}

static int make_tls(struct server *server, struct fresh *fresh, struct problem *problem)
{
	(void)server;
	return tls_create(&fresh->tls, &fresh->options, problem);
}

static void take_tls(struct server *server, struct fresh *fresh)
{
	SWAP(server->tls, fresh->tls);
	server->gate.tls = server->tls;
	server->pages.tls = server->tls;
}

static void dispose_tls(struct server *server, struct fresh *fresh)
{
	(void)server;
	tls_destroy(fresh->tls);
}

static int make_ice(struct server *server, struct fresh *fresh, struct problem *problem)
{
	(void)server;
	return ice_create(&fresh->ice, &fresh->options, problem);
}

static void take_ice(struct server *server, struct fresh *fresh)
{
	SWAP(server->ice, fresh->ice);
	server->env.ice = server->ice;
	server->pages.ice = server->ice;
}

static void dispose_ice(struct server *server, struct fresh *fresh)
{
	(void)server;
	ice_destroy(fresh->ice);
}

static int make_keys(struct server *server, struct fresh *fresh, struct problem *problem)
{
	(void)server;
	return bearer_load(&fresh->keys, &fresh->options, problem);
}

static void take_keys(struct server *server, struct fresh *fresh)
{
	SWAP(server->gate.keys, fresh->keys);
}

static void dispose_keys(struct server *server, struct fresh *fresh)
{
	(void)server;
	jwt_keys_destroy(fresh->keys);
}

static int make_site(struct server *server, struct fresh *fresh, struct problem *problem)
{
	(void)server;
	return site_create(&fresh->site, &fresh->options, problem);
}

static void take_site(struct server *server, struct fresh *fresh)
{
	SWAP(server->pages.site, fresh->site);
}

static void dispose_site(struct server *server, struct fresh *fresh)
{
	(void)server;
	site_destroy(fresh->site);
}

static int make_webhooks(struct server *server, struct fresh *fresh, struct problem *problem)
{
	(void)server;
	return hooks_make(&fresh->tells, &fresh->asks, &fresh->options, problem);
}

static void take_webhooks(struct server *server, struct fresh *fresh)
{
	hooks_swap(&server->hooks, &fresh->tells, &fresh->asks);
}

static void dispose_webhooks(struct server *server, struct fresh *fresh)
{
	(void)server;
	webhook_destroy(fresh->tells);
	webhook_destroy(fresh->asks);
}

static int make_mounts(struct server *server, struct fresh *fresh, struct problem *problem)
{
	return dialect_table_prepare(server->dialects, &fresh->options.mount, problem);
}

/* Dialects may have copies of options, and are told of ICE servers. */
static void take_mounts(struct server *server, struct fresh *fresh)
{
	(void)fresh;
	dialect_table_commit(server->dialects);
	dialect_table_adapt(server->dialects);
}

static void dispose_mounts(struct server *server, struct fresh *fresh)
{
	(void)fresh;
	dialect_table_settle(server->dialects);
}

/* They accept from now on, but nobody comes before the next turn of the loop. */
static int make_listeners(struct server *server, struct fresh *fresh, struct problem *problem)
{
	int error;

	fresh->opening = (struct opening){
		.sockets = &server->sockets,
		.dialects = server->dialects,
		.options = &fresh->options,
	};
	error = listeners_make(&fresh->opening, problem);
	if (error) {
		return error;
	}
	error = listeners_start(&fresh->opening);
	if (error) {
		listeners_dispose(&fresh->opening);
		return problem_set(problem, error, "cannot listen: %s", uv_strerror(error));
	}
	return 0;
}

static void take_listeners(struct server *server, struct fresh *fresh)
{
	listeners_take(&fresh->opening);
	if (server->sockets.measured) {
		lag_start(&server->ws.flush.lag, &server->loop);
	} else {
		lag_stop(&server->ws.flush.lag);
	}
}

static void dispose_listeners(struct server *server, struct fresh *fresh)
{
	(void)server;
	listeners_dispose(&fresh->opening);
}

static void dispose_room(struct server *server, struct fresh *fresh)
{
	(void)server;
	while (fresh->room_count) {
		close(fresh->room[--fresh->room_count]);
	}
	free(fresh->room);
}

/* A worker is told by a copy of each socket, and of the options. One that cannot be told would end,
 * and its connections with it: so there is room for that, or nothing changes. */
static int make_room(struct server *server, struct fresh *fresh, struct problem *problem)
{
	size_t made, wanted;
	const struct listener *listener;
	int fd = 0, error;

	if (server->role != ROLE_FIRST) {
		return 0;
	}
	LL_COUNT(fresh->opening.made, listener, made);
	wanted = listeners_count(&server->sockets) + made + WORKER_TOLD;
	fresh->room = calloc(wanted, sizeof(*fresh->room));
	while (fresh->room && fd >= 0 && fresh->room_count < wanted) {
		fd = fcntl(server->home, F_DUPFD_CLOEXEC, 0);
		if (fd >= 0) {
			fresh->room[fresh->room_count++] = fd;
		}
	}
	if (fresh->room && fd >= 0) {
		return 0;
	}
	error = fresh->room ? -errno : -ENOMEM;
	dispose_room(server, fresh);
	return problem_set(problem, error, "cannot tell the workers: %s", log_errno_text(error));
}

/* The last that is made, since the old log is closed then. */
static int make_log(struct server *server, struct fresh *fresh, struct problem *problem)
{
	(void)server;
	return log_options_open(&fresh->options, problem);
}

/* Made and taken in this order, disposed of the other way round. */
static const struct part parts[] = {
	{make_options, take_options, dispose_options},
	{make_limits, take_limits, NULL},
	{make_tls, take_tls, dispose_tls},
	{make_ice, take_ice, dispose_ice},
	{make_keys, take_keys, dispose_keys},
	{make_site, take_site, dispose_site},
	{make_webhooks, take_webhooks, dispose_webhooks},
	{make_mounts, take_mounts, dispose_mounts},
	{make_listeners, take_listeners, dispose_listeners},
	{make_room, NULL, dispose_room},
	{make_log, NULL, NULL},
};

#define PARTS (sizeof(parts) / sizeof(*parts))

static void dispose(struct server *server, struct fresh *fresh, size_t made)
{
	while (made--) {
		if (parts[made].dispose) {
			parts[made].dispose(server, fresh);
		}
	}
}

static int make(struct server *server, struct fresh *fresh, struct problem *problem)
{
	int error = 0;

	for (size_t i = 0; i < PARTS && !error; i++) {
		error = parts[i].make ? parts[i].make(server, fresh, problem) : 0;
		if (error) {
			dispose(server, fresh, i);
		}
	}
	return error;
}

/* The daemon has left for "/", but the paths in the options begin where it was started. */
static int make_at_home(struct server *server, struct fresh *fresh, struct problem *problem)
{
	int error;

	if (fchdir(server->home)) {
		error = -errno;
		return problem_set(problem, error, "cannot go back to where it was started: %s",
			log_errno_text(error));
	}
	error = make(server, fresh, problem);
	if (chdir("/")) {
		log_error("reload.directory", LOG_ERRNO(-errno));
	}
	return error;
}

/* Nothing here can fail. */
static void take(struct server *server, struct fresh *fresh)
{
	for (size_t i = 0; i < PARTS; i++) {
		if (parts[i].take) {
			parts[i].take(server, fresh);
		}
	}
	dispose(server, fresh, PARTS);
}

/* Whatever is wrong with the rest, a log that was moved away is left. */
static void fail(struct server *server, const struct problem *problem)
{
	int error = log_reopen();

	if (error) {
		log_error("reload.log", LOG_ERRNO(error));
	}
	if (server->role == ROLE_FIRST) {
		workers_order(&server->workers, ORDER_LOG);
	}
	log_error("reload.failed", LOG_STR("problem", problem->text));
	notify_not_reloaded(&server->lifecycle.notify);
}

void reload_tell(struct server *server)
{
	size_t sockets = listeners_count(&server->sockets);

	log_info("reload.done", LOG_UINT("sockets", sockets),
		LOG_UINT("max-peers", server->gate.max_peers),
		LOG_UINT("max-memory", server->gate.max_memory));
	listeners_tell_open(&server->sockets);
	notify_ready(&server->lifecycle.notify, sockets);
}

int reload_run(struct server *server, struct problem *problem)
{
	struct fresh fresh = {0};
	int error;

	notify_reloading(&server->lifecycle.notify);
	error = make_at_home(server, &fresh, problem);
	if (error) {
		fail(server, problem);
		return error;
	}
	take(server, &fresh);
	if (server->role == ROLE_FIRST) {
		workers_order(&server->workers, ORDER_RELOAD); /* it is told when they have */
	} else if (server->role == ROLE_ALONE) {
		reload_tell(server);
	}
	return 0;
}
