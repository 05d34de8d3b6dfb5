/* tickets: owns the table. Its first entry is nobody's, so that 0 is no ticket. */
#include "nakodo/net/workers/tickets.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/socket/sockets.h"

#define ROOM_FIRST 1024

struct ticket {
	struct census_group *group;
	void *hold;
	uint32_t next_free; /* 0: in use, or the last */
	uint32_t worker : 30; /* from 1; 0: free */
	uint32_t second : 1; /* the connection is counted by another one */
	uint32_t relay : 1;
};

int tickets_init(struct tickets *tickets, struct sockets *sockets, size_t workers)
{
	*tickets = (struct tickets){
		.sockets = sockets, .counts = calloc(workers, sizeof(*tickets->counts))};
	return tickets->counts ? 0 : -ENOMEM;
}

void tickets_finish(struct tickets *tickets)
{
	free(tickets->all);
	free(tickets->counts);
}

static bool grow(struct tickets *tickets)
{
	uint32_t first = tickets->room ? tickets->room : 1;
	uint32_t room = tickets->room ? tickets->room * 2 : ROOM_FIRST;
	struct ticket *all = reallocarray(tickets->all, room, sizeof(*all));

	if (!all) {
		return false;
	}
	for (uint32_t i = first; i < room; i++) {
		all[i] = (struct ticket){.next_free = i + 1 < room ? i + 1 : 0};
	}
	tickets->all = all;
	tickets->room = room;
	tickets->free = first;
	return true;
}

static uint32_t give(struct tickets *tickets, struct ticket ticket)
{
	uint32_t number;

	if (!tickets->free && !grow(tickets)) {
		return 0;
	}
	number = tickets->free;
	tickets->free = tickets->all[number].next_free;
	tickets->all[number] = ticket;
	return number;
}

uint32_t tickets_give(
	struct tickets *tickets, size_t worker, struct census_group *group, void *hold)
{
	uint32_t number = give(tickets,
		(struct ticket){.group = group, .hold = hold, .worker = (uint32_t)worker + 1});

	if (number) {
		tickets->sockets->count++;
		tickets->counts[worker]++;
	}
	return number;
}

uint32_t tickets_give_second(struct tickets *tickets, size_t worker, void *hold)
{
	return give(tickets,
		(struct ticket){.hold = hold, .worker = (uint32_t)worker + 1, .second = true});
}

static void count_off(struct tickets *tickets, const struct ticket *ticket)
{
	census_remove_connection(tickets->sockets->gate->census, ticket->group);
	tickets->sockets->count--;
	tickets->counts[ticket->worker - 1]--;
}

void tickets_take(struct tickets *tickets, size_t worker, uint32_t number)
{
	struct ticket *ticket = number < tickets->room ? &tickets->all[number] : NULL;
	void *hold;

	if (!number || !ticket || ticket->worker != worker + 1) {
		return;
	}
	hold = ticket->hold;
	if (!ticket->second) {
		count_off(tickets, ticket);
	}
	*ticket = (struct ticket){.next_free = tickets->free};
	tickets->free = number;
	if (hold) {
		tickets->released(tickets->cookie, hold);
	}
}

void tickets_take_all(struct tickets *tickets, size_t worker)
{
	for (uint32_t i = 1; i < tickets->room; i++) {
		tickets_take(tickets, worker, i);
	}
}

void tickets_mark_relay(struct tickets *tickets, uint32_t number)
{
	tickets->all[number].relay = true;
}

uint32_t tickets_next(const struct tickets *tickets, size_t worker,
	bool (*is_such)(const void *hold), uint32_t after)
{
	for (uint32_t i = after + 1; i < tickets->room; i++) {
		const struct ticket *ticket = &tickets->all[i];

		if (ticket->worker == worker + 1 && ticket->hold && !ticket->relay &&
			is_such(ticket->hold)) {
			return i;
		}
	}
	return 0;
}

size_t tickets_of(const struct tickets *tickets, size_t worker)
{
	return tickets->counts[worker];
}
