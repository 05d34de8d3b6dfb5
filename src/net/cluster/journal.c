/* journal: owns the worker's connection to Redis, and which units it may record. */
#include "nakodo/net/cluster/journal.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "nakodo/base/hash.h"
#include "nakodo/base/log.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/saved.h"
#include "nakodo/dialect/changes.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/net/cluster/lease.h"
#include "nakodo/net/cluster/unit_rooms.h"
#include "nakodo/net/cluster/writes.h"
#include "nakodo/net/workers/record.h"
#include "nakodo/net/workers/unit.h"

#define TICK 50 /* ms */
#define PATIENCE 1000 /* ms */
#define AGAIN 200 /* ms until a room is recorded anew that was refused, */
#define REFUSALS_MOST 5 /* so often, */
#define SELDOM 5000 /* ms, and then */
#define AT_ONCE 64 /* rooms are recorded anew, less what is under way else, */
#define LEAST 4 /* but so many in each tick */
#define LOG_AGAIN 60000 /* ms */

struct journal_unit {
	uint64_t epoch;
	char node[LEASE_ID];
	unsigned refusals; /* in a row */
	/* Of those that are tried again: journal.soon or .seldom, and when. NULL: it is not. */
	struct journal_unit **queue, *prev, *next;
	uint64_t again; /* ms */
	UT_hash_handle hh;
	char name[]; /* workers/unit.h */
};

struct journal_write {
	struct journal_write *prev, *next;
	struct journal *journal;
	uint64_t number, epoch, since; /* ms */
	char unit[];
};

static void tick(struct journal *journal);
static uint64_t write_down(
	struct journal *journal, const struct journal_unit *unit, const struct changes *changes);

static struct journal_unit *find(const struct journal *journal, const char *name)
{
	struct journal_unit *unit;

	HASH_FIND_STR(journal->units, name, unit);
	return unit;
}

static void unqueue(struct journal_unit *unit)
{
	if (unit->queue) {
		DL_DELETE(*unit->queue, unit);
		unit->queue = NULL;
	}
}

/* Each queue is in the order of time. */
static void try_later(struct journal *journal, struct journal_unit *unit)
{
	bool soon = unit->refusals <= REFUSALS_MOST;

	unqueue(unit);
	unit->queue = soon ? &journal->soon : &journal->seldom;
	unit->again = uv_now(journal->redis.loop) + (soon ? AGAIN : SELDOM);
	DL_APPEND(*unit->queue, unit);
	tick(journal);
}

static void forget(struct journal *journal, struct journal_unit *unit)
{
	if (journal->cursor == unit) {
		journal->cursor = unit->hh.next;
	}
	unqueue(unit);
	HASH_DEL(journal->units, unit);
	free(unit);
}

static void tell_there(struct journal *journal, struct journal_unit *unit)
{
	const struct changes nothing = {.whole = true};

	unqueue(unit);
	/* If not, nothing is to be recorded of it any more. */
	if (unit_rooms_any(journal->dialects, unit->name)) {
		unit_rooms_tell(journal->dialects, unit->name, 0, JOURNAL_THERE);
	} else if (!write_down(journal, unit, &nothing) && journal->redis.is_up) {
		try_later(journal, unit);
	}
}

/* The next one that is recorded anew: who has not heard yet that Redis is there holds nothing; to
 * whom it was refused, the first process may have told Redis meanwhile that they are ours. */
static struct journal_unit *take_next(struct journal *journal, uint64_t now)
{
	struct journal_unit *unit = journal->cursor;

	if (unit) {
		journal->cursor = unit->hh.next;
		return unit;
	}
	return journal->soon && journal->soon->again <= now       ? journal->soon
	       : journal->seldom && journal->seldom->again <= now ? journal->seldom
								  : NULL;
}

static void tell_some(struct journal *journal, uint64_t now)
{
	unsigned under_way = journal->under_way;
	unsigned most = under_way + LEAST < AT_ONCE ? AT_ONCE - under_way : LEAST;
	struct journal_unit *unit;

	while (most-- && journal->redis.is_up && (unit = take_next(journal, now))) {
		tell_there(journal, unit);
	}
}

/* Who comes before that would not be recorded. */
static void say_opened(struct journal *journal)
{
	void (*opened)(void *cookie) = journal->opened;

	journal->opened = NULL;
	if (opened) {
		opened(journal->cookie);
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct journal *journal = timer->data;
	uint64_t now = uv_now(timer->loop);

	if (now - journal->looked > 4 * TICK) {
		journal->heard = now; /* we have not listened ourselves */
	}
	journal->looked = now;
	if (journal->writes && now - journal->writes->since >= PATIENCE &&
		now - journal->heard >= PATIENCE) {
		redis_drop(&journal->redis, "it takes longer than a second");
		return;
	}
	if (now - journal->begun >= PATIENCE) {
		say_opened(journal);
	}
	tell_some(journal, now);
	if (!journal->opened && !journal_is_busy(journal) && !journal->seldom) {
		uv_timer_stop(timer);
	}
}

static void tick(struct journal *journal)
{
	if (!uv_is_active((uv_handle_t *)&journal->timer)) {
		journal->looked = uv_now(journal->timer.loop);
		uv_timer_start(&journal->timer, on_tick, TICK, TICK);
	}
}

static void on_up(void *cookie)
{
	struct journal *journal = cookie;

	journal->told_down = false;
	journal->cursor = journal->units;
	tick(journal);
	say_opened(journal);
}

static void tell_down(struct journal *journal, const char *why)
{
	uint64_t now = uv_now(journal->redis.loop);

	if (!journal->told_down && (!journal->logged || now - journal->logged >= LOG_AGAIN)) {
		journal->logged = now;
		log_warn("cluster.unrecorded", LOG_STR("problem", why),
			LOG_STR("effect", "sessions are not recorded until Redis is there again"));
	}
	journal->told_down = true;
}

static void on_down(void *cookie, const char *why)
{
	struct journal *journal = cookie;
	struct journal_unit *unit;

	journal->cursor = NULL;
	for (unit = journal->told_down ? NULL : journal->units; unit; unit = unit->hh.next) {
		unqueue(unit);
		unit_rooms_tell(journal->dialects, unit->name, 0, JOURNAL_LOST);
	}
	tell_down(journal, why);
	say_opened(journal);
}

/* The unit is not ours, or Redis does not know it any more. If that lasts nobody waits. */
static void refuse(struct journal *journal, const struct journal_write *write)
{
	struct journal_unit *unit = find(journal, write->unit);
	bool again;

	if (unit && unit->epoch != write->epoch) {
		return; /* it has been told anew since then */
	}
	again = unit && ++unit->refusals <= REFUSALS_MOST;
	unit_rooms_tell(journal->dialects, write->unit, write->number,
		again ? JOURNAL_REFUSED : JOURNAL_LOST);
	if (unit) {
		journal->refused(journal->cookie, unit->name, false);
		try_later(journal, unit);
	}
}

/* Our lease has ended without our first process having noticed it: it stood still. */
static void give_up(struct journal *journal, const struct journal_write *write)
{
	struct journal_unit *unit = find(journal, write->unit);

	if (unit && unit->epoch == write->epoch) {
		forget(journal, unit);
		unit_rooms_tell(journal->dialects, write->unit, 0, JOURNAL_TAKEN);
		journal->refused(journal->cookie, write->unit, true);
	}
}

static void arrive(struct journal *journal, const struct journal_write *write)
{
	struct journal_unit *unit = find(journal, write->unit);

	meter_add(METER_CLUSTER_RECORDED, 1);
	if (!journal->cursor) {
		redis_praise(&journal->redis);
	}
	if (unit) {
		unit->refusals = 0;
	}
	unit_rooms_tell(journal->dialects, write->unit, write->number, JOURNAL_RECORDED);
}

/* What is told of a connection that has ended, on_down() tells. */
static void on_written(void *cookie, const struct redisReply *reply)
{
	struct journal_write *write = cookie;
	struct journal *journal = write->journal;

	DL_DELETE(journal->writes, write);
	journal->under_way--;
	if (reply && reply->type == REDIS_REPLY_INTEGER && reply->integer == 1) {
		arrive(journal, write);
	} else if (reply && reply->type == REDIS_REPLY_INTEGER && reply->integer == 2) {
		give_up(journal, write);
	} else if (reply && reply->type == REDIS_REPLY_INTEGER) {
		refuse(journal, write);
	} else if (reply) {
		redis_drop(&journal->redis,
			reply->type == REDIS_REPLY_ERROR ? reply->str : "it answers oddly");
	}
	free(write);
}

bool journal_has(const struct journal *journal, const struct mount *mount, const char *room)
{
	char name[UNIT_NAME];

	unit_of_room(mount, room, name);
	return journal->redis.is_up && mount->path && find(journal, name);
}

static uint64_t write_down(
	struct journal *journal, const struct journal_unit *unit, const struct changes *changes)
{
	size_t size = strlen(unit->name) + 1;
	struct journal_write *write = malloc(sizeof(*write) + size);

	if (!write) {
		return 0;
	}
	write->journal = journal;
	write->number = ++journal->last;
	write->epoch = unit->epoch;
	write->since = uv_now(journal->redis.loop);
	memcpy(write->unit, unit->name, size);
	if (!writes_send(&journal->redis,
		    &(struct written){journal->options->cluster_name, unit->name, unit->node,
			    unit->epoch, write->number},
		    changes, on_written, write)) {
		free(write);
		return 0;
	}
	DL_APPEND(journal->writes, write);
	journal->under_way++;
	tick(journal);
	return write->number;
}

uint64_t journal_record(struct journal *journal, const struct mount *mount, const char *room,
	const struct changes *changes)
{
	struct journal_unit *unit;
	char name[UNIT_NAME];
	uint64_t number;

	unit_of_room(mount, room, name);
	unit = find(journal, name);
	number = unit && !changes->failed ? write_down(journal, unit, changes) : 0;
	if (unit && !number && journal->redis.is_up) {
		try_later(journal, unit); /* there was no memory */
	}
	return number;
}

/* -errno, or 0: nothing of the unit is anywhere but here then, if anything is. */
static int restore(
	struct mount *mount, const char *room, int fd, const struct record_unit *record, bool stale)
{
	struct stat stat;
	struct saved saved;
	void *bytes;
	int error;

	if (fstat(fd, &stat)) {
		return -errno;
	}
	bytes = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED) {
		return -errno;
	}
	error = saved_open(&saved, bytes, (size_t)stat.st_size);
	error = error ? error
		      : mount->dialect->restore_room(mount, room, &saved, record->elapsed, stale);
	munmap(bytes, (size_t)stat.st_size);
	return error;
}

static struct journal_unit *add(struct journal *journal, const char *name)
{
	struct journal_unit *unit = find(journal, name);

	if (unit) {
		return unit;
	}
	unit = calloc(1, sizeof(*unit) + strlen(name) + 1);
	if (!unit) {
		return NULL;
	}
	memcpy(unit->name, name, strlen(name) + 1);
	HASH_ADD_STR(journal->units, name, unit);
	if (!unit->hh.tbl) {
		free(unit);
		return NULL;
	}
	return unit;
}

/* Is what is here of the room, if anything is, older than what is recorded? It is what this process
 * has had since that epoch, or was handed over by the last one. */
static bool is_stale(const struct journal_unit *unit, const struct record_unit *record)
{
	return unit->epoch ? record->recorded > unit->epoch : !record->was_ours;
}

static void begin(struct journal *journal, const struct record_unit *record, int fd)
{
	const char *room;
	struct mount *mount = unit_rooms_mount(journal->dialects, record->unit, &room);
	struct journal_unit *unit = mount ? add(journal, record->unit) : NULL;
	int error = 0;

	if (!unit) {
		return;
	}
	if (fd >= 0) {
		error = restore(mount, room, fd, record, is_stale(unit, record));
	} else if (record->recorded && is_stale(unit, record)) {
		mount->dialect->restore_room(mount, room, NULL, record->elapsed, true);
	}
	if (error) {
		log_error("cluster.not-restored", LOG_STR("room", room), LOG_ERRNO(error),
			LOG_STR("effect", "who was there comes in as somebody new"));
	}
	unit->epoch = record->epoch;
	unit->refusals = 0;
	unqueue(unit);
	memcpy(unit->node, record->node, sizeof(unit->node));
	if (journal->redis.is_up) {
		unit_rooms_tell(journal->dialects, unit->name, 0, JOURNAL_THERE);
	}
}

void journal_tell(struct journal *journal, const struct record_unit *record, int fd)
{
	struct journal_unit *unit = find(journal, record->unit);

	if (record->epoch) {
		begin(journal, record, fd);
	} else if (unit) {
		forget(journal, unit);
		unit_rooms_tell(journal->dialects, record->unit, 0,
			record->taken ? JOURNAL_TAKEN : JOURNAL_LOST);
	}
	if (fd >= 0) {
		close(fd);
	}
}

bool journal_is_busy(const struct journal *journal)
{
	return journal->writes || journal->cursor || journal->soon;
}

int journal_start(struct journal *journal, uv_loop_t *loop, struct problem *problem)
{
	struct redis_url url;
	int error = redis_url_parse(&url, journal->options->cluster, problem);

	error = error ? error : redis_init(&journal->redis, &url, problem);
	if (error) {
		return error;
	}
	journal->started = true;
	journal->redis.up = on_up;
	journal->redis.down = on_down;
	journal->redis.cookie = journal;
	uv_timer_init(loop, &journal->timer);
	journal->timer.data = journal;
	journal->begun = uv_now(loop);
	redis_start(&journal->redis, loop);
	return 0;
}

void journal_open(struct journal *journal, void (*opened)(void *cookie))
{
	journal->opened = opened;
	if (!journal->started || journal->redis.is_up) {
		say_opened(journal);
	} else {
		tick(journal);
	}
}

void journal_finish(struct journal *journal)
{
	struct journal_unit *unit, *next;

	if (!journal->started) {
		return;
	}
	redis_finish(&journal->redis);
	uv_close((uv_handle_t *)&journal->timer, NULL);
	HASH_ITER (hh, journal->units, unit, next) {
		forget(journal, unit);
	}
}

void journal_destroy(struct journal *journal)
{
	redis_destroy(&journal->redis);
}
