/* requests: owns the list of those that wait; they have `more_prev` and `more_next` of the conn,
 * which are the peer's later. */
#include "nakodo/net/socket/requests.h"

#include <libwebsockets.h>
#include <utlist.h>

#include "nakodo/base/meter.h"
#include "nakodo/net/gate/turn.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/sockets.h"

static bool may_read(struct conn *conn)
{
	struct sockets *sockets = conn->listener->sockets;

	if (conn->stage != CONN_REQUEST || conn->request_paid ||
		!SSL_is_init_finished(lws_get_ssl(conn->wsi)) ||
		turn_has_room(sockets->turn, conn->group)) {
		return true;
	}
	if (!conn->more_prev) {
		meter_add(METER_READ_LATER, 1);
		DL_APPEND2(sockets->requests, conn, more_prev, more_next);
		lws_rx_flow_control(conn->wsi, 0);
	}
	return false;
}

/* As if nothing had come. */
static long on_bio(BIO *bio, int call, const char *bytes, size_t len, int argi, long argl, int ret,
	size_t *processed)
{
	(void)bytes, (void)len, (void)argi, (void)argl, (void)processed;
	if (call == BIO_CB_READ && !may_read((struct conn *)BIO_get_callback_arg(bio))) {
		BIO_clear_retry_flags(bio);
		BIO_set_retry_read(bio);
		return -1;
	}
	return ret;
}

void requests_begin(struct conn *conn)
{
	BIO *bio = SSL_get_rbio(lws_get_ssl(conn->wsi));

	BIO_set_callback_arg(bio, (char *)conn);
	BIO_set_callback_ex(bio, on_bio);
}

static void forget(struct sockets *sockets, struct conn *conn)
{
	DL_DELETE2(sockets->requests, conn, more_prev, more_next);
	conn->more_prev = NULL;
}

void requests_leave(struct conn *conn)
{
	if (!conn->ws && conn->more_prev) {
		forget(conn->listener->sockets, conn);
	}
}

static void let_go_on(struct sockets *sockets, struct conn *conn)
{
	forget(sockets, conn);
	turn_spend(sockets->turn, conn->group, TURN_REQUEST);
	conn->request_paid = true;
	lws_rx_flow_control(conn->wsi, 1); /* nothing decrypted is left: the kernel tells of it */
}

void requests_settle(struct sockets *sockets)
{
	struct conn *conn, *next;

	DL_FOREACH_SAFE2(sockets->requests, conn, next, more_next)
	{
		if (turn_has_room(sockets->turn, conn->group)) {
			let_go_on(sockets, conn);
		}
	}
}

bool requests_has_more(const struct sockets *sockets)
{
	return sockets->requests;
}
