/*
 * answer: one HTTP answer, put together and written.
 *
 * Every answer is the last one of its connection: libwebsockets 4.1.6 cannot be trusted with what a
 * client sends behind a request (SECURITY.md). All but large files is written at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct conn;
struct head;
struct lws_protocol_vhost_options;
struct refusal;

/* The header line that says whose pages may load the answer. */
#define ANSWER_SAME_ORIGIN "cross-origin-resource-policy: same-origin\r\n"
#define ANSWER_CROSS_ORIGIN "cross-origin-resource-policy: cross-origin\r\n"

/* What is answered; zeroed memory is an empty one. */
struct reply {
	int status; /* HTTP */
	const char *type; /* media type */
	const char *body;
	size_t len;
	char etag[48]; /* with its quotes; "": not to be cached */
	const char *coding; /* of the body, for Content-Encoding; NULL: none */
	bool varies; /* by Accept-Encoding */
	bool immutable; /* what this address names never changes */
	char *owned; /* the body's memory, if it is the reply's own */
	size_t more; /* bytes of the file `fd` that follow the body; then that is the reply's own */
	int fd;
};

/* How it is answered. */
struct shape {
	const char *extra; /* header lines; NULL: for pages of our own only */
	const char *connect; /* more sources for the page's connect-src (CSP); NULL: none */
};

void reply_set(struct reply *reply, int status, const char *type, const char *body);
/* 200 with memory that is the reply's from now on; `body` NULL, for want of memory: 500. */
void reply_set_owned(struct reply *reply, const char *type, char *body);
void reply_finish(struct reply *reply);

/* Write the reply; without its body for HEAD, and for 204 and 304. What the socket does not take at
 * once is counted in the conn and the sockets until it has. What follows from a file becomes the
 * conn's (download.h). */
void answer_write(
	struct conn *conn, const struct head *head, struct reply *reply, const struct shape *shape);
/* Answer with the refusal's status and a JSON body, and count it. */
void answer_refuse(struct conn *conn, const struct head *head, const struct refusal *refusal);

/* For libwebsockets to add to what it answers by itself: 403 to requests that it cannot read. */
const struct lws_protocol_vhost_options *answer_library_headers(void);
