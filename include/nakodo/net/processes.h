/*
 * processes: what this process does of the work: all of it, or, with the option `workers`, the part
 * of the first one, which accepts, or of a worker, which serves (net/workers).
 */
#pragma once

#include <stdbool.h>

struct mount;
struct options;
struct problem;
struct server;
struct worker_start;

/* `start` is how a worker was started; NULL: it is none. */
void processes_choose(
	struct server *server, const struct options *options, const struct worker_start *start);
/* Find out where sessions are kept. 0, or -EINVAL with a sentence. */
int processes_prepare(
	struct server *server, const struct options *options, struct problem *problem);
/* Who takes which connection, before anything listens. */
void processes_wire(struct server *server);
/* The first process starts its workers, a worker listens to the first process. 0, or -errno with a
 * sentence. */
int processes_join(struct server *server, struct problem *problem);
/* Take over what was left by the process before. */
void processes_take_over(struct server *server);
void processes_say_ready(struct server *server);
/* The loop has ended: leave what the next process needs. 0, or -errno with a sentence if it has
 * ended because a worker cannot start. */
int processes_leave(struct server *server, struct problem *problem);
void processes_finish(struct server *server);
/* As dialect_env.serves; the cookie is the server's gate. */
bool processes_serve(void *cookie, const struct mount *mount, const char *room);
