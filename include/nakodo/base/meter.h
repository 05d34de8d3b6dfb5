/*
 * meter: counters and gauges by name: what came, what went, and how often each limit bit.
 *
 * One table (meter.c) gives each its name, its kind and what it counts. A counter only grows, from
 * the start of the process; a gauge is what is there now. They are global, as the log is: an add
 * must cost nothing but the add, in every layer. SIGUSR1 logs them all, one line each.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/meter_names.h"

enum meter_kind { METER_COUNTER, METER_GAUGE };

struct meter_row {
	const char
		*name; /* lower case with underscores, without unit or suffix for a plain count */
	const char *help; /* one sentence: what one unit of it is */
	enum meter_kind kind;
};

extern const struct meter_row meter_rows[METER_COUNT];
extern uint64_t *meter_values; /* METER_COUNT of them; of this process (board.h) */

static inline void meter_add(enum meter meter, uint64_t count)
{
	meter_values[meter] += count;
}

static inline void meter_subtract(enum meter meter, uint64_t count)
{
	meter_values[meter] -= count;
}

static inline void meter_set(enum meter meter, uint64_t value)
{
	meter_values[meter] = value;
}

/* Count one request that was refused with that code, as "bad-origin". */
void meter_refused(const char *code);
/* Count one peer that was closed with that code by us. */
void meter_closed(unsigned code);
