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

enum meter {
	/* Gauges. */
	METER_CONNECTIONS,
	METER_PEERS,
	METER_ROOMS,
	METER_HANDSHAKES_QUEUED,
	METER_MEMORY_CONNECTIONS, /* these five: memory.h */
	METER_MEMORY_FRAMES,
	METER_MEMORY_RECEIVED,
	METER_MEMORY_ROOMS,
	METER_MEMORY_ANSWERS,
	/* Counters: connections. */
	METER_ACCEPTED,
	METER_ANSWERS_REFUSED,
	METER_ACCEPT_PAUSED,
	METER_LISTENERS_BROKEN,
	METER_ACCEPT_CAPPED,
	METER_QR_DRAWN,
	METER_QR_REFUSED,
	METER_FLOODS,
	METER_SENT_ON,
	METER_TLS_MESSAGES,
	METER_HANDSHAKES_GAVE_WAY,
	METER_ACCEPT_DELAYED,
	METER_ACCEPT_TOO_OFTEN,
	METER_ACCEPT_UNTRUSTED,
	METER_ACCEPT_LATE,
	METER_ACCEPT_BAD_HEADER,
	/* Counters: requests that were refused, by the answer's code (meter_refused()). */
	METER_REFUSED, /* the sum */
	METER_REFUSED_BAD_REQUEST,
	METER_REFUSED_BAD_HOST,
	METER_REFUSED_BAD_PROXY,
	METER_REFUSED_BAD_ORIGIN,
	METER_REFUSED_NO_TOKEN,
	METER_REFUSED_BAD_TOKEN,
	METER_REFUSED_NOT_GRANTED,
	METER_REFUSED_BAD_METHOD,
	METER_REFUSED_BAD_HANDSHAKE,
	METER_REFUSED_BAD_VERSION,
	METER_REFUSED_BAD_SUBPROTOCOL,
	METER_REFUSED_BODY_REFUSED,
	METER_REFUSED_TLS_REQUIRED,
	METER_REFUSED_NOT_FOUND,
	METER_REFUSED_UPGRADE_REQUIRED,
	METER_REFUSED_TOO_FAST,
	METER_REFUSED_TOO_MANY_CONNECTS,
	METER_REFUSED_TOO_MANY_PEERS,
	METER_REFUSED_SERVER_FULL,
	METER_REFUSED_DRAINING,
	METER_REFUSED_BUSY,
	/* Counters: messages. */
	METER_MESSAGES_IN,
	METER_BYTES_IN,
	METER_MESSAGES_WRONG,
	METER_MESSAGES_QUEUED, /* = out + dropped + what waits now */
	METER_MESSAGES_REFUSED,
	METER_MESSAGES_OUT,
	METER_BYTES_OUT,
	METER_MESSAGES_DROPPED,
	METER_HELD,
	METER_HELD_FOR_READERS,
	METER_HELD_FOR_OTHERS,
	METER_ADMITTED_LATER,
	METER_STALLED,
	/* Counters: what was full and made room, or did not. */
	METER_SEATS_YIELDED,
	METER_PEER_BUSY,
	METER_ENTRIES_YIELDED,
	METER_ENTRIES_REFUSED,
	METER_TOPICS_YIELDED,
	METER_TOPICS_REFUSED,
	METER_LETTERS_YIELDED,
	METER_LETTERS_REFUSED,
	/* Counters: what max-memory shed. */
	METER_SHED_LINES,
	METER_SHED_LETTERS,
	METER_SHED_SESSIONS,
	METER_SHED_PEERS,
	METER_SHED_ANSWERS,
	METER_SHED_NEWCOMERS,
	/* Counters: peers that were closed, by the close frame's code (meter_closed()). */
	METER_CLOSED_1000,
	METER_CLOSED_1001,
	METER_CLOSED_1002,
	METER_CLOSED_1005,
	METER_CLOSED_1007,
	METER_CLOSED_1009,
	METER_CLOSED_1011,
	METER_CLOSED_4400,
	METER_CLOSED_4403,
	METER_CLOSED_4408,
	METER_CLOSED_4409,
	METER_CLOSED_4413,
	METER_CLOSED_4429,
	METER_CLOSED_4508,
	METER_CLOSED_OTHER,
	/* Counters: what is told. */
	METER_TURN_CREDENTIALS,
	METER_LOG_DROPPED,
	METER_SHOW_DROPPED,
	METER_PEERS_UNLOGGED,
	/* Counters: memory. */
	METER_HEAP_TRIMS,
	METER_COUNT,
};

enum meter_kind { METER_COUNTER, METER_GAUGE };

struct meter_row {
	const char
		*name; /* lower case with underscores, without unit or suffix for a plain count */
	const char *help; /* one sentence: what one unit of it is */
	enum meter_kind kind;
};

extern const struct meter_row meter_rows[METER_COUNT];
extern uint64_t meter_values[METER_COUNT];

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
