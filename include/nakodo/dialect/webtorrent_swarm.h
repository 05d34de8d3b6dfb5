/*
 * webtorrent_swarm: who takes part in which torrent, and who was sent whose offers.
 *
 * - swarm: the members of one torrent, in an array whose order means nothing; made by the first to
 * announce, gone with the last
 * - seat: a peer id in a swarm; it belongs to the connection that announced it
 * - owner: what a connection has
 *
 * Nothing here costs more in a large swarm than in a small one. All of it is in MEMORY_ROOMS.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/hash.h"
#include "nakodo/base/wheel.h"
#include "nakodo/dialect/webtorrent_bytes.h"

#define WEBTORRENT_EXPIRE 1200000 /* ms without an announce, after which a member is forgotten */
#define WEBTORRENT_ANSWER 120000 /* ms in which an offer may be answered */
#define WEBTORRENT_ASKED 64 /* offers of one member that may be answered at a time: the newest */

struct audit;
struct hub;
struct options;
struct peer;
struct webtorrent_asked;

/* One for each mount. */
struct webtorrent {
	struct wheel_timer timer; /* first: turned back by a cast */
	struct hub *hub;
	const struct options *options; /* read when they are needed: a reload changes them */
	struct webtorrent_swarm *swarms; /* by hash */
	struct webtorrent_seat *seats; /* by swarm and id */
	struct webtorrent_seat *oldest; /* all of them, who announced longest ago first */
	size_t owners; /* connections */
	size_t tables; /* bytes of the hash tables */
	uint64_t seated; /* so many ever were */
	unsigned char key[HASH_KEY_SIZE]; /* of what is remembered of offers */
};

struct webtorrent_owner {
	struct webtorrent *torrents;
	struct peer *peer;
	struct webtorrent_seat *seats;
	size_t count; /* of its seats */
	size_t bytes; /* that it and they take */
};

struct webtorrent_swarm {
	struct webtorrent *torrents;
	struct webtorrent_seat **seats;
	size_t count, room;
	size_t complete; /* members that have the whole torrent */
	unsigned char hash[WEBTORRENT_ID];
	UT_hash_handle hh;
};

struct webtorrent_seat {
	struct webtorrent_swarm *swarm; /* this and the next are its key */
	unsigned char id[WEBTORRENT_ID];
	uint32_t index; /* in swarm->seats */
	struct webtorrent_owner *owner;
	uint64_t number; /* never reused */
	uint64_t announced; /* ms of hub_now() */
	bool complete;
	unsigned char asked_room, asked_first, asked_count; /* of the ring of offers it made */
	struct webtorrent_asked *asked;
	struct webtorrent_seat *prev, *next; /* by age (utlist DL) */
	struct webtorrent_seat *seat_prev, *seat_next; /* of the owner (utlist DL) */
	UT_hash_handle hh;
};

/* What a connection has at first: no seat. NULL: no memory. */
struct webtorrent_owner *webtorrent_swarm_add_owner(struct webtorrent *torrents, struct peer *peer);
/* With all its seats. */
void webtorrent_swarm_remove_owner(struct webtorrent_owner *owner);
/* NULL: nobody is there. */
struct webtorrent_swarm *webtorrent_swarm_find(
	const struct webtorrent *torrents, const unsigned char hash[WEBTORRENT_ID]);
/* `swarm` may be NULL. NULL: that id is not there. */
struct webtorrent_seat *webtorrent_swarm_seat(
	struct webtorrent_swarm *swarm, const unsigned char id[WEBTORRENT_ID]);
/* A seat for an id that has none. NULL: no memory. */
struct webtorrent_seat *webtorrent_swarm_join(struct webtorrent_owner *owner,
	const unsigned char hash[WEBTORRENT_ID], const unsigned char id[WEBTORRENT_ID]);
/* Forget the seat, and the swarm with its last one. */
void webtorrent_swarm_leave(struct webtorrent_seat *seat);
/* The member has announced itself. */
void webtorrent_swarm_touch(struct webtorrent_seat *seat);
void webtorrent_swarm_set_complete(struct webtorrent_seat *seat, bool complete);
/* Bring so many other members, chosen at random, to the front of the swarm's array. Returns how
 * many: fewer if there are no more. */
size_t webtorrent_swarm_choose(struct webtorrent_seat *seat, size_t count);
/* `from` offers something to `to`, which may answer it once. -ENOMEM: it may not. */
int webtorrent_swarm_ask(struct webtorrent_seat *from, const struct webtorrent_seat *to,
	const unsigned char offer[WEBTORRENT_ID]);
/* Was it asked, and has it not answered yet? From now on it has. */
bool webtorrent_swarm_take_asked(struct webtorrent_seat *from, const struct webtorrent_seat *to,
	const unsigned char offer[WEBTORRENT_ID]);

#ifdef NAKODO_AUDIT
void webtorrent_swarm_audit(const struct webtorrent *torrents, struct audit *audit);
#endif
