/*
 * websocket: a client's side of RFC 6455, as much of it as a probe needs: text messages of whole
 * frames or fragments, pings are answered.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "nakodo/probe/stream.h"

#define WEBSOCKET_BUFFER (256 * 1024) /* bytes of a message or of a head */

struct websocket {
	struct stream stream;
	char *buf; /* what has come and was not taken yet */
	size_t len;
	int status; /* of HTTP; 0: no HTTP came */
	int close_code; /* 0: no close frame has come */
	char date[40]; /* of the answer's head; "": it has none */
	char said[256]; /* what the other side said when it refused or closed */
};

/* Ask for the upgrade on an open stream, which is the websocket's from then on. 0; -EPROTO: it was
 * refused, as `status` and `said` tell, or the answer is none of HTTP (`status` 0); or -errno of a
 * stream. */
int websocket_open(struct websocket *ret, const struct stream *stream, const char *authority,
	const char *path, const char *token, int64_t deadline);
int websocket_send(struct websocket *websocket, const char *text, int64_t deadline);
/* The next text message, freed by the caller. -ECONNRESET: it was closed, see `close_code`;
 * -EPROTO: what came is no WebSocket; or -errno of a stream. */
int websocket_receive(struct websocket *websocket, char **ret, int64_t deadline);
/* Close it without further ado. Also for one that did not open. */
void websocket_close(struct websocket *websocket);
