/* conn: owns the memory of a connection and its place in the sockets' list and the census. */
#include "nakodo/net/socket/conn.h"

#include <assert.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/gate/turn.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn_walk.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/requests.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/tls/tls.h"
#include "nakodo/service/grant.h"

#define ANSWER_DEADLINE 60000 /* ms */
#define LIBRARY_LATER 5 /* s by which libwebsockets' own deadline is later than ours */
#define ORPHAN_DELAY 100 /* ms */
/* What one costs here and in libwebsockets, and with TLS also in OpenSSL; bytes. */
#define PLAIN_COST 4096
#define TLS_COST 14336

static_assert(sizeof(struct conn) <= 344, "an idle peer takes 4.0 kB at most, all in all");

struct conn *conn_of_timer(struct wheel_timer *timer)
{
	return lws_container_of(timer, struct conn, timer);
}

static void end_handshake(struct conn *conn)
{
	if (conn->shakes_hands) {
		census_end_handshake(conn->group);
		conn->shakes_hands = false;
	}
}

static uint64_t quarter(const struct conn *conn)
{
	return conn_sockets(conn)->options->handshake_timeout * 1000 / 4;
}

static void on_deadline(struct wheel_timer *timer)
{
	struct conn *conn = conn_of_timer(timer);

	if (conn->shakes_hands && census_is_crowded(conn->group)) {
		meter_add(METER_HANDSHAKES_GAVE_WAY, 1);
	} else if (conn->stage == CONN_REQUEST && conn->quarters) {
		conn->quarters--;
		conn_kill_after(conn, quarter(conn));
		return;
	} else if (conn->stage == CONN_REQUEST) {
		meter_add(METER_ACCEPT_LATE, 1);
	} else if (conn->stage == CONN_ANSWERED) {
		meter_add(METER_ANSWERS_LATE, 1);
	}
	conn_kill(conn);
}

static void release(const struct sockets *sockets, uint32_t ticket)
{
	if (ticket) {
		sockets->release((struct sockets *)sockets, ticket);
	}
}

static void let_go(struct accepted *accepted)
{
	release(accepted->listener->sockets, accepted->ticket);
	census_remove_connection(accepted->listener->sockets->gate->census, accepted->group);
	free(accepted->target);
	listener_let_go(accepted->listener);
}

void conn_discard(struct accepted *accepted)
{
	close(accepted->fd);
	let_go(accepted);
}

static uint64_t time_left(const struct accepted *accepted)
{
	uint64_t now = deadlines_now(accepted->listener->sockets->deadlines);

	return accepted->deadline > now ? accepted->deadline - now : 0;
}

/* A socket that libwebsockets has failed to take over. */
struct orphan {
	struct wheel_timer timer;
	struct sockets *sockets;
	struct orphan *prev, *next; /* of the sockets (utlist DL) */
	int fd;
	ino_t inode;
};

/* 0: there is no such descriptor. */
static ino_t inode_of(int fd)
{
	struct stat status;

	return fstat(fd, &status) ? 0 : status.st_ino;
}

static void on_orphan(struct wheel_timer *timer)
{
	struct orphan *orphan = lws_container_of(timer, struct orphan, timer);

	if (inode_of(orphan->fd) == orphan->inode) {
		close(orphan->fd);
	}
	DL_DELETE(orphan->sockets->orphans, orphan);
	free(orphan);
}

/* libwebsockets has closed it, or will when libuv has let go of it, or, when it had no memory left,
 * never does. Which of the three shows a few turns later. */
static void see_closed(struct sockets *sockets, int fd)
{
	ino_t inode = inode_of(fd);
	struct orphan *orphan = inode ? calloc(1, sizeof(*orphan)) : NULL;

	if (orphan) {
		orphan->fd = fd;
		orphan->inode = inode;
		orphan->sockets = sockets;
		DL_APPEND(sockets->orphans, orphan);
		deadlines_set(sockets->deadlines, &orphan->timer, ORPHAN_DELAY, on_orphan);
	}
}

void conn_forget_orphans(struct sockets *sockets)
{
	struct orphan *orphan, *next;

	DL_FOREACH_SAFE (sockets->orphans, orphan, next) {
		deadlines_clear(sockets->deadlines, &orphan->timer);
		free(orphan);
	}
	sockets->orphans = NULL;
}

size_t conn_cost(const struct conn *conn)
{
	return conn->tls ? TLS_COST : PLAIN_COST;
}

/* A handshake has three of them. Key updates (RFC 8446 section 4.6.3) and refused renegotiations
 * are more, and cost much for what they are. */
static void on_tls_message(
	int out, int version, int type, const void *bytes, size_t len, SSL *ssl, void *cookie)
{
	struct conn *conn = cookie;

	(void)ssl;
	if (out && tls_has_cost(version, type, bytes, len)) {
		end_handshake(conn);
	}
	if (!out && type == SSL3_RT_HANDSHAKE && conn->tls_messages < TLS_MESSAGES &&
		++conn->tls_messages == TLS_MESSAGES && conn->stage != CONN_DEAD) {
		meter_add(METER_TLS_MESSAGES, 1);
		conn_kill(conn);
	}
}

/* What costs most of a plain request is its answer. libwebsockets has given OpenSSL what had come
 * already; the keys are made in that step. */
static bool has_costly_step(const struct conn *conn)
{
	EVP_PKEY *key;

	if (!conn->tls) {
		return true;
	}
	if (!lws_get_ssl(conn->wsi)) {
		return false;
	}
	if (!SSL_get_tmp_key(lws_get_ssl(conn->wsi), &key)) {
		return true;
	}
	EVP_PKEY_free(key);
	return SSL_version(lws_get_ssl(conn->wsi)) < TLS1_3_VERSION;
}

/* As many quarters of handshake-timeout as are in what is left of it, and the rest. */
static void start_patience(struct conn *conn, uint64_t left)
{
	uint64_t quarters = (left + quarter(conn) - 1) / quarter(conn);

	conn->quarters = quarters > 3 ? 3 : quarters ? (unsigned)quarters - 1 : 0;
	conn_kill_after(conn, left - conn->quarters * quarter(conn));
}

void conn_adopt(struct accepted *accepted)
{
	struct sockets *sockets = accepted->listener->sockets;
	struct conn *conn = calloc(1, sizeof(*conn));
	struct lws *wsi;

	if (!conn) {
		conn_discard(accepted);
		return;
	}
	wsi = lws_adopt_socket_vhost(
		accepted->tls ? sockets->secure : sockets->plain, accepted->fd);
	if (!wsi) {
		see_closed(sockets, accepted->fd);
		let_go(accepted);
		free(conn);
		return;
	}
	conn->listener = accepted->listener;
	conn->wsi = wsi;
	conn->address = accepted->address;
	conn->group = accepted->group;
	conn->direct = accepted->direct;
	conn->ticket = accepted->ticket;
	conn->tls = accepted->tls;
	conn->misplaced =
		accepted->listener->endpoint.tls && !accepted->tls && !accepted->decrypted;
	if (conn->misplaced) {
		conn->target = accepted->target;
	}
	lws_set_opaque_user_data(wsi, conn);
	if (accepted->tls && lws_get_ssl(wsi)) {
		SSL_set_msg_callback(lws_get_ssl(wsi), on_tls_message);
		SSL_set_msg_callback_arg(lws_get_ssl(wsi), conn);
		requests_begin(conn);
	}
	memory_take(MEMORY_CONNECTIONS, conn_cost(conn));
	DL_APPEND(sockets->conns, conn);
	sockets->adopted++;
	sockets->count++;
	if (has_costly_step(conn)) {
		census_begin_handshake(conn->group);
		conn->shakes_hands = true;
	}
	start_patience(conn, time_left(accepted));
}

struct sockets *conn_sockets(const struct conn *conn)
{
	return conn->listener->sockets;
}

struct conn *conn_of(struct lws *wsi)
{
	return wsi ? lws_get_opaque_user_data(wsi) : NULL;
}

void conn_leave_place(struct conn *conn)
{
	if (conn->placed) {
		conn->placed = false;
		gate_leave(conn_sockets(conn)->gate, conn->place);
		conn->place = NULL;
	}
}

void conn_set_unsent(struct conn *conn, size_t bytes)
{
	enum memory_kind kind = conn->ws ? MEMORY_FRAMES : MEMORY_ANSWERS;

	memory_give(kind, conn->unsent);
	memory_take(kind, bytes);
	conn->unsent = (unsigned)bytes;
}

void conn_let_go(struct conn *conn)
{
	struct sockets *sockets = conn_sockets(conn);

	requests_leave(conn);
	conn->wsi = NULL;
	conn->stage = CONN_DEAD;
	/* libwebsockets may end an upgrade that was allowed without telling more than this. */
	conn_leave_place(conn);
	deadlines_clear(sockets->deadlines, &conn->timer);
	end_handshake(conn);
	census_remove_connection(sockets->gate->census, conn->group);
	conn->group = NULL;
	release(sockets, conn->ticket);
	conn->ticket = 0;
	conn_set_unsent(conn, 0);
}

void conn_destroy(struct conn *conn)
{
	struct sockets *sockets = conn_sockets(conn);

	conn_let_go(conn);
	memory_give(MEMORY_CONNECTIONS, conn_cost(conn));
	conn_walk_pass(sockets->walks, conn);
	DL_DELETE(sockets->conns, conn);
	sockets->adopted--;
	sockets->count--;
	if (conn->misplaced) {
		free(conn->target);
	} else if (conn->mount) {
		dialect_table_let_go(conn->mount);
	}
	grant_destroy(conn->peer.grant);
	listener_let_go(conn->listener);
	free(conn);
}

/* Who had to wait has paid. */
static void pay_request(struct conn *conn)
{
	if (!conn->request_paid) {
		turn_spend(conn_sockets(conn)->turn, conn->group, TURN_REQUEST);
	}
}

void conn_admitted(struct conn *conn)
{
	conn->stage = CONN_ADMITTED;
	pay_request(conn);
	end_handshake(conn);
}

/* libwebsockets allows five seconds, from when the connection was given up to it. */
static void on_answered(struct wheel_timer *timer)
{
	struct conn *conn = conn_of_timer(timer);

	if (conn->stage == CONN_DEAD) {
		return; /* ended in the same turn: the timeout of conn_kill() stays */
	}
	lws_set_timeout(conn->wsi, PENDING_FLUSH_STORED_SEND_BEFORE_CLOSE,
		ANSWER_DEADLINE / 1000 + LIBRARY_LATER);
	conn_kill_after(conn, ANSWER_DEADLINE);
}

void conn_answered(struct conn *conn)
{
	conn->stage = CONN_ANSWERED;
	pay_request(conn);
	end_handshake(conn);
	deadlines_set(conn_sockets(conn)->deadlines, &conn->timer, 0, on_answered);
}

void conn_kill(struct conn *conn)
{
	if (conn->stage == CONN_DEAD) {
		return;
	}
	conn->stage = CONN_DEAD;
	end_handshake(conn);
	if (conn->peer.state == PEER_OPEN) {
		hub_mute(&conn->peer); /* it leaves when libwebsockets says that it is closed */
	} else {
		hub_drop(&conn->peer);
	}
	lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
	/* Outside of its own callbacks libwebsockets does not look at its timeouts by itself. */
	lws_cancel_service(conn_sockets(conn)->context);
}

void conn_kill_after(struct conn *conn, uint64_t delay)
{
	deadlines_set(conn_sockets(conn)->deadlines, &conn->timer, delay, on_deadline);
}
