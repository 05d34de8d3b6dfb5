/*
 * tickets: which connection that was passed on is whose, and where it is counted, until the worker
 * that has it says that it has ended, or ends itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct census_group;
struct sockets;
struct ticket;

struct tickets {
	struct sockets *sockets;
	/* One that was given with this `hold` has been taken. NULL: there are none. */
	void (*released)(void *cookie, void *hold);
	void *cookie;
	struct ticket *all;
	uint32_t room, free; /* of `all`; the first one that is free, 0: none */
	size_t *counts; /* of each worker */
};

/* 0 or -ENOMEM. */
int tickets_init(struct tickets *tickets, struct sockets *sockets, size_t workers);
void tickets_finish(struct tickets *tickets);
/* For a connection that is counted in `group` (NULL: in none). 0: no memory. */
uint32_t tickets_give(
	struct tickets *tickets, size_t worker, struct census_group *group, void *hold);
/* For one that has a ticket already, where its TLS is spoken. */
uint32_t tickets_give_second(struct tickets *tickets, size_t worker, void *hold);
/* The connection goes on to another node: nobody here serves it. */
void tickets_mark_relay(struct tickets *tickets, uint32_t number);
/* The next one behind `after` of the worker, served here, whose hold is such a one; 0: there is
 * none.
 */
uint32_t tickets_next(const struct tickets *tickets, size_t worker,
	bool (*is_such)(const void *hold), uint32_t after);
/* It has ended. A number that is no ticket of the worker's is passed over. */
void tickets_take(struct tickets *tickets, size_t worker, uint32_t number);
/* The worker has ended. */
void tickets_take_all(struct tickets *tickets, size_t worker);
/* How many connections it has. */
size_t tickets_of(const struct tickets *tickets, size_t worker);
