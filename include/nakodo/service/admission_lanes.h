/*
 * admission_lanes: the order in which questions are asked. Each question has a place, in the lane
 * of its address group. Networks take turns, in each of them its addresses, and in each of these
 * the questions, so that who asks much waits behind itself, also from many addresses of a network.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct address;
struct admission_lane;
struct admission_network;

/* In its owner's question. It waits, is under way, or neither. */
struct admission_place {
	struct admission_place *prev, *next;
	struct admission_lane *lane;
};

/* All zero: empty. */
struct admission_lanes {
	struct admission_lane *lanes; /* by address group */
	struct admission_network *networks; /* by address */
	struct admission_network *turns; /* with somebody who waits, the next one first */
	struct admission_place *flying; /* the oldest first */
	unsigned in_flight;
};

/* A place for somebody of that address. False: no memory. */
bool admission_lanes_enter(struct admission_lanes *lanes, struct admission_place *place,
	const struct address *address);
/* It neither waits nor is under way. */
void admission_lanes_leave(struct admission_lanes *lanes, struct admission_place *place);

/* Wait behind, or before, the others of the address. */
void admission_lanes_wait(struct admission_lanes *lanes, struct admission_place *place, bool first);
void admission_lanes_stop_waiting(struct admission_lanes *lanes, struct admission_place *place);
/* Whose turn it is; NULL: nobody waits. */
struct admission_place *admission_lanes_next(const struct admission_lanes *lanes);
/* The turn of this one's lane comes next. It waits. */
void admission_lanes_prefer(struct admission_lanes *lanes, struct admission_place *place);

/* It waits no more and is under way; its address and its network come last now. */
void admission_lanes_fly(struct admission_lanes *lanes, struct admission_place *place);
void admission_lanes_land(struct admission_lanes *lanes, struct admission_place *place);
/* The newest that is under way, of the network with most of them, if that has more than the
 * newcomer's would have with one more; else of the newcomer's network, if one of its addresses
 * has more than the newcomer's would. NULL: nobody has. */
struct admission_place *admission_lanes_who_makes_way(
	const struct admission_lanes *lanes, const struct admission_place *newcomer);

/* Visit all that wait or are under way; nothing may change meanwhile. */
void admission_lanes_each(const struct admission_lanes *lanes,
	void (*visit)(void *cookie, struct admission_place *place), void *cookie);

#ifdef NAKODO_AUDIT
size_t admission_lanes_audit(const struct admission_lanes *lanes); /* bytes, counted anew */
#endif
