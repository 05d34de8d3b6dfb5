/*
 * ws: owns the peer inside each connection.
 *
 * The way out of a connection: hub_close() queues our close frame (stage OPEN, peer CLOSING); the
 * flush writes it behind all that waited (CLOSE_SENT); the peer's close frame or the deadline ends
 * it. The other ways, which the peer or libwebsockets begins, are closing.c's.
 * Every write hands over whole frames only: libwebsockets may put a pong or a close frame of its
 * own between two writes, and that must not be in the middle of a frame.
 */
#include "nakodo/net/ws/ws.h"

#include <errno.h>
#include <inttypes.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/utf8.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/hub/hold.h"
#include "nakodo/hub/press.h"
#include "nakodo/net/gate/bearer.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/read_head.h"
#include "nakodo/net/socket/requests.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/tls/tls.h"
#include "nakodo/net/ws/budget.h"
#include "nakodo/net/ws/expiry.h"
#include "nakodo/net/ws/rates.h"
#include "nakodo/net/ws/rx.h"
#include "nakodo/net/ws/visits.h"

/* Passes of writes until those who have had their time get more, while there is a backlog. */
#define TURN 8

static void hear(struct conn *conn)
{
	conn->peer.heard = pace_now(conn);
	conn->pinged = false;
}

static void check_alive(struct wheel_timer *timer)
{
	struct conn *conn = conn_of_timer(timer);
	uint64_t interval = conn->ws->options->ping_interval * 1000;
	uint64_t timeout = conn->ws->options->ping_timeout * 1000;
	uint64_t silent = pace_now(conn) - conn->peer.heard;

	if (conn->pinged && !conn->stalled) {
		hub_close(&conn->peer, 4408, "ping timeout");
		return;
	}
	if (silent < interval) {
		stall_look(&conn->ws->stalls, conn); /* it sends: that it reads is another matter */
	}
	if (silent >= interval && !conn->pinged) {
		conn->pinged = true;
		hub_push_control(&conn->peer, conn->ws->ping);
	}
	deadlines_set(conn->ws->deadlines, timer, conn->pinged ? timeout : interval - silent,
		check_alive);
}

/* Wait for the peer to fall silent; then ping it, then give it up. */
static void watch(struct conn *conn)
{
	conn->pinged = false;
	deadlines_set(conn->ws->deadlines, &conn->timer, conn->ws->options->ping_interval * 1000,
		check_alive);
}

/* What its dialect has done for a peer that came or left is its address's, of which nothing more
 * may be known. */
static void charge_aside(struct conn *conn, bool aside)
{
	struct turn *turn = &conn->ws->pace.turn;

	if (aside) {
		turn_end(turn, census_find(conn->ws->gate->census, &conn->address));
	}
	turn_interrupt(turn);
}

/* The hub lets the peer go, or the connection has ended. */
static void on_leave(struct peer *peer)
{
	struct conn *conn = (struct conn *)peer;
	bool aside = turn_begin_aside(&conn->ws->pace.turn), is_known = !pace_is_pending(conn);

	if (!conn->leaving) {
		leaving_detach(conn);
	}
	expiry_end(conn);
	pace_end(conn);
	if (conn->mount->dialect->close && is_known) {
		conn->mount->dialect->close(peer);
	}
	charge_aside(conn, aside);
	rx_drop(conn);
	conn_kill_after(conn, WS_CLOSE_DEADLINE);
	visits_leave(conn);
}

/* Where the upgrade leads; gate has found it once. */
static const char *room_of(const struct conn *conn, const struct head *head)
{
	const char *room = "";

	if (conn->mount->path) {
		dialect_table_route(conn->ws->dialects, head->path, &room);
	} else {
		dialect_table_route_own(conn->mount, head->path, &room);
	}
	return room;
}

void ws_admit(struct conn *conn, const struct request *request)
{
	bool aside = turn_begin_aside(&conn->ws->pace.turn);

	conn->mount->dialect->open(&conn->peer, request);
	charge_aside(conn, aside);
	rates_spend_opening(conn, conn->peer.outbox.bytes);
}

int ws_open(struct ws *ws, struct conn *conn)
{
	struct head_text text;
	struct head head;
	struct request request = {.address = &conn->address};

	read_head(&head, &text, conn->wsi);
	if (conn->stage != CONN_ADMITTED || !head.path) {
		return -1;
	}
	conn->ws = ws;
	rates_begin(conn);
	flood_begin(conn);
	request.mount = conn->mount;
	request.room = room_of(conn, &head);
	request.arguments = head.arguments;
	request.origin = head.origin;
	request.asks_token =
		bearer_is_asked(conn_sockets(conn)->gate, conn->listener->endpoint.auth);
	if (conn->listener->endpoint.tls) {
		tls_settle(lws_get_ssl(conn->wsi));
		reading_begin(conn);
		trim_note_handshake(&ws->trim);
	}
	conn->stage = CONN_OPEN;
	conn->peer.heard = pace_now(conn);
	hub_open(ws->hub, &conn->peer, ws->last_id += ws->id_step, on_leave);
	watch(conn);
	expiry_begin(conn, conn->peer.grant);
	visits_open(ws->visits, conn);
	show_connect(&ws->show, conn);
	if (!asking_open(conn, &request) && pace_may_admit(conn, &request)) {
		ws_admit(conn, &request);
		if (conn->tls) {
			turn_spend(&ws->pace.turn, conn->place, TURN_RECORD);
		}
	}
	return 0;
}

static void deliver(struct conn *conn, const char *data, size_t len, bool binary)
{
	size_t first = hub_queued(conn->ws->hub).first;

	meter_add(METER_MESSAGES_IN, 1);
	meter_add(METER_BYTES_IN, len);
	show_message(&conn->ws->show, conn, data, len, binary);
	pace_hear(conn);
	conn->mount->dialect->message(&conn->peer, data, len, binary);
	first = hub_queued(conn->ws->hub).first - first;
	if (first) { /* it has joined by a message */
		rates_spend_opening(conn, first);
	}
	pace_count(conn, len);
}

/* It is closed for what it has said, behind what it had said before. */
static void fail(struct conn *conn, unsigned short code, const char *reason)
{
	conn->failed = true;
	if (!pace_keep_fault(conn, code, reason)) {
		hub_close(&conn->peer, code, reason);
	}
}

static void take(struct conn *conn, const char *data, size_t len)
{
	if (!conn->rx_binary && !utf8_is_valid(data, len)) {
		fail(conn, 1007, "a text message must be UTF-8");
	} else if (pace_is_due(conn)) {
		deliver(conn, data, len, conn->rx_binary);
	} else if (!pace_keep(conn, data, len, conn->rx_binary)) {
		hub_close(&conn->peer, 1011, "out of memory");
	}
}

/* A ping may have come between the fragments of a message, of which libwebsockets tells nothing but
 * answers it before it says that the socket is writeable (RFC 6455 section 5.5.2). */
static void answer_behind_pong(struct conn *conn)
{
	if (conn->fragmented) {
		conn->fragmented = false;
		conn->behind_pong = true;
		lws_callback_on_writable(conn->wsi);
	}
}

void ws_receive(struct conn *conn, const char *data, size_t len)
{
	bool first = lws_is_first_fragment(conn->wsi);
	size_t rest = lws_remaining_packet_payload(conn->wsi);
	bool whole = lws_is_final_fragment(conn->wsi) && !rest;
	struct conn_rx *rx;

	if (conn->stage != CONN_OPEN || conn->peer.state != PEER_OPEN || conn->failed) {
		flood_skip(conn, len);
		return;
	}
	flood_count(conn, len, rest);
	hear(conn);
	if (reading_note(&conn->ws->reading, conn, len, rest)) {
		turn_interrupt(&conn->ws->pace.turn);
	}
	if (first) {
		rx_drop(conn);
		conn->rx_binary = lws_frame_is_binary(conn->wsi);
	}
	if (rx_is_too_large(conn, len, rest)) {
		fail(conn, 1009, "message too large");
		return;
	}
	if (first && whole) {
		take(conn, data, len);
		return;
	}
	if (!rx_append(conn, data, len, rest)) {
		hub_close(&conn->peer, 1011, "out of memory");
		return;
	}
	if (whole) {
		answer_behind_pong(conn);
		rx = rx_take(conn);
		take(conn, rx->data, rx->len);
		free(rx);
	} else {
		conn->fragmented |= !rest;
		pace_count_piece(conn, len);
	}
}

void ws_pong(struct conn *conn)
{
	hear(conn);
}

static bool write_bytes(struct conn *conn, unsigned char *bytes, size_t len)
{
	/* LWS_WRITE_HTTP passes the bytes on as they are: the frames' headers are in them. */
	int written = lws_write(conn->wsi, bytes, len, LWS_WRITE_HTTP);

	return written >= 0 && (size_t)written == len;
}

static void note_written(size_t frames, size_t bytes)
{
	meter_add(METER_MESSAGES_OUT, frames);
	meter_add(METER_BYTES_OUT, bytes);
}

/* Write the first frame, or as many as are not held and fit into one burst. */
static bool write_some(struct conn *conn)
{
	unsigned char *burst = conn->ws->burst;
	struct outbox *outbox = &conn->peer.outbox;
	struct frame *frame = outbox_first(outbox);
	unsigned ready = hold_ready(&conn->peer);
	size_t len = 0, count;
	bool done;

	if (ready == 1 || frame->len > WS_BURST) {
		outbox_pop(outbox);
		note_written(1, frame->len);
		done = write_bytes(conn, frame->bytes, frame->len);
		frame_unref(frame);
		return done;
	}
	count = outbox->count;
	while (ready-- && len + frame->len <= WS_BURST) {
		memcpy(burst + len, frame->bytes, frame->len);
		len += frame->len;
		frame_unref(outbox_pop(outbox));
		frame = outbox_first(outbox);
	}
	note_written(count - outbox->count, len);
	return write_bytes(conn, burst, len);
}

size_t ws_flush(struct peer *peer, size_t most)
{
	struct conn *conn = (struct conn *)peer;
	size_t waiting = 0, written = 0;

	if (conn->stage != CONN_OPEN) {
		hub_discard(peer);
		return 0;
	}
	/* If libwebsockets has a close frame to send, it says no more when it is writeable. */
	conn->waiting = conn->behind_pong && !lws_get_close_length(conn->wsi);
	if (conn->waiting) {
		stall_watch(&conn->ws->stalls, conn);
		return 0;
	}
	for (;;) {
		/* guard partial: after a write that the socket did not take whole, a second one
		 * would be appended to what libwebsockets holds; what waits is better counted and
		 * bounded here. */
		if (lws_partial_buffered(conn->wsi)) {
			conn->waiting = true;
			stall_watch(&conn->ws->stalls, conn);
			lws_callback_on_writable(conn->wsi);
			reading_stop(conn);
			break;
		}
		conn_set_unsent(conn, 0);
		if (!hold_ready(peer)) {
			break;
		}
		if (written >= most) {
			hub_mark_dirty(peer);
			break;
		}
		waiting = peer->outbox.bytes;
		if (!write_some(conn)) {
			conn_kill(conn);
			leaving_begin(conn);
			return written;
		}
		waiting -= peer->outbox.bytes;
		written += waiting;
	}
	if (conn->waiting && waiting) {
		conn_set_unsent(conn, waiting); /* libwebsockets has copied what is left of it */
	}
	press_relieve(conn->ws->pace.presses, peer);
	if (!peer->outbox.count && peer->state == PEER_CLOSING) {
		conn->stage = CONN_CLOSE_SENT;
	}
	return written;
}

void ws_writeable(struct conn *conn)
{
	conn->behind_pong = false;
	if (reading_start(&conn->ws->reading, conn) && conn->stage == CONN_OPEN) {
		hear(conn); /* its silence was ours */
		hub_mark_dirty(&conn->peer);
	} else if (conn->waiting) {
		ws_flush(&conn->peer, FLUSH_SHARE);
	}
}

static void on_turned(struct flush *flush)
{
	reading_go_on(&lws_container_of(flush, struct ws, flush)->reading);
}

static void on_settled(struct flush *flush)
{
	const struct ws *ws = lws_container_of(flush, struct ws, flush);

	if (ws->turned) {
		ws->turned(ws->turned_cookie);
	}
}

void ws_next_turn(struct ws *ws)
{
	bool requests_first;

	turn_next(&ws->pace.turn);
	requests_first = ws->pace.turn.number % 2;
	if (requests_first) {
		requests_settle(ws->sockets);
	}
	leaving_settle(&ws->leaving);
	pace_settle(&ws->pace);
	if (!requests_first) {
		requests_settle(ws->sockets);
	}
}

static void on_flushed(struct flush *flush)
{
	struct ws *ws = lws_container_of(flush, struct ws, flush);

	budget_settle(ws);
	if (flush->passes % TURN == 0) {
		ws_next_turn(ws);
	}
}

static bool has_more(const struct flush *flush)
{
	const struct ws *ws = lws_container_of(flush, struct ws, flush);

	return pace_has_more(&ws->pace) || leaving_has_more(&ws->leaving) ||
	       requests_has_more(ws->sockets);
}

int ws_init(struct ws *ws, const struct options *options, struct dialect_table *dialects,
	struct hub *hub)
{
	struct iovec stamp = {(void *)"nakodo", 6}; /* without payload a pong would go unnoticed */
	unsigned char *burst = malloc(LWS_PRE + WS_BURST);

	*ws = (struct ws){.options = options,
		.dialects = dialects,
		.hub = hub,
		.id_step = 1,
		.ping = frame_create(FRAME_PING, &stamp, 1),
		.visits = visits_create(),
		.burst = burst ? burst + LWS_PRE : NULL};
	show_init(&ws->show, options->show_messages);
	return ws->ping && ws->visits && burst ? 0 : -ENOMEM;
}

void ws_finish(struct ws *ws)
{
	show_finish(&ws->show);
	visits_destroy(ws->visits);
	frame_unref(ws->ping);
	if (ws->burst) {
		free(ws->burst - LWS_PRE);
	}
}

void ws_start(struct ws *ws, struct sockets *sockets)
{
	ws->deadlines = sockets->deadlines;
	ws->sockets = sockets;
	ws->gate = sockets->gate;
	visits_start(ws->visits, sockets->deadlines);
	flood_start(&ws->flood, sockets->deadlines, sockets);
	trim_start(&ws->trim, sockets->deadlines, sockets->loop);
	ws->pace = (struct pace){.options = ws->options,
		.deadlines = sockets->deadlines,
		.admit = ws_admit,
		.deliver = deliver,
		.hold = reading_hold,
		.release = reading_release,
		.resumed = watch};
	pace_start(&ws->pace, ws->hub);
	sockets->turn = &ws->pace.turn;
	ws->leaving = (struct leaving){.turn = &ws->pace.turn, .census = ws->gate->census};
	ws->stalls = (struct stalls){.options = ws->options, .deadlines = sockets->deadlines};
	ws->reading = (struct reading){.context = sockets->context, .hub = ws->hub};
	ws->flush = (struct flush){.hub = ws->hub,
		.turned = on_turned,
		.settled = on_settled,
		.peer = ws_flush,
		.flushed = on_flushed,
		.has_more = has_more};
	if (sockets->measured) {
		lag_start(&ws->flush.lag, sockets->loop);
	}
	flush_start(&ws->flush, sockets->loop);
}
