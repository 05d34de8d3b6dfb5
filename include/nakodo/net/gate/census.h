/*
 * census: how many connections and peers each address has, how often it connects, what those who
 * left have used of their rates, and whom the log has told of lately.
 *
 * It counts at two levels: by address group (an IPv4 address, an IPv6 /64) and by network (an IPv4
 * /24, an IPv6 /48), where CENSUS_NETWORK times as much is allowed. Addresses that are not known
 * are neither counted nor refused: their group is NULL, and every function takes NULL for a group.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address;
struct census;
struct census_group; /* stays while something is counted in it */

#define CENSUS_NETWORK 8
#define CENSUS_WORK 2 /* times as much of the loop's time for a network as for an address */
#define CENSUS_HANDSHAKES 8 /* of an address that have not come to their costly step */
#define CENSUS_BURST 10 /* seconds' worth of connects that may come at once */

/* What a connection may owe when it ends: what it sent faster than its rate allows, in the time
 * that the rate takes for it. */
enum census_debt { CENSUS_MESSAGES, CENSUS_BYTES, CENSUS_DEBTS };

struct census *census_create(void); /* NULL: no memory */
void census_destroy(struct census *census);

/* Count one more connection (or WebSocket peer) of the address, unless its group has `most` already
 * or its network CENSUS_NETWORK times as many (0: no bound). False: not counted. */
bool census_add_connection(struct census *census, const struct address *address, size_t most,
	struct census_group **ret);
bool census_add_peer(struct census *census, const struct address *address, size_t most,
	struct census_group **ret);
void census_remove_connection(struct census *census, struct census_group *group);
void census_remove_peer(struct census *census, struct census_group *group);
/* The address's group, if anything is known of it; else NULL. */
struct census_group *census_find(struct census *census, const struct address *address);
/* The same, and if nothing is known of a known address, it is from now on: as of one that has left,
 * of which some thousands are remembered. NULL: it is not known, or there is no memory. */
struct census_group *census_enter(struct census *census, const struct address *address);

/* Count a connect at `now` ms against `rate` per second (0: no bound). *ret_wait is for how many ms
 * the connection has to wait for its turn; false if that were more than `patience`: not counted. */
bool census_connect(struct census_group *group, uint64_t rate, uint64_t now, uint64_t patience,
	uint64_t *ret_wait);
/* For how many ms would it have to wait? */
uint64_t census_wait(const struct census_group *group, uint64_t rate, uint64_t now);

/* A peer, which is still counted, ends at `now` ms and owes so many µs. The debt becomes less with
 * time, as fast as it would have if the peer had stayed: but never as if more had stayed than were
 * there at once. */
void census_leave_debt(
	struct census_group *group, enum census_debt debt, uint64_t owed, uint64_t now);
/* Take out, for a peer that begins, the share of that debt which one of them left, µs, but no more
 * than `most`: it may be another's. */
uint64_t census_take_debt(
	struct census_group *group, enum census_debt debt, uint64_t most, uint64_t now);
/* That share, without taking it out. */
uint64_t census_share_of_debt(struct census_group *group, enum census_debt debt, uint64_t now);

/* A connection has sent so many bytes that nothing else counts; so many have all connections of the
 * group in the same round (ws/flood.h), with these. */
uint64_t census_count_surplus(struct census_group *group, uint32_t round, uint32_t bytes);

/* Its messages took `ns` of the loop's time in a turn with that number, and how much they and those
 * of the rest of its network, of which CENSUS_WORK times as much is expected, took in it so far. */
void census_work(struct census_group *group, uint64_t turn, uint64_t ns);
uint64_t census_worked(const struct census_group *group, uint64_t turn);
/* Whatever it took, it has no time left in that turn; its network has. */
void census_use_up(struct census_group *group, uint64_t turn);

/* Connections whose costly step, of TLS or a plain request, is still to come could all come to it
 * in the same turn of the loop. How many there may be is bounded: CENSUS_HANDSHAKES for an address,
 * CENSUS_WORK times as many for its network. */
bool census_may_shake_hands(const struct census_group *group);
void census_begin_handshake(struct census_group *group);
void census_end_handshake(struct census_group *group);
/* One waits until it may, or does not any more. */
void census_queue_handshake(struct census_group *group);
void census_unqueue_handshake(struct census_group *group);
/* Do more wait than may begin? */
bool census_is_crowded(const struct census_group *group);

/* May one more large file go to it (http/download.h), of `most` that may be on their way to all?
 * An eighth of them may go to an address, CENSUS_WORK times as many to its network; one always. */
bool census_may_get_file(const struct census_group *group, size_t most);
void census_begin_file(struct census_group *group);
void census_end_file(struct census_group *group);

/* May a refusal of this address be logged? Once a minute for each address, and 64 times for each
 * network; `now` in ms. The memory is bounded, so very many may be logged less, never more. */
bool census_may_log(struct census *census, const struct address *address, uint64_t now);
