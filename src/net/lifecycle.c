/*
 * lifecycle: see the header. Peers are told to go one after the other, so that those who come back
 * to another server, or to this one after its restart, do not come all at once.
 */
#include "nakodo/net/lifecycle.h"

#include <libwebsockets.h>
#include <signal.h>
#include <utlist.h>

#include "nakodo/base/board.h"
#include "nakodo/base/ids.h"
#include "nakodo/base/log.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/http/metrics.h"
#include "nakodo/net/reload.h"
#include "nakodo/net/server.h"
#include "nakodo/net/socket/accept.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listeners.h"
#include "nakodo/net/ws/ws.h"

#define GOING_AWAY 1001
#define TICK 50 /* ms */
#define OVERDUE 5000 /* ms, after which we end with or without libwebsockets */
/* ms after drain-seconds, for closing handshakes, libwebsockets, and what the next one is left */
#define STOP_MOST (WS_CLOSE_DEADLINE + OVERDUE + 20000)
#define STOP_NOW (OVERDUE + 5000) /* ms for workers, if they are to stop at once */
#define RETRY_LEAST 500 /* ms, after we are gone */
#define RETRY_SPREAD 1500 /* ms, and one more for each peer */
#define RETRY_KEPT 8000 /* ms, at most that for those whose session is kept */
#define KEPT_WAIT 1000 /* ms, after which a closing handshake keeps them waiting no more */
#define LAST_WAIT 1000 /* ms for Redis to hear that our units are anybody's */
#define LAST_WORDS 2000 /* ms for event-webhook to be told who has left */
#define LEAST_PER_TICK 1 /* peers, so that a few of them need not wait for drain-seconds */

static const char going_away[] = "the server is stopping";

static void close_handle(void *handle)
{
	uv_close(handle, NULL);
}

/* libwebsockets waits for a connection that it made only half, for want of memory. */
static void on_overdue(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

void lifecycle_finish(struct server *server)
{
	struct lifecycle *life = &server->lifecycle;
	sigset_t asked;

	if (server->finished) {
		return;
	}
	server->finished = true;
	/* Without our handlers one more signal would end the process as if it had failed. */
	sigemptyset(&asked);
	sigaddset(&asked, SIGTERM);
	sigaddset(&asked, SIGINT);
	sigprocmask(SIG_BLOCK, &asked, NULL);
	listeners_close(&server->sockets);
	accept_end_waiting(&server->sockets);
	ctl_finish(&server->ctl);
	close_handle(&life->terminate);
	close_handle(&life->interrupt);
	/* Without their handles one more of them would end the process before its exit status. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	close_handle(&life->hangup);
	signal(SIGHUP, SIG_IGN);
	close_handle(&life->meters);
	signal(SIGUSR1, SIG_IGN);
	uv_timer_start(&life->drain, on_overdue, OVERDUE, 0);
	uv_unref((uv_handle_t *)&life->drain);
	notify_finish(&life->notify);
	leaving_finish(&server->ws.leaving);
	if (server->context) {
		lws_context_destroy(server->context);
	}
	if (server->role != ROLE_FIRST) {
		hooks_finish(&server->hooks);
	} else {
		workers_finish(&server->workers); /* which lets go of units */
		cluster_finish(&server->cluster);
	}
	if (server->role == ROLE_WORKER) {
		journal_finish(&server->journal);
		worker_finish(&server->worker);
	}
	deadlines_finish(&server->deadlines);
	flush_finish(&server->ws.flush);
	flood_finish(&server->ws.flood);
	trim_finish(&server->ws.trim);
	handshakes_finish(&server->sockets.handshakes);
}

static bool has_websockets(const struct server *server)
{
	const struct conn *conn;

	DL_FOREACH (server->sockets.conns, conn) {
		if (conn->stage >= CONN_ADMITTED) {
			return true;
		}
	}
	return false;
}

/* Does its session go on with the next process, or at another node? */
static bool is_kept(const struct server *server, const struct conn *conn)
{
	return conn->mount && conn->mount->dialect->save &&
	       (restart_keeps(&server->restart) || server->journal.started);
}

/* The peers whose session is kept, or the others, that are open. */
static size_t count_open(const struct server *server, bool kept)
{
	const struct conn *conn;
	size_t count = 0;

	DL_FOREACH (server->sockets.conns, conn) {
		count += conn->peer.state == PEER_OPEN && is_kept(server, conn) == kept;
	}
	return count;
}

/* Who comes back shall find the one who follows us, and not all at once. */
static void say_closing(struct server *server, struct conn *conn, uint64_t left)
{
	size_t spread = RETRY_SPREAD + board_sum(METER_PEERS);
	unsigned short random;

	if (is_kept(server, conn) && spread > RETRY_KEPT) {
		spread = RETRY_KEPT;
	}
	if (conn->mount->dialect->closing && !pace_is_pending(conn)) {
		ids_random((unsigned char *)&random, sizeof(random));
		conn->mount->dialect->closing(
			&conn->peer, "drain", left + RETRY_LEAST + random % spread);
	}
}

static void send_away(struct server *server, struct conn *conn, uint64_t left)
{
	say_closing(server, conn, left);
	hub_close(&conn->peer, GOING_AWAY, going_away);
}

/* Close as many as are due by now: all of them evenly over drain-seconds. */
static void close_some(struct server *server, uint64_t elapsed)
{
	struct lifecycle *life = &server->lifecycle;
	uint64_t whole = server->options->drain_seconds * 1000;
	size_t ticks = elapsed / TICK + 1;
	size_t due = whole ? life->to_close * elapsed / whole : life->to_close;
	struct conn *conn, *next;

	if (due < ticks * LEAST_PER_TICK) {
		due = ticks * LEAST_PER_TICK;
	}
	DL_FOREACH_SAFE (server->sockets.conns, conn, next) {
		if (conn->peer.state == PEER_OPEN && !is_kept(server, conn) &&
			(life->closed < due || elapsed >= whole)) {
			send_away(server, conn, elapsed < whole ? whole - elapsed : 0);
			life->closed++;
		}
	}
}

/* Those whose session is kept come last and all at once, so that nobody waits for one who was sent
 * away before, and for the restart only. */
static void close_kept(struct server *server)
{
	struct conn *conn, *next;

	/* All are told before the first is closed: what that means to the others waits until it is
	 * recorded, and they are closed before that. */
	DL_FOREACH (server->sockets.conns, conn) {
		if (conn->peer.state == PEER_OPEN && is_kept(server, conn)) {
			say_closing(server, conn, 0);
		}
	}
	DL_FOREACH_SAFE (server->sockets.conns, conn, next) {
		if (conn->peer.state == PEER_OPEN && is_kept(server, conn)) {
			server->lifecycle.kept_until = uv_now(&server->loop) + KEPT_WAIT;
			hub_close(&conn->peer, GOING_AWAY, going_away);
		}
	}
}

/* Is it worthwhile to wait for those who are told by HTTP? */
static bool says_last_words(struct server *server)
{
	struct lifecycle *life = &server->lifecycle;
	uint64_t now = uv_now(&server->loop);

	life->empty = life->empty ? life->empty : now;
	return hooks_stop(&server->hooks) && now - life->empty < LAST_WORDS;
}

/* Is nobody left who is worth waiting for? A tunnel may be a download, which nobody has told to
 * end, and of whose peer it is nothing is known here. */
static bool are_gone(const struct server *server)
{
	const struct lifecycle *life = &server->lifecycle;
	uint64_t now = uv_now(&server->loop);
	bool tunnels = server->worker.tunnels.open && now <= life->tunnels_until;

	return !life->waits_for_others && !journal_is_busy(&server->journal) &&
	       ((!has_websockets(server) && !tunnels) ||
		       (life->kept_until && now > life->kept_until));
}

void lifecycle_drain_kept(struct server *server)
{
	server->lifecycle.waits_for_others = false;
	server->lifecycle.tunnels_until = uv_now(&server->loop) + KEPT_WAIT;
}

/* Those who come again go to the same rooms by another node: they are ended evenly, too. */
static void thin_relays(struct server *server, uint64_t elapsed)
{
	struct lifecycle *life = &server->lifecycle;
	uint64_t whole = server->options->drain_seconds * 1000;
	size_t left = elapsed < whole ? life->relays * (whole - elapsed) / whole : 0;

	if (server->worker.tunnels.relays > left) {
		tunnels_thin(&server->worker.tunnels, left);
	}
}

static void on_drain(uv_timer_t *timer)
{
	struct server *server = timer->data;
	const struct lifecycle *life = &server->lifecycle;
	uint64_t elapsed = uv_now(&server->loop) - life->began;
	uint64_t last = server->options->drain_seconds * 1000 + WS_CLOSE_DEADLINE;

	close_some(server, elapsed);
	thin_relays(server, elapsed);
	if (life->waits_for_others && elapsed > last) {
		lifecycle_drain_kept(server); /* one of them hangs */
	}
	last += server->role == ROLE_WORKER ? 2 * KEPT_WAIT : 0;
	if (!count_open(server, false) && !server->worker.tunnels.relays) {
		if (!life->waits_for_others) {
			close_kept(server);
		} else if (!life->told_drained) {
			server->lifecycle.told_drained = true;
			worker_say(&server->worker, RECORD_DRAINED);
		}
	}
	if (elapsed > last || (are_gone(server) && !says_last_words(server))) {
		lifecycle_finish(server);
	}
}

static void on_last(uv_timer_t *timer)
{
	lifecycle_finish(timer->data);
}

/* The workers should have ended long ago. */
static void on_workers_overdue(uv_timer_t *timer)
{
	struct server *server = timer->data;

	uv_timer_start(timer, on_last, LAST_WAIT, 0);
	server->workers.ended(server);
}

void lifecycle_drain(struct server *server)
{
	struct lifecycle *life = &server->lifecycle;

	server->gate.draining = true;
	listeners_close(&server->sockets);
	if (server->role != ROLE_WORKER) {
		log_info("server.stop", LOG_STR("how", "draining"),
			LOG_UINT("peers", board_sum(METER_PEERS)));
	}
	life->waits_for_others = server->role == ROLE_WORKER;
	notify_stopping(&life->notify, server->options->drain_seconds * 1000 + STOP_MOST);
	life->began = uv_now(&server->loop);
	life->to_close = count_open(server, false);
	life->relays = server->worker.tunnels.relays;
	if (server->role == ROLE_FIRST) {
		uv_timer_start(&life->drain, on_workers_overdue,
			server->options->drain_seconds * 1000 + STOP_MOST, 0);
		workers_order(&server->workers, ORDER_DRAIN);
	} else {
		uv_timer_start(&life->drain, on_drain, 0, TICK);
	}
}

static void on_terminate(uv_signal_t *handle, int signum)
{
	struct server *server = handle->data;

	(void)signum;
	if (server->gate.draining) {
		log_info("server.stop", LOG_STR("how", "at once"));
		if (server->role == ROLE_FIRST) {
			uv_timer_start(&server->lifecycle.drain, on_workers_overdue, STOP_NOW, 0);
			workers_order(&server->workers, ORDER_STOP);
		} else {
			lifecycle_finish(server);
		}
	} else {
		lifecycle_drain(server);
	}
}

/* What the meters show, for who reads the log: one line each. */
static void on_meters(uv_signal_t *handle, int signum)
{
	const struct server *server = handle->data;

	(void)signum;
	metrics_look(&server->sockets);
	for (int i = 0; i < METER_COUNT; i++) {
		log_info("meter", LOG_STR("name", meter_rows[i].name),
			LOG_UINT("value", board_sum((enum meter)i)));
	}
	log_info("meters", LOG_UINT("count", METER_COUNT));
}

static void on_hangup(uv_signal_t *handle, int signum)
{
	struct server *server = handle->data;
	struct problem problem;

	(void)signum;
	if (!server->gate.draining) {
		reload_run(server, &problem);
	}
}

void lifecycle_end(struct server *server)
{
	close_handle(&server->lifecycle.drain);
	uv_run(&server->loop, UV_RUN_NOWAIT);
}

int lifecycle_start(struct server *server)
{
	struct lifecycle *life = &server->lifecycle;
	int error;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a log file at its limit (setrlimit(2)) is a full disk */
	uv_timer_init(&server->loop, &life->drain);
	uv_signal_init(&server->loop, &life->terminate);
	uv_signal_init(&server->loop, &life->interrupt);
	uv_signal_init(&server->loop, &life->hangup);
	uv_signal_init(&server->loop, &life->meters);
	life->drain.data = life->terminate.data = life->interrupt.data = life->hangup.data =
		life->meters.data = server;
	notify_start(&life->notify, &server->loop);
	if (server->role == ROLE_WORKER) {
		/* The first process is told, and tells its workers. */
		signal(SIGTERM, SIG_IGN);
		signal(SIGINT, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		signal(SIGUSR1, SIG_IGN);
		return 0;
	}
	error = uv_signal_start(&life->terminate, on_terminate, SIGTERM);
	if (!error) {
		error = uv_signal_start(&life->interrupt, on_terminate, SIGINT);
	}
	if (!error) {
		error = uv_signal_start(&life->hangup, on_hangup, SIGHUP);
	}
	if (!error) {
		error = uv_signal_start(&life->meters, on_meters, SIGUSR1);
	}
	return error;
}
