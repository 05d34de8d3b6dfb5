/*
 * units: whose the units are (workers/unit.h), as far as somebody here asks, and which are this
 * node's. A unit has one owner in the cluster: who claims it first in Redis, for as long as it has
 * connections, a while longer, and its lease. Each claim has an epoch, higher than all before it.
 *
 * While Redis is away the units that are known go on, and a new one is this node's without an epoch
 * if Redis stays away for two seconds. When it is back each unit is claimed or asserted, and who
 * finds that another node has it loses it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/hash.h"
#include "nakodo/base/wheel.h"
#include "nakodo/net/cluster/lease.h"
#include "nakodo/net/workers/unit.h"

struct deadlines;
struct redis;
struct redisReply;

enum unit_state {
	UNIT_ASKED, /* nobody knows yet */
	UNIT_MINE,
	UNIT_OTHERS,
};

struct unit;
struct units;

/* Whoever waits for an answer; zero it first. */
struct unit_asker {
	struct unit_asker *prev, *next;
	struct unit *unit; /* that it waits for; NULL: it does not */
	/* The unit is UNIT_MINE or UNIT_OTHERS now. */
	void (*answered)(struct unit_asker *asker, struct unit *unit);
};

struct unit {
	struct unit *prev, *next; /* of those that nobody needs */
	struct units *units;
	UT_hash_handle hh;
	enum unit_state state;
	unsigned calls; /* of Redis, under way */
	uint64_t epoch; /* 0: Redis does not know that it is ours */
	struct node owner; /* of UNIT_OTHERS; of UNIT_ASKED the last one, if its port is not 0 */
	size_t holds; /* connections */
	struct unit_asker *askers; /* utlist DL */
	struct wheel_timer again; /* until Redis is asked again */
	struct wheel_timer
		kept; /* of one that nobody needs: until it is given back, or forgotten */
	unsigned life; /* of the worker that knows that it is ours (workers_life()); 0: none does */
	uint64_t began; /* ms: when it was asked for at first */
	uint64_t doubted; /* ms: since when the owner cannot be reached while Redis is away; 0: it
			     can */
	bool had; /* it was ours, until it was asked for again */
	bool lost; /* its connections, made when it was ours, are to come again */
	char name[]; /* workers/unit.h */
};

struct units {
	struct unit *table;
	struct unit *idle; /* that nobody needs, for longest first, and may give way (utlist DL) */
	size_t most; /* so many at most: then the first of these gives way */
	struct lease *lease;
	struct redis *redis;
	struct deadlines *deadlines;
	uint64_t away; /* ms: since when Redis is; 0: it is there */
	uint64_t highest; /* epoch that was seen */
	uint64_t first; /* epoch that this process was given */
	/* Redis is told again what is ours, in rounds. */
	struct wheel_timer round;
	struct unit *cursor; /* the next one of this round */
	unsigned soon; /* rounds that follow each other soon */
	/* Does the unit have sessions, which live longer than a connection? */
	bool (*has_sessions)(void *cookie, const struct unit *unit);
	/* ms that a unit stays ours without connections */
	uint64_t (*keep)(void *cookie, const struct unit *unit);
	/* Another node has a unit that has connections here: unit.lost. */
	void (*lost)(void *cookie);
	/* Are its sessions recorded? Then the other two are called: it is ours, and what is known
	 * of it (struct claimed); it is not any more, but perhaps another's. */
	bool (*lasts)(void *cookie, const struct unit *unit);
	void (*mine)(void *cookie, struct unit *unit, struct redisReply *const *known);
	void (*not_mine)(void *cookie, struct unit *unit);
	/* Is the process that was told so another one now? */
	bool (*is_untold)(void *cookie, const struct unit *unit);
	/* Redis refuses a claim. */
	void (*refused)(void *cookie, const char *why);
	void *cookie;
};

void units_init(struct units *units);
/* Redis is there and the lease is held; it is not any more. */
void units_resume(struct units *units);
void units_pause(struct units *units);
/* As far as it is known here; NULL: it is not. */
struct unit *units_find(const struct units *units, const char *name);
/* If it is ours, but not to the process that shall have it (is_untold), or our lease may have ended
 * without our notice, it is not known any more. */
void units_look_at(struct unit *unit);
/* Redis may have lost that it is ours: ask. */
void units_check(struct unit *unit);
/* Find out whose it is; `asker` is answered at once or later. False: no memory, or too many. */
bool units_ask(struct units *units, const char *name, struct unit_asker *asker);
/* It does not wait any more. */
void units_leave(struct unit_asker *asker);
/* The owner could not be reached, or has said that it is not its. Ask Redis again the next time. */
void units_doubt(struct unit *unit);
/* The owner has taken a connection. */
void units_trust(struct unit *unit);
/* It has a connection more; one less. */
void units_hold(struct unit *unit);
void units_let_go(struct unit *unit);
/* Give those that are ours back to the cluster, but for those that stay, which are counted. */
size_t units_release_all(struct units *units, bool (*stays)(void *cookie, const struct unit *unit));
void units_finish(struct units *units);

#ifdef NAKODO_AUDIT
struct audit;
/* What they take (hub/audit.h). */
void units_audit(const struct units *units, struct audit *audit);
#endif
