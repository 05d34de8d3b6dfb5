/* visits: owns fixed tables of the addresses and networks whose peers came within the minute under
 * way. */
#include "nakodo/net/ws/visits.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/address.h"
#include "nakodo/base/hash.h"
#include "nakodo/base/log.h"
#include "nakodo/base/meter.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"

#define SLOTS 4096
#define NETWORKS 1024

struct slot {
	struct address address; /* group or network */
	unsigned logged, unlogged;
};

struct visits {
	struct deadlines *deadlines;
	struct wheel_timer timer; /* set while somebody is unlogged */
	uint64_t end; /* of the minute under way, in ms */
	struct slot slots[SLOTS], networks[NETWORKS];
};

struct visits *visits_create(void)
{
	return calloc(1, sizeof(struct visits));
}

void visits_destroy(struct visits *visits)
{
	free(visits);
}

void visits_start(struct visits *visits, struct deadlines *deadlines)
{
	visits->deadlines = deadlines;
}

/* `what` is an address, or a network. */
static void tell(const struct slot *slot, const char *what)
{
	char where[ADDRESS_TEXT];

	if (slot->unlogged) {
		log_warn("peer.unlogged", LOG_STR(what, address_format(&slot->address, where)),
			LOG_UINT("peers", slot->unlogged));
	}
}

/* Whoever had the slot of that address before is told of, and forgotten. */
static struct slot *slot_of(
	struct slot *table, size_t size, struct address address, const char *what)
{
	struct slot *slot = &table[hash_bytes(&address, sizeof(address)) % size];

	if (memcmp(&slot->address, &address, sizeof(address))) {
		tell(slot, what);
		*slot = (struct slot){.address = address};
	}
	return slot;
}

void visits_settle(struct visits *visits)
{
	for (size_t i = 0; i < SLOTS; i++) {
		tell(&visits->slots[i], "address");
	}
	for (size_t i = 0; i < NETWORKS; i++) {
		tell(&visits->networks[i], "network");
	}
	memset(visits->slots, 0, sizeof(visits->slots));
	memset(visits->networks, 0, sizeof(visits->networks));
	visits->end = 0;
}

bool visits_may_log(struct visits *visits, const struct address *address, uint64_t now)
{
	struct slot *slot, *network;

	if (now >= visits->end) {
		visits_settle(visits);
		visits->end = now + VISITS_EVERY;
	}
	slot = slot_of(visits->slots, SLOTS, address_group(address), "address");
	network = slot_of(visits->networks, NETWORKS, address_network(address), "network");
	if (slot->logged >= VISITS_MOST) {
		slot->unlogged++;
	} else if (network->logged >= VISITS_MOST * CENSUS_NETWORK) {
		network->unlogged++;
	} else {
		slot->logged++;
		network->logged++;
		return true;
	}
	meter_add(METER_PEERS_UNLOGGED, 1);
	return false;
}

static void on_end(struct wheel_timer *timer)
{
	visits_settle(lws_container_of(timer, struct visits, timer));
}

void visits_open(struct visits *visits, struct conn *conn)
{
	uint64_t now = deadlines_now(visits->deadlines);
	char where[ADDRESS_TEXT];

	if (log_threshold() < LOG_LEVEL_INFO) {
		return;
	}
	conn->logged = visits_may_log(visits, &conn->address, now);
	if (!conn->logged) {
		deadlines_set(visits->deadlines, &visits->timer, visits->end - now, on_end);
		return;
	}
	log_info("peer.open", LOG_UINT("conn", conn->peer.id),
		LOG_STR("address", address_format(&conn->address, where)),
		LOG_STR("dialect", conn->mount->dialect->name),
		LOG_STR("mount", conn->mount->path ? conn->mount->path : ""));
}

void visits_leave(const struct conn *conn)
{
	if (conn->logged) {
		log_info("peer.leave", LOG_UINT("conn", conn->peer.id));
	}
}
