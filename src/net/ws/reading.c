/*
 * reading: owns the list of the connections that have more to be read.
 *
 * One after the other is read to its end: what a message takes is then still in the processor's
 * cache when the next one comes.
 */
#include "nakodo/net/ws/reading.h"

#include <libwebsockets.h>
#include <utlist.h>

#include "nakodo/hub/hub.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/ws/pace.h"
#include "nakodo/net/ws/ws.h"

#define HEADER_MAX 14 /* bytes of a client's frame before its payload (RFC 6455 section 5.2) */
/* Bytes of a read that is full: libwebsockets reads LWS_PRE more than it is told to, and says
 * nothing of the header in front and of the piece of one at the end. One too many costs a read
 * that finds nothing. */
#define FULL (WS_READ_SIZE + LWS_PRE - HEADER_MAX - (HEADER_MAX - 1))
#define OWN_MAX 65536 /* bytes that one connection is read on for */
#define ALL_MAX (4 << 20) /* bytes of a turn: some ms */
#define QUEUED_MAX 20000 /* frames, */
#define QUEUED_BYTES_MAX (32 << 20) /* and their bytes */
#define UNHEARD (1 << 1) /* a reason not to read, beside that of reading_hold() */

/* What is not to be read yet looks as if it had not come. */
static long on_bio(BIO *bio, int call, const char *bytes, size_t len, int argi, long argl, int ret,
	size_t *processed)
{
	struct conn *conn = (struct conn *)BIO_get_callback_arg(bio);

	(void)bytes, (void)len, (void)argi, (void)argl;
	if (call == (BIO_CB_READ | BIO_CB_RETURN) && ret > 0) {
		pace_count_read(conn, *processed);
	} else if (call == BIO_CB_READ && !pace_may_read(conn)) {
		BIO_clear_retry_flags(bio);
		BIO_set_retry_read(bio);
		return -1;
	}
	return ret;
}

void reading_begin(struct conn *conn)
{
	SSL *ssl = lws_get_ssl(conn->wsi);

	if (ssl) {
		BIO_set_callback_arg(SSL_get_rbio(ssl), (char *)conn);
		BIO_set_callback_ex(SSL_get_rbio(ssl), on_bio);
	}
}

static size_t header_of(size_t payload)
{
	return payload < 126 ? 6 : payload < 65536 ? 8 : HEADER_MAX;
}

static void begin_read(struct reading *reading, struct conn *conn)
{
	if (reading->current && reading->current != conn) {
		pace_stop(reading->current);
	}
	reading->current = conn;
	reading->begun = false;
	reading->filled = 0;
}

bool reading_note(struct reading *reading, struct conn *conn, size_t len, size_t rest)
{
	bool first;

	if (reading->current != conn) {
		begin_read(reading, conn);
	}
	first = !reading->begun;
	reading->begun = true;
	/* Behind another piece begins a frame; the first one may be the rest of one, and FULL has
	 * room for its header. */
	len += first ? 0 : header_of(len + rest);
	reading->filled += len;
	reading->taken += len;
	if (reading->filled >= FULL && !conn->more_prev) {
		DL_APPEND2(reading->more, conn, more_prev, more_next);
	}
	return first;
}

static void forget(struct reading *reading, struct conn *conn)
{
	if (conn->more_prev) {
		DL_DELETE2(reading->more, conn, more_prev, more_next);
		conn->more_prev = NULL;
	}
}

void reading_leave(struct reading *reading, struct conn *conn)
{
	forget(reading, conn);
	if (reading->current == conn) {
		reading->current = NULL;
	}
}

/* False: there is no more for now, or the connection has ended. */
static bool read_once(struct reading *reading, struct conn *conn)
{
	struct lws_pollfd event = {
		.fd = lws_get_socket_fd(conn->wsi), .events = LWS_POLLIN, .revents = LWS_POLLIN};

	forget(reading, conn);
	if (conn->stage != CONN_OPEN || conn->hold != HOLD_NONE || conn->unheard || event.fd < 0) {
		return false;
	}
	begin_read(reading, conn);
	lws_service_fd(reading->context, &event);
	return reading->current == conn && conn->more_prev;
}

/* Until it is empty or has been read on for long enough; then it stands last in the list. */
static void read_on(struct reading *reading, struct conn *conn)
{
	size_t begin = reading->taken;

	while (read_once(reading, conn) && reading->taken - begin < OWN_MAX) {
	}
}

/* guard unheard: where libwebsockets holds a part of a write and refuses a frame, it waits for that
 * part to go out and takes nothing of what it reads meanwhile: with TLS it reads on for ever while
 * there is something decrypted, else its socket keeps the loop awake. */
void reading_stop(struct conn *conn)
{
	if (!conn->unheard) {
		conn->unheard = true;
		lws_rx_flow_control(conn->wsi, LWS_RXFLOW_REASON_APPLIES_DISABLE | UNHEARD);
	}
}

bool reading_start(struct reading *reading, struct conn *conn)
{
	if (!conn->unheard) {
		return false;
	}
	conn->unheard = false;
	lws_rx_flow_control(conn->wsi, LWS_RXFLOW_REASON_APPLIES_ENABLE | UNHEARD);
	/* Who has left is not taken out of the list any more. */
	if (conn->stage == CONN_OPEN && conn->peer.state == PEER_OPEN && !conn->more_prev) {
		DL_APPEND2(reading->more, conn, more_prev, more_next);
	}
	return true;
}

/* guard hold: with decrypted bytes left it would loop for ever. OpenSSL asks for more when there
 * are none. */
bool reading_hold(struct conn *conn)
{
	SSL *ssl = lws_get_ssl(conn->wsi);

	if (ssl && SSL_pending(ssl)) {
		return false;
	}
	lws_rx_flow_control(conn->wsi, 0);
	return true;
}

void reading_release(struct conn *conn)
{
	lws_rx_flow_control(conn->wsi, 1);
	/* Or what TLS still holds is read at the next event only. */
	lws_cancel_service(conn->ws->reading.context);
}

static bool may_go_on(const struct reading *reading)
{
	struct queued queued = hub_queued(reading->hub);

	return reading->taken < ALL_MAX && queued.frames < QUEUED_MAX &&
	       queued.bytes < QUEUED_BYTES_MAX;
}

void reading_go_on(struct reading *reading)
{
	struct conn *conn;
	size_t count;

	DL_COUNT2(reading->more, conn, count, more_next);
	while (reading->more && count-- && may_go_on(reading)) {
		read_on(reading, reading->more);
	}
	reading->current = NULL;
	reading->taken = 0;
}
