/* counting: what each message costs its peer, and what that means for the next one (pace.h). */
#include "nakodo/base/meter.h"
#include "nakodo/hub/press.h"
#include "nakodo/net/ws/rates.h"
#include "pacing.h"

#define HELD_MAX 30000 /* ms of being held in a row before the peer is closed */
#define HELD_GAP 1000 /* ms without being held that end such a row */

/* Its rates want it to wait. The peer is closed if they have wanted that for long. */
static void note_wait(struct pacing *pacing, uint64_t now, const char *why)
{
	if (!pacing->held_since || now - pacing->released > HELD_GAP) {
		pacing->held_since = now;
	}
	if (now - pacing->held_since >= HELD_MAX) {
		hub_close(&pacing->conn->peer, 4429, why);
	}
}

/* The ms that its rates want it to wait. */
static uint64_t count(struct conn *conn, uint64_t now, size_t len)
{
	uint64_t bytes = rates_spend_bytes(conn, len), messages = rates_spend_message(conn);

	if ((messages || bytes) && pacing_of(conn)) {
		note_wait(conn->pacing, now, messages ? "too many messages" : "too many bytes");
	}
	return messages > bytes ? messages : bytes;
}

static void hold(struct conn *conn, uint64_t due, enum meter meter)
{
	conn->pacing->due = due;
	if (conn->hold == HOLD_NONE) {
		meter_add(meter, 1);
		pacing_hold(conn, HOLD_PENDING);
	}
}

void pace_hear(struct conn *conn)
{
	press_hear(pace_of(conn)->presses);
	turn_begin(&pace_of(conn)->turn, pacing_group(conn));
}

void pace_count(struct conn *conn, size_t len)
{
	uint64_t now = pace_now(conn), rate = 0, readers;

	turn_end(&pace_of(conn)->turn, pacing_group(conn));
	if (conn->leaving) {
		return; /* it has been counted, and there is nothing to be left unread */
	}
	readers = press_wait(pace_of(conn)->presses, &conn->peer, conn->place, now);
	if (conn->peer.state == PEER_OPEN) {
		rate = count(conn, now, len);
	}
	if ((rate || readers) && conn->peer.state == PEER_OPEN && pacing_of(conn)) {
		hold(conn, now + rate, rate ? METER_HELD : METER_HELD_FOR_READERS);
	}
}

void pace_count_piece(struct conn *conn, size_t len)
{
	uint64_t now = pace_now(conn), due;

	if (len >= PACE_PIECE) {
		return;
	}
	turn_begin(&pace_of(conn)->turn, conn->place);
	turn_end(&pace_of(conn)->turn, conn->place);
	pacing_hold_for_others(conn);
	if (conn->peer.state != PEER_OPEN) {
		return; /* there was no memory for it */
	}
	due = now + rates_spend_bytes(conn, PACE_PIECE - len);
	if (due == now || !pacing_of(conn)) {
		return;
	}
	note_wait(conn->pacing, now, "too many small pieces");
	if (conn->peer.state == PEER_OPEN) {
		hold(conn, due > conn->pacing->due ? due : conn->pacing->due, METER_HELD);
	}
}
