/*
 * visits: what the log says of peers that come and go: `peer.open` and `peer.leave`.
 *
 * One address (group) fills no log: of its peers VISITS_MOST a minute are logged, with their
 * leaving, and when the minute is over `peer.unlogged address=… peers=N` says how many more came.
 * Of a network CENSUS_NETWORK times as many are; `peer.unlogged network=… peers=N` says how many
 * more came of its addresses that had less than that. The memory is bounded, so of very many
 * addresses more may be logged, never less.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct address;
struct conn;
struct deadlines;
struct visits;

#define VISITS_MOST 512 /* an office of 256 that comes back at once, twice */
#define VISITS_EVERY 60000 /* ms */

struct visits *visits_create(void); /* NULL: no memory */
void visits_destroy(struct visits *visits); /* takes NULL */
void visits_start(struct visits *visits, struct deadlines *deadlines);

/* Log that its peer has opened. */
void visits_open(struct visits *visits, struct conn *conn);
/* Log that its peer has left, if visits_open() logged that it came. */
void visits_leave(const struct conn *conn);

/* May one more peer of the address be logged? `now` in ms. */
bool visits_may_log(struct visits *visits, const struct address *address, uint64_t now);
/* The minute is over, or all of it: say how many were not, and begin anew. */
void visits_settle(struct visits *visits);
