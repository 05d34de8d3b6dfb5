/*
 * turn: how long the messages of one address may keep one turn of the loop busy. What is beyond it
 * is delivered in the next turns (ws/pace.h), so whoever says little is never behind more than
 * that of each other address.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nakodo/hub/hub.h"

struct census_group;
struct deadlines;

struct turn {
	const struct hub *hub;
	const struct deadlines *deadlines;
	uint64_t number;
	const void *speaker; /* the address whose message came last; only compared */
	uint64_t others; /* ms: when it was another than before */
	uint64_t began; /* ns: when the message being delivered came, or the last one ended */
	bool goes_on; /* nothing but reading has been done since then */
	struct queued queued; /* before that message */
};

void turn_start(struct turn *turn, const struct hub *hub, const struct deadlines *deadlines);
/* The next one begins: every address has its time again. */
void turn_next(struct turn *turn);
/* May a message of that address be delivered in this turn? */
bool turn_has_room(const struct turn *turn, const struct census_group *group);
/* A message of it is about to be delivered, and has been. To look at the clock is a good part of
 * the work for a short message, so each begins when the one before has ended: its reading counts
 * too. */
void turn_begin(struct turn *turn, const struct census_group *group);
void turn_end(struct turn *turn, struct census_group *group);
/* Something else may have taken time since the last message. */
void turn_interrupt(struct turn *turn);
