/* download: see the header. */
#include "nakodo/net/http/download.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <unistd.h>

#include "nakodo/base/memory.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/sockets.h"

/* Of the descriptors that connections may have. */
#define FILES_PART 4

struct download {
	int fd;
	size_t left; /* bytes */
};

bool download_may_begin(const struct conn *conn)
{
	const struct sockets *sockets = conn_sockets(conn);
	size_t most = sockets->max_count / FILES_PART;

	return sockets->files < most && census_may_get_file(conn->group, most);
}

void download_begin(struct conn *conn, int fd, size_t bytes)
{
	struct download *download = malloc(sizeof(*download));

	if (!download) {
		close(fd);
		return;
	}
	conn_sockets(conn)->count++;
	conn_sockets(conn)->files++;
	census_begin_file(conn->group);
	*download = (struct download){fd, bytes};
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
	return conn->download->left ? write_piece(conn) : -1;
}

void download_end(struct conn *conn)
{
	if (download_is_on(conn)) {
		conn_sockets(conn)->count--;
		conn_sockets(conn)->files--;
		census_end_file(conn->group);
		close(conn->download->fd);
		free(conn->download);
		conn->download = NULL;
	}
}
