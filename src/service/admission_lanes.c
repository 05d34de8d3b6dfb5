/* admission_lanes: see the header. Owns the lanes, which stay while a place is in them, and their
 * networks, which stay while they have a lane. */
#include "nakodo/service/admission_lanes.h"

#include <stdlib.h>
#include <utlist.h>

#include "nakodo/base/address.h"
#include "nakodo/base/hash.h"
#include "nakodo/base/memory.h"

struct admission_network {
	struct address address;
	struct admission_network *prev, *next; /* while somebody of it waits (utlist DL) */
	struct admission_lane *turns; /* with somebody who waits, the next one first (utlist DL) */
	unsigned lanes, flying;
	UT_hash_handle hh;
};

struct admission_lane {
	struct address address;
	struct admission_network *network;
	struct admission_lane *prev, *next; /* while somebody of it waits (utlist DL) */
	struct admission_place *waiting; /* utlist DL */
	unsigned places, flying;
	UT_hash_handle hh;
};

static struct admission_network *find_network(
	struct admission_lanes *lanes, const struct address *address)
{
	struct address key = address_network(address);
	struct admission_network *network;

	HASH_FIND(hh, lanes->networks, &key, sizeof(key), network);
	if (network) {
		return network;
	}
	network = calloc(1, sizeof(*network));
	if (!network) {
		return NULL;
	}
	network->address = key;
	HASH_ADD(hh, lanes->networks, address, sizeof(network->address), network);
	if (!network->hh.tbl) {
		free(network);
		return NULL;
	}
	memory_take(MEMORY_EVENTS, sizeof(*network));
	return network;
}

static void leave_network(struct admission_lanes *lanes, struct admission_network *network)
{
	if (!network->lanes) {
		HASH_DEL(lanes->networks, network);
		memory_give(MEMORY_EVENTS, sizeof(*network));
		free(network);
	}
}

static struct admission_lane *make_lane(struct admission_lanes *lanes, const struct address *key)
{
	struct admission_network *network = find_network(lanes, key);
	struct admission_lane *lane = network ? calloc(1, sizeof(*lane)) : NULL;

	if (!network) {
		return NULL;
	}
	if (lane) {
		lane->address = *key;
		lane->network = network;
		HASH_ADD(hh, lanes->lanes, address, sizeof(lane->address), lane);
	}
	if (!lane || !lane->hh.tbl) {
		free(lane);
		leave_network(lanes, network);
		return NULL;
	}
	network->lanes++;
	memory_take(MEMORY_EVENTS, sizeof(*lane));
	return lane;
}

bool admission_lanes_enter(
	struct admission_lanes *lanes, struct admission_place *place, const struct address *address)
{
	struct address key = address_group(address);
	struct admission_lane *lane;

	HASH_FIND(hh, lanes->lanes, &key, sizeof(key), lane);
	if (!lane) {
		lane = make_lane(lanes, &key);
	}
	if (!lane) {
		return false;
	}
	lane->places++;
	place->lane = lane;
	return true;
}

void admission_lanes_leave(struct admission_lanes *lanes, struct admission_place *place)
{
	struct admission_lane *lane = place->lane;
	struct admission_network *network = lane->network;

	place->lane = NULL;
	if (--lane->places) {
		return;
	}
	HASH_DEL(lanes->lanes, lane);
	memory_give(MEMORY_EVENTS, sizeof(*lane));
	free(lane);
	network->lanes--;
	leave_network(lanes, network);
}

void admission_lanes_wait(struct admission_lanes *lanes, struct admission_place *place, bool first)
{
	struct admission_lane *lane = place->lane;

	if (!lane->network->turns) {
		DL_APPEND(lanes->turns, lane->network);
	}
	if (!lane->waiting) {
		DL_APPEND(lane->network->turns, lane);
	}
	if (first) {
		DL_PREPEND(lane->waiting, place);
	} else {
		DL_APPEND(lane->waiting, place);
	}
}

void admission_lanes_stop_waiting(struct admission_lanes *lanes, struct admission_place *place)
{
	struct admission_lane *lane = place->lane;

	DL_DELETE(lane->waiting, place);
	if (!lane->waiting) {
		DL_DELETE(lane->network->turns, lane);
	}
	if (!lane->network->turns) {
		DL_DELETE(lanes->turns, lane->network);
	}
}

struct admission_place *admission_lanes_next(const struct admission_lanes *lanes)
{
	return lanes->turns ? lanes->turns->turns->waiting : NULL;
}

void admission_lanes_prefer(struct admission_lanes *lanes, struct admission_place *place)
{
	struct admission_lane *lane = place->lane;

	DL_DELETE(lane->network->turns, lane);
	DL_PREPEND(lane->network->turns, lane);
	DL_DELETE(lanes->turns, lane->network);
	DL_PREPEND(lanes->turns, lane->network);
}

static void come_last(struct admission_lanes *lanes, struct admission_lane *lane)
{
	struct admission_network *network = lane->network;

	if (lane->waiting) {
		DL_DELETE(network->turns, lane);
		DL_APPEND(network->turns, lane);
	}
	if (network->turns) {
		DL_DELETE(lanes->turns, network);
		DL_APPEND(lanes->turns, network);
	}
}

void admission_lanes_fly(struct admission_lanes *lanes, struct admission_place *place)
{
	admission_lanes_stop_waiting(lanes, place);
	come_last(lanes, place->lane);
	DL_APPEND(lanes->flying, place);
	place->lane->flying++;
	place->lane->network->flying++;
	lanes->in_flight++;
}

void admission_lanes_land(struct admission_lanes *lanes, struct admission_place *place)
{
	DL_DELETE(lanes->flying, place);
	place->lane->flying--;
	place->lane->network->flying--;
	lanes->in_flight--;
}

/* Of the network with most under way. */
static struct admission_place *find_fullest(const struct admission_lanes *lanes)
{
	struct admission_place *place, *most = NULL;

	DL_FOREACH (lanes->flying, place) {
		if (!most || place->lane->network->flying > most->lane->network->flying) {
			most = place;
		}
	}
	return most;
}

/* The newest of the address with most under way in that network. */
static struct admission_place *find_newest(
	const struct admission_lanes *lanes, const struct admission_network *network)
{
	struct admission_place *place, *most = NULL;

	DL_FOREACH (lanes->flying, place) {
		if (place->lane->network == network &&
			(!most || place->lane->flying >= most->lane->flying)) {
			most = place;
		}
	}
	return most;
}

struct admission_place *admission_lanes_who_makes_way(
	const struct admission_lanes *lanes, const struct admission_place *newcomer)
{
	const struct admission_network *own = newcomer->lane->network;
	const struct admission_place *fullest = find_fullest(lanes);
	struct admission_place *most;

	if (fullest && fullest->lane->network->flying > own->flying + 1) {
		return find_newest(lanes, fullest->lane->network);
	}
	most = find_newest(lanes, own);
	return most && most->lane->flying > newcomer->lane->flying + 1 ? most : NULL;
}

void admission_lanes_each(const struct admission_lanes *lanes,
	void (*visit)(void *cookie, struct admission_place *place), void *cookie)
{
	const struct admission_lane *lane;
	struct admission_place *place;

	DL_FOREACH (lanes->flying, place) {
		visit(cookie, place);
	}
	for (lane = lanes->lanes; lane; lane = lane->hh.next) {
		DL_FOREACH (lane->waiting, place) {
			visit(cookie, place);
		}
	}
}

#ifdef NAKODO_AUDIT
size_t admission_lanes_audit(const struct admission_lanes *lanes)
{
	return HASH_COUNT(lanes->lanes) * sizeof(*lanes->lanes) +
	       HASH_COUNT(lanes->networks) * sizeof(*lanes->networks);
}
#endif
