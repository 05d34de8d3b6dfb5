/* Encodes and parses; knows no socket. */
#include "wire.h"

#include <stdio.h>
#include <string.h>

/* The sample of RFC 6455 section 1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};

size_t wire_request(char *out, size_t size, const char *path, unsigned port)
{
	return (size_t)snprintf(out, size,
		"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY
		"\r\n\r\n",
		path, port);
}

ssize_t wire_answer(const unsigned char *data, size_t len)
{
	const unsigned char *end = memmem(data, len, "\r\n\r\n", 4);

	if (!end) {
		return len < WIRE_FRAME_MAX ? 0 : -1;
	}
	if (memcmp(data, "HTTP/1.1 101 ", 13) != 0 ||
		!memmem(data, (size_t)(end - data), ACCEPT, strlen(ACCEPT))) {
		return -1;
	}
	return end + 4 - data;
}

unsigned char wire_mask(size_t i)
{
	return mask[i % sizeof mask];
}

size_t wire_write(unsigned char *out, unsigned opcode, const void *payload, size_t len)
{
	const unsigned char *data = payload;
	size_t i, head = 2;

	out[0] = (unsigned char)(0x80 | opcode);
	if (len < 126) {
		out[1] = (unsigned char)(0x80 | len);
	} else {
		out[1] = 0x80 | 126;
		out[head++] = (unsigned char)(len >> 8);
		out[head++] = (unsigned char)len;
	}
	memcpy(out + head, mask, sizeof mask);
	head += sizeof mask;
	for (i = 0; i < len; i++) {
		out[head + i] = data[i] ^ wire_mask(i);
	}
	return head + len;
}

ssize_t wire_parse(const unsigned char *data, size_t len, struct wire_frame *ret_frame)
{
	size_t head = 2;

	if (len < head) {
		return 0;
	}
	ret_frame->opcode = data[0] & 0x0f;
	ret_frame->len = data[1];
	if ((data[0] & 0xf0) != 0x80 || ret_frame->len > 126) {
		return -1;
	}
	if (ret_frame->len == 126) {
		head = 4;
		if (len < head) {
			return 0;
		}
		ret_frame->len = (size_t)data[2] << 8 | data[3];
	}
	if (head + ret_frame->len > WIRE_FRAME_MAX) {
		return -1;
	}
	ret_frame->payload = data + head;
	return len < head + ret_frame->len ? 0 : (ssize_t)(head + ret_frame->len);
}
