/*
 * frame: one immutable outgoing WebSocket frame (RFC 6455 section 5.2), header and payload in one
 * block, shared by reference count among all its receivers.
 * message: one message on its way through the hub; it makes the frames its receivers need, when
 * the first of them needs it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

/* A part of a payload: a literal, without its NUL, any string, and bytes that nobody changes. */
#define PART(literal) ((struct iovec){(void *)(literal), sizeof(literal) - 1})
#define PART_OF(string) ((struct iovec){(void *)(string), strlen(string)})
#define PART_BYTES(at, len) ((struct iovec){(void *)(at), (len)})

enum frame_opcode {
	FRAME_TEXT = 1,
	FRAME_BINARY = 2,
	FRAME_CLOSE = 8,
	FRAME_PING = 9,
};

struct frame {
	unsigned refs;
	unsigned number; /* frame_book's */
#ifdef NAKODO_AUDIT
	unsigned found; /* references; these two: audit's, 0 between its walks */
	struct frame *next_found;
#endif
	size_t len; /* of `bytes`: header and payload */
	unsigned char bytes[]; /* never changes once the frame is made */
};

/* A final, unmasked frame of the parts joined; the caller owns the one reference. NULL: no memory.
 */
struct frame *frame_create(enum frame_opcode opcode, const struct iovec *parts, int count);
/* A close frame; code 1005 stands for none at all (RFC 6455 section 7.4.1); `reason` is cut to the
 * 123 bytes that a control frame can hold. */
struct frame *frame_create_close(unsigned code, const char *reason);
/* What is behind its header. */
const void *frame_payload(const struct frame *frame, size_t *ret_len);
struct frame *frame_ref(struct frame *frame);
void frame_unref(struct frame *frame); /* takes NULL */

/* The opcode a receiver wants data messages in. */
enum frame_choice { FRAME_AS_SENT, FRAME_AS_TEXT, FRAME_AS_BINARY };

struct message {
	const struct iovec *parts; /* the payload; the caller's memory for as long as the message */
	int count;
	bool binary; /* as the sender sent it */
	bool utf8; /* the payload is known to be valid UTF-8 */
	struct frame *frames[2]; /* text, binary; made when first needed */
};

/* `utf8` says that the payload has been checked; text always has. */
void message_init(
	struct message *message, const struct iovec *parts, int count, bool binary, bool utf8);
void message_finish(struct message *message);
/* The frame for a receiver of that choice, owned by the message. A binary message that is not
 * UTF-8 stays binary, since browsers end the connection with 1007 on such a text. NULL: no memory.
 */
struct frame *message_frame(struct message *message, enum frame_choice choice);
