/*
 * worker: one of several processes that serve. It accepts nothing: its connections come from the
 * first process (workers.h), by a channel.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "nakodo/net/workers/answers.h"
#include "nakodo/net/workers/channel.h"
#include "nakodo/net/workers/record.h"
#include "nakodo/net/workers/tunnel.h"

struct options;
struct problem;
struct sockets;
struct tls;

/* How it was started: what its command line says. */
struct worker_start {
	int channel, board, snapshot; /* descriptors; the last is the options as a file */
	size_t index, count; /* which of how many */
	bool keeps; /* what it leaves is kept for the next one */
	size_t most_peers; /* max-peers when the first process was started */
};

struct worker {
	bool hands_over; /* its sessions, to the worker that follows it */
	struct worker_start start;
	struct channel channel;
	struct sockets *sockets;
	struct tunnels tunnels;
	struct answers answers; /* the actions and their cookie are the caller's to set */
	int last; /* the channel once more, for what is said when the loop has ended */
	int saved; /* what was left for it to take over; -1: nothing */
	bool well; /* and it has been taken over, if anything was */
	int snapshot; /* while an order is carried out: the options that came with it; -1: none */
	uv_prepare_t turn; /* what has ended in a turn is told before the next */
	struct record_release released;
	void (*order)(void *cookie, enum order order);
	/* `fd` is taken; -1: there is nothing, or there was no room for it */
	void (*unit)(void *cookie, const struct record_unit *record, int fd);
	void *cookie;
};

/* Read the arguments of the command `worker`; *argc and *argv are then the daemon's own. 0 or
 * -EINVAL. */
int worker_read(struct worker_start *ret, int *argc, char ***argv);
/* The options in that snapshot, which stays the caller's, with the arguments and the environment of
 * `source`. 0, or -errno with a sentence. */
int worker_read_options(
	struct options *ret, int snapshot, const struct options *source, struct problem *problem);
/* Before the options are used: count in the row of the board, and wait for the listening sockets,
 * which sockets->handed has then. 0, or -errno with a sentence. */
int worker_join(struct worker *worker, struct problem *problem);
/* Take connections and orders. `*tls` is what has the certificate. 0 or -errno. */
int worker_run(struct worker *worker, struct tls **tls, uv_loop_t *loop);
/* Tell the first process something that is no more than its kind. */
void worker_say(struct worker *worker, enum record_kind kind);
/* RECORD_READY. */
void worker_say_ready(struct worker *worker);
/* RECORD_REFUSED. */
void worker_say_refused(struct worker *worker, const char *unit, bool taken);
/* The connection of that ticket has ended. */
void worker_release(struct worker *worker, uint32_t ticket);
/* The turn of a connection has come; takes over what `accepted` owns. */
void worker_adopt(struct worker *worker, struct accepted *accepted);
void worker_finish(struct worker *worker);
/* The loop has ended: hand over what it leaves (net/restart.h), which is taken; -errno: it could
 * not be made, which is told. */
void worker_leave(struct worker *worker, int fd);
void worker_destroy(struct worker *worker);
