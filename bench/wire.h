/* Bytes of the WebSocket protocol as a client sends and takes them (RFC 6455): no fragments, no
 * extensions, one key and one mask for all. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stddef.h>
#include <sys/types.h>

#define WIRE_HEADER_MAX 8 /* of a client's frame */
#define WIRE_FRAME_MAX (64 * 1024) /* longest frame or handshake answer taken from a server */

enum wire_opcode { WIRE_TEXT = 1, WIRE_BINARY = 2, WIRE_CLOSE = 8, WIRE_PING = 9, WIRE_PONG = 10 };

struct wire_frame {
	unsigned opcode;
	const unsigned char *payload;
	size_t len;
};

/* The handshake's request; returns its length, which is below `size` (512 is enough). */
size_t wire_request(char *out, size_t size, const char *path, unsigned port);

/* Length of the handshake's answer at `data`, 0 when its end has not come, -1 when it is no yes. */
ssize_t wire_answer(const unsigned char *data, size_t len);

/* Writes a frame with at most 65 535 bytes of payload into `out` (len + WIRE_HEADER_MAX bytes) and
 * returns its length. */
size_t wire_write(unsigned char *out, unsigned opcode, const void *payload, size_t len);

/* The byte that masks payload byte `i` in every frame made by wire_write(). */
unsigned char wire_mask(size_t i);

/* Length of the frame at `data`, 0 when its end has not come, -1 for one that a server must not
 * send or that is not for us (section 5.2). The payload points into `data`. */
ssize_t wire_parse(const unsigned char *data, size_t len, struct wire_frame *ret_frame);

#endif
