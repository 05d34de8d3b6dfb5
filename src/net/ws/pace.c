/* pace: owns what is known of each connection that was held once, with its backlog, and the list of
 * those to be stopped or read on. */
#include "nakodo/net/ws/pace.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/hub/audit.h"
#include "nakodo/hub/press.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/ws/ws.h"

#define BURST 4 /* seconds of the rate */
#define HELD_MAX 30000 /* ms of being held in a row before the peer is closed */
#define LOOK_AGAIN 100 /* ms, at whom it waits for */
#define HELD_GAP 1000 /* ms without being held that end such a row */

struct held {
	struct held *prev, *next;
	size_t len;
	bool binary;
	char data[];
};

/* Made when the connection is held for the first time, kept until its peer leaves. */
struct pacing {
	struct conn *conn;
	struct pacing *prev, *next; /* HOLD_PENDING, _RELIEVED: pace's `settling` (utlist DL) */
	struct held *backlog; /* read, but not due (utlist DL) */
	uint64_t due; /* ms: when its rates allow the next message */
	uint64_t held_since, released; /* ms: when holding began, when a message was due last */
};

static struct pace *pace_of(const struct conn *conn)
{
	return &conn->ws->pace;
}

static uint64_t now_of(const struct conn *conn)
{
	return deadlines_now(pace_of(conn)->deadlines);
}

/* NULL: no memory, and the peer is closed. */
static struct pacing *pacing_of(struct conn *conn)
{
	if (!conn->pacing) {
		conn->pacing = calloc(1, sizeof(*conn->pacing));
		if (!conn->pacing) {
			hub_close(&conn->peer, 1011, "out of memory");
			return NULL;
		}
		conn->pacing->conn = conn;
		memory_take(MEMORY_CONNECTIONS, sizeof(*conn->pacing));
	}
	return conn->pacing;
}

static void held_free(struct held *held)
{
	memory_give(MEMORY_RECEIVED, sizeof(*held) + held->len);
	free(held);
}

static void stop_waiting(struct conn *conn)
{
	if (conn->hold == HOLD_PENDING || conn->hold == HOLD_RELIEVED) {
		DL_DELETE(pace_of(conn)->settling, conn->pacing);
	}
	if (conn->hold >= HOLD_UNREAD && conn->peer.state != PEER_GONE) {
		pace_of(conn)->release(conn);
	}
	conn->hold = HOLD_NONE;
}

static uint64_t debt_of(const struct limit *limit, uint64_t now)
{
	return limit->due > now * 1000 ? limit->due - now * 1000 : 0;
}

/* With a burst of debt it is not held but for its own messages, at the rate, whoever of its address
 * owes the rest. */
void pace_begin(struct conn *conn)
{
	uint64_t now = now_of(conn), most = UINT64_C(1000000) * BURST;

	conn->limit.due = now * 1000 + census_take_debt(conn->place, CENSUS_MESSAGES, most, now);
	conn->byte_limit.due = now * 1000 + census_take_debt(conn->place, CENSUS_BYTES, most, now);
}

void pace_leave(struct conn *conn)
{
	uint64_t now = now_of(conn);

	census_leave_debt(conn->place, CENSUS_MESSAGES, debt_of(&conn->limit, now), now);
	census_leave_debt(conn->place, CENSUS_BYTES, debt_of(&conn->byte_limit, now), now);
}

/* How long to leave it unread, in ms; 0: its next message is due. */
static uint64_t wait_of(struct conn *conn)
{
	uint64_t now = now_of(conn);
	uint64_t due = conn->pacing->due, rate = due > now ? due - now : 0;
	uint64_t readers = press_still_waits(&conn->peer, now);

	if (readers > LOOK_AGAIN) {
		readers = LOOK_AGAIN;
	}
	return rate > readers ? rate : readers;
}

static void on_due(struct wheel_timer *timer);

static bool has_turn(const struct conn *conn)
{
	return turn_has_room(&pace_of(conn)->turn, conn->place);
}

static void deliver_first(struct conn *conn)
{
	struct held *held = conn->pacing->backlog;

	DL_DELETE(conn->pacing->backlog, held);
	pace_of(conn)->deliver(conn, held->data, held->len, held->binary);
	held_free(held);
}

static void put_in(struct conn *conn, enum conn_hold hold)
{
	conn->hold = hold;
	DL_APPEND(pace_of(conn)->settling, conn->pacing);
}

/* The list is gone through after each turn. */
static void wait_for_turn(struct conn *conn)
{
	deadlines_clear(pace_of(conn)->deadlines, &conn->timer);
	if (conn->hold == HOLD_UNREAD) {
		put_in(conn, HOLD_RELIEVED);
	}
}

bool pace_is_due(struct conn *conn)
{
	if (conn->hold == HOLD_NONE && !has_turn(conn) && pacing_of(conn)) {
		meter_add(METER_HELD_FOR_OTHERS, 1);
		put_in(conn, HOLD_PENDING);
		wait_for_turn(conn);
	}
	return conn->hold == HOLD_NONE && conn->peer.state == PEER_OPEN;
}

/* Its next message is due: deliver what is within the rate and the turn, then read on. */
static void go_on(struct conn *conn)
{
	conn->peer.heard = now_of(conn); /* its silence was ours */
	/* Not if it only waited for its turn. */
	if (conn->pacing->due > conn->pacing->released) {
		conn->pacing->released = conn->peer.heard;
	}
	deadlines_clear(pace_of(conn)->deadlines, &conn->timer);
	turn_interrupt(&pace_of(conn)->turn);
	while (conn->pacing->backlog) {
		deliver_first(conn);
		/* It may have been closed, and its pacing is gone; or it waits again. */
		if (conn->timer.at) {
			return;
		}
		if (conn->pacing->backlog && !has_turn(conn)) {
			wait_for_turn(conn);
			return;
		}
	}
	stop_waiting(conn);
	pace_of(conn)->resumed(conn);
}

static void on_due(struct wheel_timer *timer)
{
	struct conn *conn = conn_of_timer(timer);
	struct pace *pace = pace_of(conn);
	struct peer *slow = press_find_slow(pace->presses, &conn->peer, now_of(conn));
	uint64_t wait;

	if (slow) {
		hub_close_slow(slow);
	}
	if (conn->hold == HOLD_NONE) {
		return; /* it was itself too slow to read what it had sent */
	}
	wait = wait_of(conn);
	if (wait) {
		deadlines_set(pace->deadlines, timer, wait, on_due);
	} else if (has_turn(conn)) {
		go_on(conn);
	} else {
		wait_for_turn(conn);
	}
}

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

static uint64_t spend_bytes(struct conn *conn, uint64_t now, size_t len)
{
	uint64_t rate = pace_of(conn)->options->byte_rate;

	return limit_spend_bytes(&conn->byte_limit, now, rate, rate * BURST, len);
}

/* The ms that its rates want it to wait. */
static uint64_t count(struct conn *conn, uint64_t now, size_t len)
{
	uint64_t rate = pace_of(conn)->options->message_rate;
	uint64_t bytes = spend_bytes(conn, now, len), messages = 0;

	if (conn->peer.unmetered) {
		conn->peer.unmetered--;
	} else {
		messages = limit_spend(&conn->limit, now, rate, rate * BURST);
	}

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
		put_in(conn, HOLD_PENDING);
	}
	deadlines_set(pace_of(conn)->deadlines, &conn->timer, wait_of(conn), on_due);
}

void pace_hear(struct conn *conn)
{
	press_hear(pace_of(conn)->presses);
	turn_begin(&pace_of(conn)->turn, conn->place);
}

void pace_count(struct conn *conn, size_t len)
{
	uint64_t now = now_of(conn), rate = 0;
	uint64_t readers = press_wait(pace_of(conn)->presses, &conn->peer, conn->place, now);

	turn_end(&pace_of(conn)->turn, conn->place);
	if (conn->peer.state == PEER_OPEN) {
		rate = count(conn, now, len);
	}
	if ((rate || readers) && conn->peer.state == PEER_OPEN && pacing_of(conn)) {
		hold(conn, now + rate, rate ? METER_HELD : METER_HELD_FOR_READERS);
	}
}

void pace_count_piece(struct conn *conn, size_t len)
{
	uint64_t now = now_of(conn), due;

	if (len >= PACE_PIECE) {
		return;
	}
	due = now + spend_bytes(conn, now, PACE_PIECE - len);
	if (due == now || !pacing_of(conn)) {
		return;
	}
	note_wait(conn->pacing, now, "too many small pieces");
	if (conn->peer.state == PEER_OPEN) {
		hold(conn, due > conn->pacing->due ? due : conn->pacing->due, METER_HELD);
	}
}

void pace_count_opening(struct conn *conn, size_t bytes)
{
	uint64_t rate = pace_of(conn)->options->byte_rate, burst = rate * BURST;

	/* Half a burst at most, whatever resume-bytes is: the rest is for what it sends now. */
	limit_spend_bytes(&conn->byte_limit, now_of(conn), rate, burst,
		bytes < burst / 2 ? bytes : burst / 2);
}

static void relieve(struct peer *sender)
{
	struct conn *conn = (struct conn *)sender;

	if (conn->hold == HOLD_UNREAD) {
		put_in(conn, HOLD_RELIEVED);
	}
}

bool pace_keep(struct conn *conn, const char *data, size_t len, bool binary)
{
	struct held *held = conn->pacing ? malloc(sizeof(*held) + len) : NULL;

	if (!held) {
		return false;
	}
	memory_take(MEMORY_RECEIVED, sizeof(*held) + len);
	held->len = len;
	held->binary = binary;
	if (len) {
		memcpy(held->data, data, len);
	}
	DL_APPEND(conn->pacing->backlog, held);
	return true;
}

size_t pace_backlog(const struct conn *conn)
{
	const struct held *held;
	size_t bytes = 0;

	if (!conn->pacing) {
		return 0;
	}
	DL_FOREACH (conn->pacing->backlog, held) {
		bytes += sizeof(*held) + held->len;
	}
	return bytes;
}

void pace_release(struct conn *conn)
{
	if (!conn->pacing) {
		return; /* it was never held, or never a peer */
	}
	turn_interrupt(&pace_of(conn)->turn);
	while (conn->pacing && conn->pacing->backlog && has_turn(conn)) {
		deliver_first(conn);
	}
}

void pace_end(struct conn *conn)
{
	struct held *held, *next;

	if (!conn->pacing) {
		return; /* it was never held */
	}
	DL_FOREACH_SAFE (conn->pacing->backlog, held, next) {
		held_free(held);
	}
	stop_waiting(conn);
	memory_give(MEMORY_CONNECTIONS, sizeof(*conn->pacing));
	free(conn->pacing);
	conn->pacing = NULL;
}

void pace_start(struct pace *pace, struct hub *hub)
{
	pace->presses = hub_presses(hub);
	pace->presses->relieved = relieve;
	turn_start(&pace->turn, hub, pace->deadlines);
}

static void settle(struct pace *pace, struct pacing *pacing)
{
	struct conn *conn = pacing->conn;
	uint64_t wait;

	if (!wait_of(conn) && has_turn(conn)) {
		go_on(conn);
	}
	if (conn->hold == HOLD_NONE) {
		return;
	}
	DL_DELETE(pace->settling, pacing);
	if (conn->hold == HOLD_PENDING && !pace->hold(conn)) {
		put_in(conn, HOLD_PENDING);
		return;
	}
	conn->hold = HOLD_UNREAD;
	wait = wait_of(conn);
	if (wait) {
		deadlines_set(pace->deadlines, &conn->timer, wait, on_due);
	} else {
		wait_for_turn(conn);
	}
}

/* guard hold: between two turns only. */
void pace_settle(struct pace *pace)
{
	struct pacing *pacing;
	size_t count;

	turn_next(&pace->turn);
	/* What one of them delivers may take another out of the list, or put one in. */
	DL_COUNT(pace->settling, pacing, count);
	for (; count && pace->settling; count--) {
		settle(pace, pace->settling);
	}
}

bool pace_has_more(const struct pace *pace)
{
	return pace->settling;
}

#ifdef NAKODO_AUDIT
void pace_audit(const struct conn *conn, struct audit *audit)
{
	const struct pacing *pacing = conn->pacing;
	const struct held *backlog = pacing ? pacing->backlog : NULL, *held;

	audit_bytes(audit, MEMORY_CONNECTIONS, pacing ? sizeof(*pacing) : 0);
	DL_FOREACH (backlog, held) {
		audit_bytes(audit, MEMORY_RECEIVED, sizeof(*held) + held->len);
	}
	if (conn->hold == HOLD_NONE ? backlog != NULL
				    : conn->hold == HOLD_UNREAD && !conn->timer.at) {
		audit_fault(audit, "what is held back is forgotten");
	}
}
#endif
