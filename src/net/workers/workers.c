/* workers: owns the processes, their channels, and which connection is whose. */
#include "nakodo/net/workers/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "ending.h"
#include "estate.h"
#include "nakodo/base/board.h"
#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/socket/accept.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/listeners.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/workers/channel.h"
#include "nakodo/net/workers/record.h"
#include "nakodo/net/workers/tickets.h"
#include "spawn.h"
#include "worker_slot.h"

#define WATCH 30000 /* ms in which a worker has to answer, if no watchdog says how many */
#define AGAIN_FIRST 100 /* ms until a worker that ended is started again, */
#define AGAIN_MOST 5000 /* ms, doubled up to this while they do not live so long */

size_t workers_wanted(const struct options *options)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (options->workers) {
		return options->workers;
	}
	return cores < 1 ? 1 : cores > WORKERS_MOST ? WORKERS_MOST : (size_t)cores;
}

/* Which sockets there are, each with a copy of its descriptor. */
static int fill_listeners(
	struct workers *workers, struct record_listeners *record, int fds[CHANNEL_FDS])
{
	struct listener *listener;

	LL_FOREACH(workers->sockets->listeners, listener)
	{
		if (listener->fd < 0 || record->count == RECORD_LISTENERS_MOST) {
			continue; /* it is broken now, and opened again soon */
		}
		fds[record->count] = fcntl(listener->fd, F_DUPFD_CLOEXEC, 0);
		if (fds[record->count] < 0) {
			return -errno;
		}
		if (!listener->number) {
			listener->number = ++workers->last_listener;
		}
		record->listeners[record->count++] =
			(struct record_listener){(uint32_t)listener->entry, listener->number,
				listener->endpoint.tls, listener->endpoint.proxy};
	}
	return 0;
}

static int send_listeners(struct worker_slot *slot, int saved)
{
	struct record_listeners record = {
		.kind = RECORD_LISTENERS, .log_level = (uint32_t)log_threshold()};
	int fds[CHANNEL_FDS], error = fill_listeners(slot->workers, &record, fds);

	if (!error && saved >= 0) {
		fds[record.count] = fcntl(saved, F_DUPFD_CLOEXEC, 0);
		error = fds[record.count] < 0 ? -errno : 0;
		record.saved = !error;
	}
	if (!error) {
		return channel_send(&slot->channel, &record,
			offsetof(struct record_listeners, listeners) +
				record.count * sizeof(*record.listeners),
			fds, record.count + record.saved);
	}
	while (record.count--) {
		close(fds[record.count]);
	}
	return error;
}

static bool all_are(const struct workers *workers, bool (*is)(const struct worker_slot *slot))
{
	for (size_t i = 0; i < workers->count; i++) {
		if (!is(&workers->slots[i])) {
			return false;
		}
	}
	return true;
}

static bool has_been_ready(const struct worker_slot *slot)
{
	return slot->was_ready;
}

static bool has_ended(const struct worker_slot *slot)
{
	return !slot->pid;
}

static void forget_saved(struct workers *workers)
{
	if (workers->saved >= 0) {
		close(workers->saved);
	}
	workers->saved = -1;
}

static bool has_reloaded(const struct worker_slot *slot)
{
	return slot->ready && !slot->reloading;
}

static void look_if_reloaded(struct workers *workers)
{
	if (workers->is_reloading && !workers->stopping && all_are(workers, has_reloaded)) {
		workers->is_reloading = false;
		workers->reloaded(workers->cookie);
	}
}

static void on_ready(struct worker_slot *slot, const struct record_ready *record)
{
	struct workers *workers = slot->workers;

	estate_settle(slot, record->well);
	slot->ready = slot->was_ready = true;
	slot->failures = 0;
	look_if_reloaded(workers);
	if (!workers->all_ready && all_are(workers, has_been_ready)) {
		workers->all_ready = true;
		forget_saved(workers);
		workers->ready(workers->cookie);
	}
}

static void on_release(struct worker_slot *slot, const struct record_release *record)
{
	for (uint32_t i = 0; i < record->count && i < RECORD_RELEASE_MOST; i++) {
		tickets_take(&slot->workers->tickets, slot->index, record->tickets[i]);
	}
}

/* Its connection is counted already, for as long as the worker that speaks TLS has it. What the
 * options have replaced meanwhile is followed by what listens there now. */
static void on_decrypted(struct workers *workers, const struct record_decrypted *decrypted, int fd)
{
	const struct record_connection *record = &decrypted->connection;
	const struct listener *by_number = listeners_find(workers->sockets, record->listener);
	struct accepted accepted = {
		.listener =
			by_number ? by_number : listeners_find_at(workers->sockets, &decrypted->at),
		.fd = fd,
		.address = record->address,
		.direct = record->direct,
		.counted = record->counted,
		.decrypted = true,
	};

	if (!accepted.listener) {
		close(fd);
		return;
	}
	listener_hold(accepted.listener);
	accept_go_on(&accepted);
}

static bool has_drained(const struct worker_slot *slot)
{
	return !slot->pid || slot->drained;
}

static void look_if_drained(struct workers *workers)
{
	if (workers->stopping && !workers->drained && all_are(workers, has_drained)) {
		workers->drained = true;
		workers_order(workers, ORDER_DRAIN_KEPT);
	}
}

static void on_record(void *cookie, const struct channel_record *record)
{
	struct worker_slot *slot = cookie;
	const enum record_kind *kind = record->bytes;

	switch (*kind) {
	case RECORD_READY:
		on_ready(slot, record->bytes);
		break;
	case RECORD_TAKES:
		estate_taken(slot);
		break;
	case RECORD_RELEASE:
		on_release(slot, record->bytes);
		break;
	case RECORD_RELOADED:
		slot->reloading -= slot->reloading > 0;
		look_if_reloaded(slot->workers);
		break;
	case RECORD_ALIVE:
		slot->asked = false;
		break;
	case RECORD_DRAINED:
		slot->drained = true;
		look_if_drained(slot->workers);
		break;
	case RECORD_SAVED:
		estate_add(slot, record);
		break;
	case RECORD_PIECE:
		slot->workers->answered(slot->workers, slot->index, record->bytes);
		break;
	case RECORD_REFUSED:
		slot->workers->refused(slot->workers->cookie, record->bytes);
		break;
	case RECORD_DECRYPTED:
		if (record->fd_count) {
			on_decrypted(slot->workers, record->bytes, record->fds[0]);
		}
		break;
	default:
		break;
	}
}

static void on_channel_ended(void *cookie);

static int spawn(struct worker_slot *slot)
{
	struct workers *workers = slot->workers;
	int fd = spawn_worker(workers, slot->index, &slot->pid), error;

	if (fd < 0) {
		return fd;
	}
	slot->started = uv_now(workers->loop);
	slot->life++;
	slot->channel =
		(struct channel){.take = on_record, .ended = on_channel_ended, .cookie = slot};
	error = channel_start(&slot->channel, workers->loop, fd);
	if (error) {
		ending_reap(slot);
		return error;
	}
	if (send_listeners(slot, estate_of(slot))) {
		kill(slot->pid, SIGKILL); /* its channel tells of its end */
	}
	return 0;
}

static void on_again(uv_timer_t *timer)
{
	struct worker_slot *slot = timer->data;
	int error = spawn(slot);

	if (error) {
		log_error("worker.start", LOG_UINT("worker", slot->index + 1), LOG_ERRNO(error));
		uv_timer_start(timer, on_again, AGAIN_MOST, 0);
	}
}

static void start_again(struct worker_slot *slot)
{
	bool lived = uv_now(slot->workers->loop) - slot->started > AGAIN_MOST;

	slot->pause = lived || !slot->pause          ? AGAIN_FIRST
		      : slot->pause * 2 < AGAIN_MOST ? slot->pause * 2
						     : AGAIN_MOST;
	uv_timer_start(&slot->again, on_again, slot->pause, 0);
}

/* The channel ends with the process, and not before. */
static void on_channel_ended(void *cookie)
{
	struct worker_slot *slot = cookie;
	struct workers *workers = slot->workers;
	int status = ending_reap(slot);

	slot->ready = slot->asked = false;
	slot->reloading = 0;
	workers->lost(workers, slot->index);
	look_if_reloaded(workers);
	if (!workers->stopping && ending_is_last(slot, status)) {
		workers->broken = slot->index + 1;
	}
	ending_tell(slot, status);
	estate_lose(slot);
	slot->was_ready &= workers->all_ready; /* or the next one would not be waited for */
	if (!workers->stopping && !workers->broken) {
		start_again(slot);
	} else if (workers->broken || all_are(workers, has_ended)) {
		workers->ended(workers->cookie);
	} else {
		look_if_drained(workers);
	}
}

/* As systemd's watchdog does with a process. */
static void on_watch(uv_timer_t *timer)
{
	const struct record_order record = {RECORD_ORDER, ORDER_ANSWER};
	struct workers *workers = timer->data;

	for (size_t i = 0; i < workers->count; i++) {
		struct worker_slot *slot = &workers->slots[i];

		if (slot->ready && slot->asked) {
			log_error("worker.hangs", LOG_UINT("worker", slot->index + 1));
			kill(slot->pid, SIGKILL);
		} else if (slot->ready) {
			slot->asked = true;
			channel_send(&slot->channel, &record, sizeof(record), NULL, 0);
		}
	}
}

/* All that has to be there before anything can fail. */
static int make_slots(struct workers *workers)
{
	workers->board = -1;
	workers->slots = calloc(workers->count, sizeof(*workers->slots));
	if (!workers->slots) {
		workers->count = 0;
		return -ENOMEM;
	}
	uv_timer_init(workers->loop, &workers->watch);
	workers->watch.data = workers;
	for (size_t i = 0; i < workers->count; i++) {
		struct worker_slot *slot = &workers->slots[i];

		slot->workers = workers;
		slot->index = i;
		slot->channel.fd = -1;
		slot->left = -1;
		uv_timer_init(workers->loop, &slot->again);
		slot->again.data = slot;
	}
	return tickets_init(&workers->tickets, workers->sockets, workers->count);
}

static int make_board(struct workers *workers)
{
	workers->board = board_create(workers->count + 1);
	return workers->board < 0 ? workers->board
				  : board_join(workers->board, workers->count + 1, 0);
}

int workers_start(struct workers *workers, struct problem *problem)
{
	size_t wanted = workers->count;
	int error = make_slots(workers);

	error = error ? error : make_board(workers);
	for (size_t i = 0; i < workers->count && !error; i++) {
		error = spawn(&workers->slots[i]);
	}
	if (error) {
		return problem_set(problem, error, "cannot start %zu workers: %s", wanted,
			log_errno_text(error));
	}
	workers->watch_every = workers->watch_every ? workers->watch_every : WATCH;
	uv_timer_start(&workers->watch, on_watch, workers->watch_every, workers->watch_every);
	return 0;
}

unsigned workers_life(const struct workers *workers, size_t worker)
{
	return workers->slots[worker].life;
}

bool workers_send(struct workers *workers, size_t worker, const void *bytes, size_t len)
{
	struct worker_slot *slot = &workers->slots[worker];

	return slot->ready && !channel_send(&slot->channel, bytes, len, NULL, 0);
}

static int send_order(struct worker_slot *slot, enum order order, int snapshot)
{
	const struct record_order record = {RECORD_ORDER, order};
	int copy = snapshot < 0 ? -1 : fcntl(snapshot, F_DUPFD_CLOEXEC, 0);

	return channel_send(&slot->channel, &record, sizeof(record), &copy, copy >= 0);
}

/* One that cannot be told ends, if it can be told that, and hands its sessions to the next. */
static void tell(struct worker_slot *slot, enum order order, int snapshot)
{
	int error = 0;

	if (order == ORDER_RELOAD) {
		slot->reloading++;
		error = send_listeners(slot, -1);
	}
	error = error ? error : send_order(slot, order, snapshot);
	if (error && send_order(slot, ORDER_REPLACE, -1)) {
		kill(slot->pid, SIGKILL); /* its channel tells of its end */
	}
}

void workers_order(struct workers *workers, enum order order)
{
	int snapshot = order == ORDER_RELOAD ? spawn_snapshot(workers->options) : -1;

	workers->is_reloading |= order == ORDER_RELOAD;
	workers->stopping |= order == ORDER_DRAIN || order == ORDER_STOP;
	for (size_t i = 0; i < workers->count; i++) {
		struct worker_slot *slot = &workers->slots[i];

		if (slot->pid) {
			tell(slot, order, snapshot);
		}
		if (workers->stopping) {
			uv_timer_stop(&slot->again);
		}
	}
	if (snapshot >= 0) {
		close(snapshot);
	}
	look_if_reloaded(workers);
	if (workers->stopping && all_are(workers, has_ended)) {
		workers->ended(workers->cookie);
	}
}

void workers_destroy(struct workers *workers)
{
	if (workers->slots && workers->board >= 0) {
		close(workers->board);
	}
	for (size_t i = 0; workers->slots && i < workers->count; i++) {
		estate_finish(&workers->slots[i]);
	}
	if (workers->slots) {
		forget_saved(workers);
	}
	free(workers->slots);
	tickets_finish(&workers->tickets);
}

size_t workers_list_left(const struct workers *workers, int ret_fds[WORKERS_MOST])
{
	size_t count = 0;

	for (size_t i = 0; i < workers->count; i++) {
		if (workers->slots[i].left >= 0) {
			ret_fds[count++] = workers->slots[i].left;
		}
	}
	return count;
}

bool workers_have_left(const struct workers *workers)
{
	int fds[WORKERS_MOST];

	return workers_list_left(workers, fds);
}

void workers_finish(struct workers *workers)
{
	bool overdue = workers->stopping;

	workers->stopping = true;
	if (workers->slots) {
		uv_close((uv_handle_t *)&workers->watch, NULL);
	}
	for (size_t i = 0; workers->slots && i < workers->count; i++) {
		struct worker_slot *slot = &workers->slots[i];

		if (slot->pid && overdue) {
			ending_tell(slot, ending_reap(slot));
			estate_lose(slot);
		} else if (slot->pid) {
			ending_reap(slot);
		}
		channel_close(&slot->channel);
		uv_close((uv_handle_t *)&slot->again, NULL);
	}
}
