/* closing: owns nothing; what a close frame means is decided here. */
#include "nakodo/net/ws/closing.h"

#include <libwebsockets.h>
#include <stdint.h>

#include "nakodo/base/meter.h"
#include "nakodo/base/utf8.h"
#include "nakodo/hub/frame.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/ws/leaving.h"
#include "nakodo/net/ws/pace.h"
#include "nakodo/net/ws/ws.h"

#define FAULT_DEADLINE 250 /* ms for the close frame to arrive before the connection ends */

/* A close frame that must not be echoed (RFC 6455 sections 5.5.1 and 7.4), and what to answer; 0
 * for a good one. libwebsockets looks at the codes below 3000 itself. */
static unsigned fault_of_close(const unsigned char *payload, size_t len)
{
	if (len == 1 || (len > 1 && (payload[0] << 8 | payload[1]) >= 5000)) {
		return 1002;
	}
	return len > 2 && !utf8_is_valid(payload + 2, len - 2) ? 1007 : 0;
}

static unsigned code_of_close(const unsigned char *payload, size_t len)
{
	return len > 1 ? (unsigned)(payload[0] << 8 | payload[1]) : 1005;
}

int closing_by_peer(struct conn *conn, const unsigned char *payload, size_t len)
{
	bool answered = conn->stage == CONN_CLOSE_SENT;
	unsigned fault = answered ? 0 : fault_of_close(payload, len);

	pace_release(conn);
	conn->stage = CONN_PEER_CLOSED;
	if (conn->peer.state == PEER_OPEN) {
		conn->peer.close_code = (uint16_t)(fault ? fault : code_of_close(payload, len));
	}
	leaving_begin(conn);
	if (fault && !lws_partial_buffered(conn->wsi)) {
		struct frame *frame = frame_create_close(fault, "bad close frame");

		meter_closed(fault);
		if (frame) {
			lws_write(conn->wsi, frame->bytes, frame->len, LWS_WRITE_HTTP);
		}
		frame_unref(frame);
	}
	conn_kill_after(conn, WS_CLOSE_DEADLINE);
	return answered || fault;
}

void closing_by_library(struct conn *conn)
{
	unsigned code;

	if (conn->stage >= CONN_PEER_CLOSED) {
		return; /* it has said so itself, or is dead */
	}
	pace_release(conn);
	if (lws_get_close_length(conn->wsi)) {
		code = code_of_close(
			lws_get_close_payload(conn->wsi), (size_t)lws_get_close_length(conn->wsi));
		meter_closed(code);
		/* libwebsockets writes its close frame when the socket is writeable next. */
		ws_flush(&conn->peer, SIZE_MAX);
	}
	if (conn->stage != CONN_DEAD) {
		conn->stage = CONN_PEER_CLOSED;
		leaving_begin(conn);
		conn_kill_after(conn, FAULT_DEADLINE);
	}
}

/* It may not have become a peer. */
void closing_done(struct conn *conn)
{
	pace_release(conn);
	conn->stage = CONN_DEAD;
	leaving_begin(conn);
	turn_spend(conn_sockets(conn)->turn, conn->group, TURN_END);
}
