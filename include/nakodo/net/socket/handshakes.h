/*
 * handshakes: TLS handshakes begin, and plain requests are answered, in the order in which the
 * clients of an address began to speak TLS or ended the head of their request, and only so many in
 * a turn of the loop; and of an address or network only as long as few have not come to their
 * costly step (census_may_shake_hands()): with TLS its key exchange, else the answer. So neither a
 * storm of them nor a crowd that keeps back its last bytes delays those who are here already by
 * more than a few milliseconds. Addresses take turns. A client that says nothing is not in the
 * queue, and one that does not go on is in nobody's way for long (conn_adopt()).
 */
#pragma once

#include <stddef.h>
#include <uv.h>

struct accepted;
struct lane;

struct handshakes {
	struct lane *lanes; /* of the addresses of which somebody waits, in turn (utlist DL) */
	struct lane *by_group; /* the same (uthash) */
	size_t lane_count;
	uv_prepare_t prepare; /* runs while somebody waits */
	uv_idle_t idle; /* keeps the loop from resting while somebody waits who has room */
};

/* Before the loop runs. */
void handshakes_init(struct handshakes *handshakes, uv_loop_t *loop);
/* Adopt it (conn_adopt()) when its turn has come. Takes over what `accepted` owns. */
void handshakes_add(struct handshakes *handshakes, struct accepted *accepted);
/* Close those that wait, and give the handles back to the loop. */
void handshakes_finish(struct handshakes *handshakes);

#ifdef NAKODO_AUDIT
struct audit;
/* What those take that wait (hub/audit.h). */
void handshakes_audit(const struct handshakes *handshakes, struct audit *audit);
#endif
