/*
 * limit: how fast one peer may send.
 *
 * The generic cell rate algorithm (ITU-T I.371): one number per peer instead of a bucket that must
 * be refilled. Nothing is refused here; the caller learns how long to leave the peer unread.
 */
#pragma once

#include <stdint.h>

struct limit {
	uint64_t due; /* when the messages so far would have arrived at exactly the rate, µs */
};

/* Count one message at `now` ms against `rate` per second with `burst` in a row allowed.
 * 0: the next one may be read at once; else the milliseconds until it may. `rate` 0: no limit. */
uint64_t limit_spend(struct limit *limit, uint64_t now, uint64_t rate, uint64_t burst);
/* The same for a message of so many bytes; `rate` and `burst` are bytes too, up to 2^40. */
uint64_t limit_spend_bytes(
	struct limit *limit, uint64_t now, uint64_t rate, uint64_t burst, uint64_t bytes);
