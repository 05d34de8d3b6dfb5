/* pace: owns what is known of each connection that was held once, with its backlog, and the list of
 * those to be stopped or read on. */
#include "nakodo/net/ws/pace.h"

#include <stdlib.h>
#include <utlist.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/dialect/request.h"
#include "nakodo/hub/audit.h"
#include "nakodo/hub/press.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/ws/backlog.h"
#include "nakodo/net/ws/rates.h"
#include "nakodo/service/admission.h"
#include "pacing.h"

#define LOOK_AGAIN 100 /* ms, at whom it waits for */
#define RECORD_READS 2 /* a record's header and its body */
#define ASKED 5000 /* ms, after which whose question is open is looked at, for nothing */

uint64_t pace_now(const struct conn *conn)
{
	return deadlines_now(pace_of(conn)->deadlines);
}

static bool make_pacing(struct conn *conn)
{
	if (!conn->pacing) {
		conn->pacing = calloc(1, sizeof(*conn->pacing));
		if (!conn->pacing) {
			return false;
		}
		conn->pacing->conn = conn;
		memory_take(MEMORY_CONNECTIONS, sizeof(*conn->pacing));
	}
	return true;
}

struct pacing *pacing_of(struct conn *conn)
{
	if (!make_pacing(conn)) {
		hub_close(&conn->peer, 1011, "out of memory");
	}
	return conn->pacing;
}

static void request_free(struct request *request)
{
	if (request) {
		memory_give(MEMORY_CONNECTIONS, request_size(request));
		free(request);
	}
}

/* How long to leave it unread, in ms; 0: its next message is due. */
static uint64_t wait_of(struct conn *conn)
{
	uint64_t now = pace_now(conn);
	uint64_t due = conn->pacing->due, rate = due > now ? due - now : 0;
	uint64_t readers = press_still_waits(&conn->peer, now);

	if (conn->pacing->question) {
		return ASKED;
	}
	if (readers > LOOK_AGAIN) {
		readers = LOOK_AGAIN;
	}
	return rate > readers ? rate : readers;
}

struct census_group *pacing_group(const struct conn *conn)
{
	return conn->place ? conn->place : census_find(conn->ws->gate->census, &conn->address);
}

static bool has_turn(const struct conn *conn)
{
	struct census_group *group = conn->leaving ? pacing_group(conn) : conn->place;

	return turn_has_room(&pace_of(conn)->turn, group);
}

static bool is_settling(const struct conn *conn)
{
	return conn->hold == HOLD_PENDING || conn->hold == HOLD_RELIEVED;
}

static void on_due(struct wheel_timer *timer);

void pacing_hold(struct conn *conn, enum conn_hold hold)
{
	struct pace *pace = pace_of(conn);

	if (is_settling(conn)) {
		if (pace->next == conn->pacing) {
			pace->next = conn->pacing->next;
		}
		DL_DELETE(pace->settling, conn->pacing);
	}
	conn->hold = hold;
	if (is_settling(conn)) {
		DL_APPEND(pace->settling, conn->pacing);
	}
	if (hold == HOLD_UNREAD) {
		deadlines_set(pace->deadlines, &conn->timer, wait_of(conn), on_due);
	} else {
		deadlines_clear(pace->deadlines, &conn->timer);
	}
}

static void end_hold(struct conn *conn)
{
	if (conn->hold >= HOLD_UNREAD && conn->peer.state != PEER_GONE &&
		conn->stage < CONN_PEER_CLOSED) {
		pace_of(conn)->release(conn);
	}
	pacing_hold(conn, HOLD_NONE);
}

bool pace_hold_back(struct conn *conn)
{
	if (conn->leaving || !make_pacing(conn)) {
		return false;
	}
	if (conn->hold == HOLD_NONE) {
		pacing_hold(conn, HOLD_PENDING);
	}
	return true;
}

bool pace_put_off(struct conn *conn, const struct request *request)
{
	struct request *copy = request_copy(request);

	if (!copy || !pace_hold_back(conn)) {
		free(copy);
		return false;
	}
	memory_take(MEMORY_CONNECTIONS, request_size(copy));
	conn->pacing->request = copy;
	return true;
}

void pace_set_question(struct conn *conn, struct question *question)
{
	conn->pacing->question = question;
}

void pace_answered(struct conn *conn)
{
	conn->pacing->question = NULL;
	if (conn->hold == HOLD_UNREAD) {
		pacing_hold(conn, HOLD_RELIEVED);
	}
}

/* Without memory to wait it is not put off. */
bool pace_may_admit(struct conn *conn, const struct request *request)
{
	if (has_turn(conn) || !pace_put_off(conn, request)) {
		return true;
	}
	meter_add(METER_ADMITTED_LATER, 1);
	return false;
}

bool pace_is_pending(const struct conn *conn)
{
	return conn->pacing && conn->pacing->request;
}

void pacing_hold_for_others(struct conn *conn)
{
	if (conn->hold == HOLD_NONE && !has_turn(conn) && pacing_of(conn)) {
		meter_add(METER_HELD_FOR_OTHERS, 1);
		pacing_hold(conn, HOLD_PENDING);
	}
}

bool pace_is_due(struct conn *conn)
{
	pacing_hold_for_others(conn);
	return conn->hold == HOLD_NONE && conn->peer.state == PEER_OPEN;
}

/* What became of a connection by a message of its, or by its admission. */
enum became {
	IS_DUE, /* its next message may be delivered, if there is one */
	WAITS, /* its rates, a reader, or the time of its address want it to wait */
	HAS_LEFT, /* its peer was closed, and nothing is held any more */
};

static void admit(struct conn *conn)
{
	struct request *request = conn->pacing->request;

	conn->pacing->request = NULL;
	pace_of(conn)->admit(conn, request);
	request_free(request);
}

static void deliver_first(struct conn *conn)
{
	struct held *held = backlog_take(&conn->pacing->backlog);

	if (held->fault) {
		hub_close(&conn->peer, held->fault, held->data);
	} else {
		pace_of(conn)->deliver(conn, held->data, held->len, held->binary);
	}
	held_free(held);
}

/* Do for it what comes next: admit it, or deliver its first message. */
static enum became do_next(struct conn *conn)
{
	if (conn->pacing->request) {
		admit(conn);
	} else {
		deliver_first(conn);
	}
	if (!conn->pacing) {
		return HAS_LEFT;
	}
	return wait_of(conn) || (conn->pacing->backlog && !has_turn(conn)) ? WAITS : IS_DUE;
}

/* Its next message is due: deliver what is within the rate and the turn, then read on. */
static void go_on(struct conn *conn)
{
	enum became became = IS_DUE;

	conn->peer.heard = pace_now(conn); /* its silence was ours */
	/* Not if it only waited for its turn. */
	if (conn->pacing->due > conn->pacing->released) {
		conn->pacing->released = conn->peer.heard;
	}
	turn_interrupt(&pace_of(conn)->turn);
	while (became == IS_DUE && (conn->pacing->request || conn->pacing->backlog)) {
		became = do_next(conn);
	}
	if (became == IS_DUE) {
		end_hold(conn);
		turn_spend(&pace_of(conn)->turn, pacing_group(conn),
			conn->tls ? TURN_RECORD : TURN_READ);
		conn->pacing->granted = RECORD_READS;
		conn->pacing->granted_in = pace_of(conn)->turn.number;
		pace_of(conn)->resumed(conn);
	}
}

/* Leave who is held unread, if that can be done by now, for as long as what keeps it. */
static void stop(struct conn *conn)
{
	if (conn->hold == HOLD_PENDING && !pace_of(conn)->hold(conn)) {
		pacing_hold(conn, HOLD_PENDING);
	} else if (conn->hold != HOLD_NONE) {
		pacing_hold(conn, wait_of(conn) ? HOLD_UNREAD : HOLD_RELIEVED);
	}
}

/* Go on with who is held, if it is due, or let it wait for what keeps it. Who waits for its address
 * in vain stays where it is in the list, and so comes before who was served. */
static void look(struct conn *conn)
{
	bool due = !wait_of(conn), served = due && has_turn(conn);

	if (served) {
		go_on(conn);
	}
	if (served || !due || conn->hold != HOLD_RELIEVED) {
		stop(conn);
	}
}

void pace_stop(struct conn *conn)
{
	if (conn->hold == HOLD_PENDING) {
		stop(conn);
	}
}

static bool take_grant(struct conn *conn)
{
	struct pacing *pacing = conn->pacing;

	if (!pacing || !pacing->granted || pacing->granted_in != pace_of(conn)->turn.number) {
		return false;
	}
	pacing->granted--;
	return true;
}

/* Of who is closed its close frame is awaited. */
bool pace_may_read(struct conn *conn)
{
	if (conn->stage != CONN_OPEN || conn->peer.state != PEER_OPEN || has_turn(conn) ||
		take_grant(conn)) {
		return true;
	}
	if (conn->hold < HOLD_UNREAD && make_pacing(conn)) {
		meter_add(METER_READ_LATER, 1);
		(void)pace_of(conn)->hold(conn); /* it can: nothing decrypted is left */
		pacing_hold(conn, HOLD_RELIEVED);
	}
	return false;
}

void pace_count_read(struct conn *conn, size_t bytes)
{
	turn_spend(&pace_of(conn)->turn, pacing_group(conn), bytes * TURN_BYTE);
}

static void on_due(struct wheel_timer *timer)
{
	struct conn *conn = conn_of_timer(timer);
	struct peer *slow = press_find_slow(pace_of(conn)->presses, &conn->peer, pace_now(conn));

	if (slow) {
		hub_close_slow(slow);
	}
	if (conn->hold != HOLD_NONE) { /* or it was itself too slow to read what it had sent */
		look(conn);
	}
}

static void relieve(struct peer *sender)
{
	struct conn *conn = (struct conn *)sender;

	if (conn->hold == HOLD_UNREAD) {
		pacing_hold(conn, HOLD_RELIEVED);
	}
}

bool pace_keep(struct conn *conn, const char *data, size_t len, bool binary)
{
	struct turn *turn = &pace_of(conn)->turn;
	bool is_kept;

	turn_begin(turn, pacing_group(conn));
	is_kept = conn->pacing && backlog_add(&conn->pacing->backlog, data, len, binary);
	turn_end(turn, pacing_group(conn));
	return is_kept;
}

bool pace_keep_fault(struct conn *conn, unsigned short code, const char *reason)
{
	return conn->hold != HOLD_NONE && backlog_add_fault(&conn->pacing->backlog, code, reason);
}

size_t pace_backlog(const struct conn *conn)
{
	const struct pacing *pacing = conn->pacing;
	size_t request = pacing && pacing->request ? request_size(pacing->request) : 0;
	size_t question = pacing && pacing->question ? admissions_size(pacing->question) : 0;

	return pacing ? backlog_bytes(pacing->backlog) + request + question : 0;
}

void pace_release(struct conn *conn)
{
	if (!conn->pacing) {
		return; /* it was never held, or never a peer */
	}
	turn_interrupt(&pace_of(conn)->turn);
	while (conn->pacing && !conn->pacing->question && conn->pacing->backlog && has_turn(conn)) {
		do_next(conn);
	}
}

/* What is behind a question is lost with it. */
static void drop_question(struct conn *conn)
{
	if (conn->pacing->question) {
		admissions_cancel(conn->pacing->question);
		conn->pacing->question = NULL;
		backlog_clear(&conn->pacing->backlog);
	}
}

void pace_detach(struct conn *conn)
{
	struct held *held, *next;
	uint64_t wait = 0;

	if (!conn->pacing) {
		return; /* it was never held */
	}
	drop_question(conn);
	DL_FOREACH_SAFE (conn->pacing->backlog, held, next) {
		if (wait) {
			backlog_drop(&conn->pacing->backlog, held);
		} else {
			wait = rates_spend_bytes(conn, held->len) + rates_spend_message(conn);
		}
	}
	end_hold(conn);
}

void pace_end(struct conn *conn)
{
	if (!conn->pacing) {
		return; /* it was never held */
	}
	drop_question(conn);
	backlog_clear(&conn->pacing->backlog);
	request_free(conn->pacing->request);
	end_hold(conn);
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

void pace_settle(struct pace *pace)
{
	struct pacing *pacing;
	size_t count;

	/* What one of them delivers may take another out of the list, or put one in; who is put in
	 * again comes last. */
	DL_COUNT(pace->settling, pacing, count);
	for (pacing = pace->settling; count && pacing; count--) {
		pace->next = pacing->next;
		look(pacing->conn);
		pacing = pace->next;
	}
	pace->next = NULL;
}

bool pace_has_more(const struct pace *pace)
{
	return pace->settling;
}

#ifdef NAKODO_AUDIT
void pace_audit(const struct conn *conn, struct audit *audit)
{
	const struct pacing *pacing = conn->pacing;
	const struct held *backlog = pacing ? pacing->backlog : NULL;

	audit_bytes(audit, MEMORY_CONNECTIONS, pacing ? sizeof(*pacing) : 0);
	if (pacing && pacing->request) {
		audit_bytes(audit, MEMORY_CONNECTIONS, request_size(pacing->request));
	}
	audit_bytes(audit, MEMORY_RECEIVED, backlog_bytes(backlog));
	if (conn->hold == HOLD_NONE ? (backlog && !conn->leaving) || pace_is_pending(conn)
				    : (conn->hold == HOLD_UNREAD) != (conn->timer.at != NULL)) {
		audit_fault(audit, "what is held back is forgotten, or waits for two things");
	}
}
#endif
