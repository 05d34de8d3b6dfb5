/*
 * head: those parts of a request's head that the gate and http look at.
 */
#pragma once

#include <stdbool.h>

enum head_method { HEAD_OTHER, HEAD_GET, HEAD_HEAD, HEAD_OPTIONS };

/* Header values are NULL when there is no such header, "" when it is too long to be right. The
 * strings belong to whoever filled it in (socket/read_head.h). */
struct head {
	enum head_method method;
	const char *protocol; /* what stands behind the target: "HTTP/1.1" */
	const char *path; /* decoded, up to the query; NULL: longer than any path here */
	const char *const *arguments; /* decoded "name=value", NULL at the end: those that the
				       * subprotocols carry (admit_take_arguments()), the query's */
	const char *host, *origin;
	const char *authorization;
	const char *forwarded_for; /* X-Forwarded-For */
	const char *if_none_match, *accept, *accept_encoding;
	const char *request_headers; /* Access-Control-Request-Headers */
	const char *subprotocols; /* Sec-WebSocket-Protocol, without such values */
	const char *version; /* Sec-WebSocket-Version */
	bool has_long_subprotocols; /* more than libwebsockets takes, 126 bytes */
	bool has_connection, has_key; /* Connection, Sec-WebSocket-Key */
	bool has_body; /* Content-Length, but for a length of 0, or Transfer-Encoding */
	bool has_null; /* an encoded null byte in the query; one of `arguments` ends there */
};
