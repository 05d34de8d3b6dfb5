/*
 * pacing: what is known of a connection that was held once, shared by pace.c and counting.c.
 */
#pragma once

#include "nakodo/net/socket/conn.h"
#include "nakodo/net/ws/pace.h"
#include "nakodo/net/ws/ws.h"

struct census_group;
struct question;
struct request;

/* Made when the connection is held for the first time, kept until its peer leaves. */
struct pacing {
	struct conn *conn;
	struct pacing *prev, *next; /* while it is to be settled: pace's `settling` (utlist DL) */
	struct request *request; /* it is pending; NULL: it is not. Owned */
	struct question *question; /* that is open; NULL: none */
	struct held *backlog; /* read, but not due (utlist DL) */
	uint64_t due; /* ms: when its rates allow the next message */
	uint64_t held_since, released; /* ms: when holding began, when a message was due last */
	uint64_t granted_in; /* the turn in which it may be read whatever its address has used, */
	unsigned granted; /* so many times */
};

static inline struct pace *pace_of(const struct conn *conn)
{
	return &conn->ws->pace;
}

/* NULL: no memory, and the peer is closed. */
struct pacing *pacing_of(struct conn *conn);
/* Of its address. It may have left its place, by a message or since it is about to leave, after
 * which nothing may be known of its address: NULL. */
struct census_group *pacing_group(const struct conn *conn);
/* Nothing else changes `hold`: the list and the timer are in step with it (pace.h). Who is put into
 * the list again comes last in it. The pacing is there. */
void pacing_hold(struct conn *conn, enum conn_hold hold);
/* If its address has had its time. */
void pacing_hold_for_others(struct conn *conn);
