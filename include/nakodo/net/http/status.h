/*
 * status: how the daemon is, as members of a JSON object: for the page /status, and for `nakodo ctl
 * status` and `top`. Nothing of it takes longer with many peers than with none; what is said of
 * rooms is bounded by largest.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct largest;
struct reply;
struct sockets;
struct text;

/* State, uptime, who is here, memory, messages, behind the brace that begins the object; `started`
 * is in seconds since 1970. */
void status_print(struct text *out, const struct sockets *sockets, int64_t started);
/* What else rates are worked out from: bytes, and the loop's turns, which are measured if a
 * listener says ?metrics. */
void status_print_work(struct text *out);
/* /status.json: all of this, every meter, and the largest rooms, with their names if the client may
 * see these. */
void status_answer(const struct sockets *sockets, int64_t started, struct largest *largest,
	bool named, struct reply *ret);
