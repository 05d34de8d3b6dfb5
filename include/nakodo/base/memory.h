/*
 * memory: what is held on behalf of clients, in bytes, counted where it is made and freed; the
 * gauges memory_* of meter.h. It is what `max-memory` bounds. What the program needs for itself is
 * not in it, nor what the allocator adds.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/meter.h"

enum memory_kind {
	MEMORY_CONNECTIONS = METER_MEMORY_CONNECTIONS, /* sockets, TLS, libwebsockets' part */
	MEMORY_FRAMES = METER_MEMORY_FRAMES, /* that wait, or are kept for a session, or lie in the
						library; and the queues they wait in */
	MEMORY_RECEIVED = METER_MEMORY_RECEIVED, /* messages in parts, or not due yet */
	MEMORY_ROOMS = METER_MEMORY_ROOMS, /* members, sessions, chat, queues of the dialects */
	MEMORY_ANSWERS = METER_MEMORY_ANSWERS, /* of HTTP, that slow clients have not taken */
	MEMORY_EVENTS =
		METER_MEMORY_EVENTS, /* that event-webhook has not been told yet; what auth-webhook
				is asked, and its answers that are good for longer */
};

static inline void memory_take(enum memory_kind kind, size_t bytes)
{
	meter_values[kind] += bytes;
}

static inline void memory_give(enum memory_kind kind, size_t bytes)
{
	meter_values[kind] -= bytes;
}

/* All kinds together. */
static inline uint64_t memory_used(void)
{
	return meter_values[METER_MEMORY_CONNECTIONS] + meter_values[METER_MEMORY_FRAMES] +
	       meter_values[METER_MEMORY_RECEIVED] + meter_values[METER_MEMORY_ROOMS] +
	       meter_values[METER_MEMORY_ANSWERS] + meter_values[METER_MEMORY_EVENTS];
}

/* The same of all processes that count together (board.h). */
uint64_t memory_held(void);
/* What this process may have: the machine's memory, or less if its control group (cgroups(7),
 * version 2 or 1) or one above it has a limit. */
uint64_t memory_available(void);
