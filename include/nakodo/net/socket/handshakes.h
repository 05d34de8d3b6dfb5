/*
 * handshakes: TLS handshakes begin in the order in which clients began to speak, and only so many
 * in a turn of the loop, so that a storm of them delays nobody who is here already by more than a
 * few milliseconds. A client that says nothing is not in the queue and holds nobody up.
 */
#pragma once

#include <uv.h>

struct accepted;
struct queued_handshake;

struct handshakes {
	struct queued_handshake *queue; /* the oldest first (utlist DL) */
	uv_idle_t idle; /* runs, and keeps the loop from resting, while somebody waits */
};

/* Before the loop runs. */
void handshakes_init(struct handshakes *handshakes, uv_loop_t *loop);
/* The client has begun to speak TLS: adopt it (conn_adopt()) when its turn has come. Takes over
 * what `accepted` owns. */
void handshakes_add(struct handshakes *handshakes, struct accepted *accepted);
/* Close those that wait, and give the handle back to the loop. */
void handshakes_finish(struct handshakes *handshakes);

#ifdef NAKODO_AUDIT
struct audit;
/* What those take that wait (hub/audit.h). */
void handshakes_audit(const struct handshakes *handshakes, struct audit *audit);
#endif
