/* frame, message: own the bytes on their way out. Frames are made here and nowhere else. */
#include "nakodo/hub/frame.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/utf8.h"

#include "nakodo/base/memory.h"

#define FIN 0x80
#define CLOSE_WITHOUT_CODE 1005

static size_t put_header(unsigned char *out, enum frame_opcode opcode, size_t len)
{
	out[0] = FIN | opcode;
	if (len < 126) {
		out[1] = len;
		return 2;
	}
	if (len < 65536) {
		out[1] = 126;
		out[2] = len >> 8;
		out[3] = len & 0xff;
		return 4;
	}
	out[1] = 127;
	for (int i = 0; i < 8; i++) {
		out[2 + i] = (uint64_t)len >> (56 - 8 * i) & 0xff;
	}
	return 10;
}

struct frame *frame_create(enum frame_opcode opcode, const struct iovec *parts, int count)
{
	unsigned char header[10];
	size_t head, len = 0;
	struct frame *frame;

	for (int i = 0; i < count; i++) {
		len += parts[i].iov_len;
	}
	head = put_header(header, opcode, len);
	frame = malloc(sizeof(*frame) + head + len);
	if (!frame) {
		return NULL;
	}
	memory_take(MEMORY_FRAMES, sizeof(*frame) + head + len);
	frame->refs = 1;
	frame->number = 0;
#ifdef NAKODO_AUDIT
	frame->found = 0;
#endif
	frame->len = head;
	memcpy(frame->bytes, header, head);
	for (int i = 0; i < count; i++) {
		if (parts[i].iov_len) {
			memcpy(frame->bytes + frame->len, parts[i].iov_base, parts[i].iov_len);
			frame->len += parts[i].iov_len;
		}
	}
	return frame;
}

struct frame *frame_create_close(unsigned code, const char *reason)
{
	unsigned char status[2] = {code >> 8 & 0xff, code & 0xff};
	size_t len = strnlen(reason, 123);
	struct iovec parts[2] = {{status, 2}, {(void *)reason, len}};

	return frame_create(FRAME_CLOSE, parts, code == CLOSE_WITHOUT_CODE ? 0 : 2);
}

const void *frame_payload(const struct frame *frame, size_t *ret_len)
{
	size_t head = frame->bytes[1] < 126 ? 2 : frame->bytes[1] == 126 ? 4 : 10;

	*ret_len = frame->len - head;
	return frame->bytes + head;
}

struct frame *frame_ref(struct frame *frame)
{
	frame->refs++;
	return frame;
}

void frame_unref(struct frame *frame)
{
	if (frame && --frame->refs == 0) {
		memory_give(MEMORY_FRAMES, sizeof(*frame) + frame->len);
		free(frame);
	}
}

void message_init(
	struct message *message, const struct iovec *parts, int count, bool binary, bool utf8)
{
	*message = (struct message){
		.parts = parts, .count = count, .binary = binary, .utf8 = utf8 || !binary};
}

void message_finish(struct message *message)
{
	frame_unref(message->frames[0]);
	frame_unref(message->frames[1]);
}

static bool is_utf8(struct message *message)
{
	/* Each part is a whole string of its own, so no character spans two of them. */
	for (int i = 0; i < message->count && !message->utf8; i++) {
		if (!utf8_is_valid(message->parts[i].iov_base, message->parts[i].iov_len)) {
			return false;
		}
	}
	message->utf8 = true;
	return true;
}

struct frame *message_frame(struct message *message, enum frame_choice choice)
{
	bool binary = message->binary;

	if (choice == FRAME_AS_BINARY) {
		binary = true;
	} else if (choice == FRAME_AS_TEXT && binary) {
		binary = !is_utf8(message);
	}
	if (!message->frames[binary]) {
		message->frames[binary] = frame_create(
			binary ? FRAME_BINARY : FRAME_TEXT, message->parts, message->count);
	}
	return message->frames[binary];
}
