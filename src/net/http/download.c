/* download: see the header. */
#include "nakodo/net/http/download.h"

#include <fcntl.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/sockets.h"

/* So may files, with their connections, have half of the descriptors. */
#define FILES_PART ((1 + FILE_DESCRIPTORS) * 2)

struct download {
	struct conn *conn;
	int fd;
	size_t left; /* bytes */
	int watched; /* a duplicate of the socket, for libuv has one handle per descriptor */
	uv_poll_t poll;
};

bool download_may_begin(const struct conn *conn)
{
	const struct sockets *sockets = conn_sockets(conn);
	size_t most = sockets->max_count / FILES_PART;

	return sockets->files < most &&
	       sockets_descriptors(sockets) + FILE_DESCRIPTORS <= sockets->max_count &&
	       census_may_get_file(conn->group, most);
}

/* guard download: it has sent more than its request, or has ended its side. libwebsockets 4.1.6
 * would be told so again and again, and read nothing. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct download *download = poll->data;

	(void)status;
	(void)events;
	uv_poll_stop(poll);
	if (download->conn->stage != CONN_DEAD && (download->left || download->conn->unsent)) {
		meter_add(METER_FILES_BROKEN_OFF, 1);
	}
	conn_kill(download->conn);
}

static bool watch(struct download *download, struct conn *conn)
{
	download->watched = fcntl(lws_get_socket_fd(conn->wsi), F_DUPFD_CLOEXEC, 0);
	if (download->watched < 0) {
		return false;
	}
	if (uv_poll_init(conn_sockets(conn)->loop, &download->poll, download->watched)) {
		close(download->watched);
		return false;
	}
	download->poll.data = download;
	uv_poll_start(&download->poll, UV_READABLE, on_readable);
	return true;
}

void download_begin(struct conn *conn, int fd, size_t bytes)
{
	struct download *download = calloc(1, sizeof(*download));

	if (!download || !watch(download, conn)) {
		free(download);
		close(fd);
		return;
	}
	conn_sockets(conn)->files++;
	census_begin_file(conn->group);
	download->conn = conn;
	download->fd = fd;
	download->left = bytes;
	conn->download = download;
	lws_callback_on_writable(conn->wsi);
}

bool download_is_on(const struct conn *conn)
{
	return !conn->ws && conn->download;
}

static int write_piece(struct conn *conn)
{
	char piece[LWS_PRE + DOWNLOAD_PIECE];
	struct download *download = conn->download;
	size_t size = download->left < DOWNLOAD_PIECE ? download->left : DOWNLOAD_PIECE;
	ssize_t got = read(download->fd, piece + LWS_PRE, size);

	if (got <= 0) {
		return -1;
	}
	download->left -= (size_t)got;
	/* What the socket does not take at once, libwebsockets copies and sends later. */
	if (lws_write(conn->wsi, (unsigned char *)piece + LWS_PRE, (size_t)got, LWS_WRITE_HTTP) <
		0) {
		return -1;
	}
	conn_set_unsent(conn, lws_partial_buffered(conn->wsi) ? (size_t)got : 0);
	lws_callback_on_writable(conn->wsi);
	return 0;
}

int download_go_on(struct conn *conn)
{
	if (!download_is_on(conn)) {
		return 0;
	}
	/* libwebsockets does not ask for more before all is out that it holds. */
	conn_set_unsent(conn, 0);
	if (!conn->download->left || conn->stage == CONN_DEAD) {
		return -1;
	}
	conn_answered(conn); /* which has its time anew */
	return write_piece(conn);
}

static void on_closed(uv_handle_t *handle)
{
	struct download *download = handle->data;

	close(download->watched);
	free(download);
}

void download_end(struct conn *conn)
{
	if (download_is_on(conn)) {
		conn_sockets(conn)->files--;
		census_end_file(conn->group);
		close(conn->download->fd);
		uv_close((uv_handle_t *)&conn->download->poll, on_closed);
		conn->download = NULL;
	}
}
