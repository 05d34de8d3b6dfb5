/*
 * download: what is left of a file that goes to a client in pieces, each as soon as the one before
 * is out. So a large file takes no more memory for a client that reads slowly, and no more of a
 * turn for one that reads fast, than a piece.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define DOWNLOAD_PIECE (64 << 10) /* bytes at most */

struct conn;

/* Do files leave most descriptors to connections, and this one's address some files to others? */
bool download_may_begin(const struct conn *conn);
/* The bytes of `fd` from where it stands follow what has been written, each piece within a minute.
 * Takes over `fd`. A client that sends something meanwhile, or ends its side, is cut. Without
 * memory or descriptors the connection ends after what has been written. */
void download_begin(struct conn *conn, int fd, size_t bytes);
/* Is there something left, or on its way? Then the connection must stay. */
bool download_is_on(const struct conn *conn);
/* The socket takes more. Returns what libwebsockets' callback returns: -1 when the connection has
 * to end, for all of it is out, or the file has become shorter than it was. */
int download_go_on(struct conn *conn);
/* The connection ends, whatever is left. */
void download_end(struct conn *conn);
