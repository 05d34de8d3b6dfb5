/* worker: owns its end of the channel, and what has ended and is not told yet. */
#include "nakodo/net/workers/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "nakodo/base/board.h"
#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/accept.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/listeners.h"
#include "nakodo/net/socket/opening.h"
#include "nakodo/net/socket/sockets.h"

#define NUMBERS 7 /* behind the command's name */
#define MOVED 1012 /* the status: come again */

int worker_read(struct worker_start *ret, int *argc, char ***argv)
{
	int numbers[NUMBERS];

	if (*argc < NUMBERS + 2) {
		return -EINVAL;
	}
	for (int i = 0; i < NUMBERS; i++) {
		numbers[i] = (int)strtol((*argv)[i + 2], NULL, 10);
	}
	if (numbers[4] < 1) {
		return -EINVAL; /* somebody has typed it */
	}
	*ret = (struct worker_start){numbers[0], numbers[1], numbers[2], (size_t)numbers[3],
		(size_t)numbers[4], numbers[5] != 0, (size_t)numbers[6]};
	(*argv)[NUMBERS + 1] = (*argv)[0];
	*argv += NUMBERS + 1;
	*argc -= NUMBERS + 1;
	for (int i = 0; i < 3; i++) {
		fcntl(numbers[i], F_SETFD, FD_CLOEXEC);
	}
	return 0;
}

int worker_read_options(
	struct options *ret, int snapshot, const struct options *source, struct problem *problem)
{
	char path[32], name[] = "nakodo", config[] = "--config";
	char *arguments[] = {name, config, path, NULL};
	int error;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", snapshot);
	error = options_load(ret, 3, arguments, (char *[]){NULL}, problem);
	if (!error) {
		ret->argc = source->argc;
		ret->argv = source->argv;
		ret->environment = source->environment;
	}
	return error;
}

static void take_listeners(struct sockets *sockets, const struct channel_record *record)
{
	const struct record_listeners *listeners = record->bytes;

	handed_forget(&sockets->handed);
	for (uint32_t i = 0; i < listeners->count; i++) { /* -1: there was no room for it */
		const struct record_listener *one = &listeners->listeners[i];

		sockets->handed.sockets[i] = (struct handed_socket){
			record->fds[i], one->entry, one->number, one->tls, one->proxy};
	}
	sockets->handed.count = listeners->count;
}

int worker_join(struct worker *worker, struct problem *problem)
{
	const struct record_listeners *listeners;
	struct channel_record record;
	int error =
		board_join(worker->start.board, worker->start.count + 1, worker->start.index + 1);

	close(worker->start.board);
	error = error ? error : channel_wait(worker->start.channel, &record);
	if (error) {
		return problem_set(problem, error, "the first process is not there: %s",
			log_errno_text(error));
	}
	take_listeners(worker->sockets, &record);
	listeners = record.bytes;
	log_set_threshold((enum log_level)listeners->log_level);
	worker->saved = listeners->saved ? record.fds[listeners->count] : -1;
	worker->well = !listeners->saved || worker->saved >= 0;
	worker->last = fcntl(worker->start.channel, F_DUPFD_CLOEXEC, 0);
	return 0;
}

static void take_connection(
	struct worker *worker, const struct record_connection *record, int fd, int node)
{
	struct sockets *sockets = worker->sockets;
	struct accepted accepted = {
		.listener = listeners_find(sockets, record->listener),
		.fd = fd,
		.address = record->address,
		.ticket = record->ticket,
		.direct = record->direct,
		.decrypted = record->decrypted,
	};

	/* The kernel drops a descriptor that there is no room for. */
	if (!accepted.listener || fd < 0 || (record->relayed && node < 0)) {
		close(fd);
		close(node);
		worker_release(worker, record->ticket);
		return;
	}
	listener_hold(accepted.listener);
	/* Who is behind a proxy is counted when it has said who it is. */
	if (record->counted && !census_add_connection(sockets->gate->census, &accepted.address, 0,
				       &accepted.group)) {
		conn_discard(&accepted);
		close(node);
	} else if (record->relayed) {
		tunnels_join(&worker->tunnels, &accepted, node);
	} else {
		accept_go_on(&accepted);
	}
}

static void take_order(struct worker *worker, enum order order, int snapshot)
{
	worker->snapshot = snapshot;
	worker->order(worker->cookie, order);
	if (snapshot >= 0) {
		close(snapshot);
	}
	worker->snapshot = -1;
}

static int compare(const void *a, const void *b)
{
	const uint32_t *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

static void send_away(struct worker *worker, const struct record_send_away *record)
{
	struct conn *conn, *next;

	DL_FOREACH_SAFE (worker->sockets->conns, conn, next) {
		if (!bsearch(&conn->ticket, record->tickets, record->count,
			    sizeof(*record->tickets), compare)) {
			continue;
		}
		if (conn->peer.state == PEER_OPEN) {
			hub_close(&conn->peer, MOVED, "another node has this room now");
		} else if (conn->peer.state == PEER_GONE) { /* it is no peer, or not yet */
			conn_kill(conn);
		}
	}
}

static void on_record(void *cookie, const struct channel_record *record)
{
	struct worker *worker = cookie;
	const enum record_kind *kind = record->bytes;
	const struct record_order *order = record->bytes;

	switch (*kind) {
	case RECORD_LISTENERS:
		take_listeners(worker->sockets, record);
		break;
	case RECORD_CONNECTION:
		take_connection(worker, record->bytes, record->fds[0],
			record->fd_count > 1 ? record->fds[1] : -1);
		break;
	case RECORD_ORDER:
		take_order(worker, order->order, record->fds[0]);
		break;
	case RECORD_ASK:
		answers_give(&worker->answers, record->bytes);
		break;
	case RECORD_ASK_NO_MORE:
		answers_end(&worker->answers, record->bytes);
		break;
	case RECORD_UNIT:
		worker->unit(worker->cookie, record->bytes, record->fds[0]);
		break;
	case RECORD_SEND_AWAY:
		send_away(worker, record->bytes);
		break;
	default:
		break;
	}
}

/* Without the first process nobody new comes, and nobody would end this one. */
static void on_ended(void *cookie)
{
	struct worker *worker = cookie;

	worker->order(worker->cookie, ORDER_STOP);
}

static void tell_released(struct worker *worker)
{
	struct record_release *released = &worker->released;
	size_t len = offsetof(struct record_release, tickets) +
		     released->count * sizeof(*released->tickets);

	released->kind = RECORD_RELEASE;
	if (released->count && !channel_send(&worker->channel, released, len, NULL, 0)) {
		released->count = 0;
	}
}

static void on_turn(uv_prepare_t *turn)
{
	const struct worker *worker = turn->data;

	/* Who has a tunnel is counted where it leads. */
	meter_set(METER_CONNECTIONS,
		worker->sockets->count - worker->tunnels.count + worker->tunnels.relays);
	tell_released(turn->data);
}

static bool on_decrypted(void *cookie, const struct accepted *accepted, int fd)
{
	struct worker *worker = cookie;
	const struct record_decrypted record = {
		.connection =
			{
				.kind = RECORD_DECRYPTED,
				.listener = accepted->listener->number,
				.direct = accepted->direct,
				.counted = accepted->group,
				.address = accepted->address,
			},
		.at = accepted->listener->address,
	};

	return !channel_send(&worker->channel, &record, sizeof(record), &fd, 1);
}

void worker_adopt(struct worker *worker, struct accepted *accepted)
{
	if (accepted->tls) {
		tunnels_add(&worker->tunnels, accepted);
	} else {
		conn_adopt(accepted);
	}
}

int worker_run(struct worker *worker, struct tls **tls, uv_loop_t *loop)
{
	int error;

	worker->answers.channel = &worker->channel;
	worker->channel =
		(struct channel){.fd = -1, .take = on_record, .ended = on_ended, .cookie = worker};
	uv_prepare_init(loop, &worker->turn);
	worker->turn.data = worker;
	uv_prepare_start(&worker->turn, on_turn);
	error = tunnels_init(&worker->tunnels, worker->sockets, tls);
	worker->tunnels.decrypted = on_decrypted;
	worker->tunnels.cookie = worker;
	return error ? error : channel_start(&worker->channel, loop, worker->start.channel);
}

void worker_say(struct worker *worker, enum record_kind kind)
{
	channel_send(&worker->channel, &kind, sizeof(kind), NULL, 0);
}

void worker_say_ready(struct worker *worker)
{
	const struct record_ready record = {RECORD_READY, worker->well};

	channel_send(&worker->channel, &record, sizeof(record), NULL, 0);
}

void worker_say_refused(struct worker *worker, const char *unit, bool taken)
{
	struct record_refused record = {.kind = RECORD_REFUSED, .taken = taken};

	memcpy(record.unit, unit, strlen(unit) + 1);
	channel_send(&worker->channel, &record, sizeof(record), NULL, 0);
}

void worker_release(struct worker *worker, uint32_t ticket)
{
	struct record_release *released = &worker->released;

	if (released->count == RECORD_RELEASE_MOST) {
		tell_released(worker);
	}
	/* Without memory for telling it, that many cannot be remembered. */
	if (ticket && released->count < RECORD_RELEASE_MOST) {
		released->tickets[released->count++] = ticket;
	}
}

void worker_finish(struct worker *worker)
{
	answers_finish(&worker->answers);
	tunnels_finish(&worker->tunnels);
	tell_released(worker);
	channel_close(&worker->channel);
	uv_close((uv_handle_t *)&worker->turn, NULL);
}

void worker_leave(struct worker *worker, int fd)
{
	const enum record_kind kind = RECORD_SAVED;

	int error = fd < 0 ? fd : channel_send_wait(worker->last, &kind, sizeof(kind), &fd, 1);

	if (error) {
		log_warn("restart.not-saved", LOG_UINT("worker", worker->start.index + 1),
			LOG_ERRNO(error),
			LOG_STR("effect", "who was there comes in as somebody new"));
	}
}

void worker_destroy(struct worker *worker)
{
	/* `last` is open for as long as the process is: when it is closed, that is its end. */
	tunnels_destroy(&worker->tunnels);
}
