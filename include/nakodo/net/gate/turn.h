/*
 * turn: how long the messages of one address, and its coming and going, may keep one turn of the
 * loop busy. Messages beyond that are delivered in the next turns (ws/pace.h), so whoever says
 * little is never behind more than that of each other address. Who comes and who leaves is put off
 * in the same way.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nakodo/hub/hub.h"

/* What is taken for certain reads cannot be measured before them: ns. */
#define TURN_READ 40000 /* who is read again: a read that is full of the smallest messages, */
#define TURN_RECORD 400000 /* by TLS a record; also who has come: one behind the request */
#define TURN_REQUEST 100000 /* a request with its answer */
#define TURN_END 50000 /* the end of a peer's connection */
#define TURN_BYTE 8 /* each byte by TLS, decrypted and cut into frames that nobody is told of */

struct census_group;
struct deadlines;

struct turn {
	const struct hub *hub;
	const struct deadlines *deadlines;
	uint64_t number;
	const void *speaker; /* the address whose message came last; only compared */
	uint64_t spoke, others; /* ms: when that was, and since when it was no other's */
	uint64_t began; /* ns: when the message being delivered came, or the last one ended */
	bool busy; /* between turn_begin() or turn_begin_aside() and turn_end() */
	bool goes_on; /* nothing but reading has been done since then */
	struct queued queued; /* before that message */
};

void turn_start(struct turn *turn, const struct hub *hub, const struct deadlines *deadlines);
/* The next one begins: every address has its time again. */
void turn_next(struct turn *turn);
/* May a message of that address be delivered in this turn? If not, none of its will be: whoever is
 * told to wait is overtaken by nobody of its address. */
bool turn_has_room(const struct turn *turn, struct census_group *group);
/* A message of it is about to be delivered, and has been. To look at the clock is a good part of
 * the work for a short message, so each begins when the one before has ended: its reading counts
 * too. */
void turn_begin(struct turn *turn, const struct census_group *group);
void turn_end(struct turn *turn, struct census_group *group);
/* One of it takes so many ns besides. */
void turn_spend(struct turn *turn, struct census_group *group, uint64_t ns);
/* A peer comes or leaves, and its dialect is about to be told; turn_end() follows. False: that is a
 * message's doing, whose speaker it is charged to, and it does not. */
bool turn_begin_aside(struct turn *turn);
/* Something else may have taken time since the last message. */
void turn_interrupt(struct turn *turn);
