/*
 * dialect_table: the mounts, each a path and the dialect that is spoken there, and the way from a
 * URL path to one of them.
 */
#pragma once

#include <stdbool.h>

#include "nakodo/dialect/dialect.h"

struct address;
struct hub;
struct option_list;
struct problem;
struct save;
struct saved;
struct shortage;

struct dialect_table;

/* The mounts of the options; an unknown dialect or parameter is -EINVAL with a sentence that
 * names the place it was said. The caller owns the table; the hub and `env` must live as long. */
int dialect_table_create(struct dialect_table **ret, struct hub *hub, const struct dialect_env *env,
	const struct option_list *mounts, struct problem *problem);
void dialect_table_destroy(struct dialect_table *table);

/* Start those mounts of other options that are not there by the same words. Paths do not lead to
 * them before dialect_table_commit(), and from then on to no others. 0, or as
 * dialect_table_create(), and all is as it was. */
int dialect_table_prepare(
	struct dialect_table *table, const struct option_list *mounts, struct problem *problem);
void dialect_table_commit(struct dialect_table *table);
/* Stop those to which no path leads and that nobody holds. */
void dialect_table_settle(struct dialect_table *table);
/* A connection or a listener is at the mount, which stays until it is gone, whatever the options
 * say, and is taken up again if they say it again. */
void dialect_table_hold(const struct mount *mount);
void dialect_table_let_go(const struct mount *mount);

/* Hold the mount of a listener that speaks one dialect at any path, which is made unless there is
 * one; `listener` tells it from those of others, for the next process as well. NULL with `problem`:
 * no such dialect, or no memory. dialect_table_let_go() gives it back. */
const struct mount *dialect_table_own(struct dialect_table *table, const char *listener,
	const char *name, struct problem *problem);

/* Let the dialects answer a plain HTTP request, those of the mounts or a listener's own (`own` not
 * NULL). False: it is not theirs. */
bool dialect_table_http(const struct dialect_table *table, const struct mount *own,
	const struct dialect_request *request, struct dialect_answer *ret);

/* The mount whose dialect would answer a plain request for that path. NULL: none. */
const struct mount *dialect_table_answering(const struct dialect_table *table, const char *path);

/* The same of all mounts as dialect.adapt. */
void dialect_table_adapt(struct dialect_table *table);
/* The same of all mounts as dialect.weigh and .shed. */
void dialect_table_weigh(const struct dialect_table *table, struct shortage *shortage);
void dialect_table_shed(struct dialect_table *table, struct shortage *shortage);

/* The turn ends: dialect.settle of each mount. */
void dialect_table_record(const struct dialect_table *table);

/* Let one of the dialects end the stay of one who lost its connection, for a newcomer of that
 * address. False: nobody gives way. */
bool dialect_table_give_way(struct dialect_table *table, const struct address *newcomer);

/* What tells the mount from all others; of listeners' own, which may listen elsewhere in each
 * process, the dialect alone. The same in each process. */
const char *dialect_table_key(const struct mount *mount);
/* The mount with that key, none of a listener's own; behind `after` (NULL: the first) are those
 * that a reload has replaced and that still have peers. NULL: there is none. */
struct mount *dialect_table_mount(
	const struct dialect_table *table, const char *key, size_t len, const struct mount *after);
/* The dialect of the mount with that key. NULL: there is none. */
const struct dialect *dialect_table_by_key(
	const struct dialect_table *table, const char *key, size_t len);
/* The mounts by number, those of the paths first. NULL: no more. */
const struct mount *dialect_table_at(const struct dialect_table *table, size_t number);

/* Write what the dialects keep for the next process. */
void dialect_table_save(const struct dialect_table *table, struct save *save);
/* Take it over, `elapsed` ms later, up to the end; what belongs to a mount that there is not any
 * more is passed over. 0, -EBADMSG or -ENOMEM: nothing has been taken over then. */
int dialect_table_restore(struct dialect_table *table, struct saved *saved, uint64_t elapsed);

/* The mount for a decoded URL path: the longest one that ends at a segment boundary and leaves at
 * most one segment, which is the room. NULL: none. `ret_room` points into `path` or at "". */
const struct mount *dialect_table_route(
	const struct dialect_table *table, const char *path, const char **ret_room);
/* The same for a listener's own mount. */
const struct mount *dialect_table_route_own(
	const struct mount *mount, const char *path, const char **ret_room);

#ifdef NAKODO_AUDIT
struct audit;
/* Look at what the dialects hold. */
void dialect_table_audit(const struct dialect_table *table, struct audit *audit);
#endif
