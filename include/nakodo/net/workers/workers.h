/*
 * workers: the first process of several. It accepts, counts what each address has, and passes each
 * connection to the worker that serves its unit (unit.h); it speaks to nobody itself. A worker that
 * ends unasked is started again, and its connections are lost with it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "nakodo/net/workers/tickets.h"
#include "nakodo/net/workers/unit.h"

#define WORKERS_MOST 64 /* as the option says */

struct accepted;
struct inquiry;
struct dialect_table;
struct options;
struct problem;
struct record_piece;
struct record_refused;
struct record_unit;
struct sockets;
struct worker_slot;

struct workers {
	uv_loop_t *loop;
	struct sockets *sockets;
	const struct dialect_table *dialects;
	const struct options *options;
	int home; /* the directory that the options' relative paths begin at */
	int board; /* base/board.h */
	int saved; /* what was left for them to take over (net/restart.h); -1: nothing, or they
		    * have */
	size_t most_peers; /* max-peers at the start, that each has tables for */
	size_t count; /* 0: this is the only process */
	struct worker_slot *slots;
	struct tickets tickets; /* of the connections that they have */
	uint32_t last_listener; /* the last number that was given to one */
	struct inquiry *inquiries; /* under way (inquiry.h), */
	uint32_t last_inquiry; /* and the number of the last one */
	uint64_t watch_every; /* ms, in which a worker has to answer; 0: 30 s */
	uv_timer_t watch;
	bool keeps; /* what they leave is kept for the next ones */
	bool is_reloading;
	bool drained; /* all have been told ORDER_DRAIN_KEPT */
	bool stopping;
	bool all_ready; /* for the first time */
	bool unwell; /* one of them has not taken over what it was given */
	size_t broken; /* the number, from 1, of one that cannot start; 0: none */
	/* A worker has answered an inquiry; it has ended (inquiry.h). */
	void (*answered)(struct workers *workers, size_t worker, const struct record_piece *piece);
	void (*lost)(struct workers *workers, size_t worker);
	void (*refused)(void *cookie, const struct record_refused *record);
	void (*ready)(void *cookie); /* all of them serve, for the first time; perhaps they stop */
	void (*reloaded)(void *cookie); /* all that are there have carried out ORDER_RELOAD */
	void (*ended)(void *cookie); /* all have ended, after they were told to; one is `broken` */
	void *cookie;
};

enum order;

/* How many processes `workers` asks for. */
size_t workers_wanted(const struct options *options);
/* Start them. The loop runs not yet. 0, or -errno with a sentence. */
int workers_start(struct workers *workers, struct problem *problem);
/* Pass a connection on; takes over what `accepted` owns. */
void workers_take(struct workers *workers, struct accepted *accepted);

/* The same in steps, for who has to find out whose a unit is. */
enum workers_found {
	WORKERS_NOT_YET, /* only a part of the head is there: workers_await_head() */
	WORKERS_NO_UNIT,
	WORKERS_UNIT,
};

enum workers_found workers_find_unit(
	const struct workers *workers, const struct accepted *accepted, char ret[UNIT_NAME]);
/* It is taken again soon. Takes over what `accepted` owns. */
void workers_await_head(struct accepted *accepted);
/* To the worker that has the unit (NULL: to any), with a ticket that is given with `hold`. False:
 * it was not; it is taken again soon, if that worker is being started. Takes over what `accepted`
 * owns in either case. */
bool workers_pass(struct workers *workers, struct accepted *accepted, const char *unit, void *hold);
/* Tell the worker that has the unit about it; `fd` (-1: none) is taken. Its life (workers_life()),
 * or 0: it is not there. */
unsigned workers_tell_unit(struct workers *workers, const struct record_unit *record, int fd);
/* How often the worker that has the unit has been started. 0: it is not there. */
unsigned workers_life_of(const struct workers *workers, const char *unit);
/* Is there a worker that can take the next? */
bool workers_can_relay(struct workers *workers);
/* To any worker, which moves bytes between the client and another node, at `fd`. Takes over both,
 * or nothing (false: none can take it now). */
bool workers_relay(struct workers *workers, struct accepted *accepted, int fd, void *hold);
/* Tell all. ORDER_DRAIN and ORDER_STOP: those that end are not started again. */
void workers_order(struct workers *workers, enum order order);
/* The peers whose tickets were given with such a hold are to come again: another node has their
 * unit. True: there are some, of whom those who are on their way to a worker have not heard it. */
bool workers_send_away(struct workers *workers, bool (*is_such)(const void *hold));
/* How often that worker has been started. */
unsigned workers_life(const struct workers *workers, size_t worker);
/* Send a record to that worker. False: it is not there now. */
bool workers_send(struct workers *workers, size_t worker, const void *bytes, size_t len);
/* What they have left: descriptors, which stay theirs. How many. */
size_t workers_list_left(const struct workers *workers, int ret_fds[WORKERS_MOST]);
bool workers_have_left(const struct workers *workers);
/* End what is left of them at once. */
void workers_finish(struct workers *workers);
/* The loop has ended. */
void workers_destroy(struct workers *workers);
