/*
 * journal: what a worker records in Redis of rooms whose sessions shall outlive the node
 * (dialect/changes.h). Each write of a room is one script, which does nothing if the unit is not
 * this node's any more, since the epoch that the worker was told.
 *
 * Redis has a second to answer: then, or when it is away, nothing waits for it, and when it is
 * there again all is recorded anew. What it refuses it is asked for again, for another second in
 * which what is held waits, since it may not have heard yet that the unit is ours.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "nakodo/net/redis/redis.h"

struct changes;
struct dialect_table;
struct journal_unit;
struct journal_write;
struct mount;
struct options;
struct problem;
struct record_unit;

struct journal {
	struct redis redis;
	const struct options *options;
	const struct dialect_table *dialects;
	struct journal_unit *units; /* that are this node's, by name */
	struct journal_unit *cursor; /* the next one that hears that Redis is there; NULL: all have
				      */
	struct journal_write *writes; /* under way, the oldest first (utlist DL) */
	unsigned under_way; /* how many these are */
	uint64_t last; /* number of a write */
	uint64_t looked, heard; /* ms: when they were looked at last; until when nobody listened */
	/* That were refused, and are recorded anew soon, or after some seconds (utlist DL). */
	struct journal_unit *soon, *seldom;
	bool told_down; /* all units know that Redis is away */
	uint64_t logged; /* ms: when the log was told last; 0: never */
	uv_timer_t timer;
	uint64_t begun; /* ms */
	void (*opened)(void *cookie); /* journal_open() */
	/* Redis does not know that the unit is ours; or (`taken`) another node has it, and it is
	 * not recorded here until journal_tell(). */
	void (*refused)(void *cookie, const char *unit, bool taken);
	void *cookie; /* of both */
	bool started;
};

/* Before the loop runs; `refused` and the cookie are the caller's to set. 0, or -errno with a
 * sentence. */
int journal_start(struct journal *journal, uv_loop_t *loop, struct problem *problem);
/* Call that once, perhaps in here: what happens from then on is recorded, or Redis is away. */
void journal_open(struct journal *journal, void (*opened)(void *cookie));
/* A unit is this node's, or not any more; `fd`, which is taken: what is recorded of it, or -1. */
void journal_tell(struct journal *journal, const struct record_unit *record, int fd);
/* As dialect_env.records and .record. */
bool journal_has(const struct journal *journal, const struct mount *mount, const char *room);
uint64_t journal_record(struct journal *journal, const struct mount *mount, const char *room,
	const struct changes *changes);
/* Is there something that is not recorded yet, though it may be soon? */
bool journal_is_busy(const struct journal *journal);
void journal_finish(struct journal *journal);
/* The loop has ended. */
void journal_destroy(struct journal *journal);
