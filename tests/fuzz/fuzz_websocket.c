/* fuzz websocket: the probe's side of one, behind an upgrade or as what answers the request. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nakodo/probe/websocket.h"

#define PATIENCE 1000000 /* microseconds; what is read is there already */
#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input's frames, as if an upgrade were done. */
static void read_frames(struct stream *stream)
{
	struct websocket websocket = {.stream = *stream, .buf = calloc(1, WEBSOCKET_BUFFER + 1)};
	char *text;

	while (websocket.buf && !websocket_receive(&websocket, &text, stream_now() + PATIENCE)) {
		free(text);
	}
	websocket_close(&websocket);
}

static void read_answer(struct stream *stream)
{
	struct websocket websocket;

	websocket_open(&websocket, stream, "h", "/v1/r", NULL, stream_now() + PATIENCE);
	websocket_close(&websocket);
}

static void feed(const uint8_t *data, size_t size, void (*read_all)(struct stream *))
{
	int pair[2];
	struct stream stream = {.fd = -1};

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair)) {
		abort();
	}
	stream.fd = pair[0];
	if (send(pair[1], data, size, MSG_NOSIGNAL) == (ssize_t)size) {
		shutdown(pair[1], SHUT_WR);
		read_all(&stream);
	} else {
		close(pair[0]);
	}
	close(pair[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size <= INPUT_MAX) {
		feed(data, size, read_frames);
		feed(data, size, read_answer);
	}
	return 0;
}
