/*
 * cluster: several nodes behind one name, each a daemon with workers. The first process of each
 * finds out, by Redis, which node has the unit of a connection (units.h), and passes it to a worker
 * of its own, or has a worker move its bytes to that node. No message goes through Redis.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "nakodo/net/cluster/inlet.h"
#include "nakodo/net/cluster/lease.h"
#include "nakodo/net/cluster/units.h"
#include "nakodo/net/redis/redis.h"

struct accepted;
struct deadlines;
struct options;
struct problem;
struct sockets;
struct visitor;
struct workers;

struct cluster {
	const struct options *options; /* NULL: there is none */
	uv_loop_t *loop;
	struct deadlines *deadlines;
	struct sockets *sockets;
	struct workers *workers;
	struct redis redis;
	struct lease lease;
	struct units units;
	struct inlet inlet;
	struct visitor *visitors; /* that wait to hear whose their unit is (utlist DL) */
	char told[256]; /* why Redis is away, as the log was told last; "": it is there */
	uint64_t told_at; /* ms */
	unsigned told_times; /* in the minute since then */
	bool told_away; /* the log has heard that it is away, and not that it is there */
	/* ms: when the log was told of a loss, of another's listener that is like none of ours, of
	 * ports that there are no more of; 0: never */
	uint64_t lost_at, unlike_at, ports_at;
	char listen[ADDRESS_TEXT]; /* the address of the option, as a number or "*"; "": Redis' way
				      there */
	uint16_t port;
	struct wheel_timer cut_off; /* while Redis is away */
	void (*left)(void *cookie); /* cluster_leave() */
	void *left_cookie;
	struct wheel_timer losses; /* while somebody may be here whose unit is another node's */
	bool has_name; /* that it has again after a restart */
	bool keeps; /* while it leaves: units of sessions */
	bool started, finished;
};

/* Find out who this node is; `directory`: of state-dir, or -1. The pointers of `cluster` are the
 * caller's to set. 0, or -errno with a sentence. */
int cluster_init(struct cluster *cluster, int directory, struct problem *problem);
/* The loop is there. */
void cluster_start(struct cluster *cluster);
/* Pass a connection on; takes over what `accepted` owns. */
void cluster_take(struct cluster *cluster, struct accepted *accepted);
/* Redis may have lost that the unit is ours, if it is; `given_up`: its worker does not take it for
 * ours any more. */
void cluster_look_at(struct cluster *cluster, const char *unit, bool given_up);
/* All peers are gone: others may have our units. `keeps`: but for those of sessions, which are left
 * to the next process. `left` is called once, perhaps in here. */
void cluster_leave(struct cluster *cluster, bool keeps, void (*left)(void *cookie), void *cookie);
void cluster_finish(struct cluster *cluster);
/* The loop has ended. */
void cluster_destroy(struct cluster *cluster);
