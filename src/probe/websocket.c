/*
 * websocket: owns the frames. Neither client that we link fits: that of libcurl 7.88 is an
 * experiment that Debian leaves out, and that of libwebsockets belongs to an event loop and tells
 * of a failure only that there was one, where each step here has to say which byte of the way it
 * was.
 */
#include "nakodo/probe/websocket.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nakodo/base/text.h"

#define HEAD_MAX 16384 /* bytes of an answer's head */
#define FRAME_HEAD 14

enum { OP_CONTINUE = 0, OP_TEXT = 1, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct frame {
	unsigned op;
	bool is_last;
	size_t head, len; /* bytes */
};

/* Read more behind what is there. */
static int fill(struct websocket *websocket, int64_t deadline)
{
	ssize_t len;

	if (websocket->len == WEBSOCKET_BUFFER) {
		return -EPROTO;
	}
	len = stream_read(&websocket->stream, websocket->buf + websocket->len,
		WEBSOCKET_BUFFER - websocket->len, deadline);
	if (len <= 0) {
		return len ? (int)len : -ECONNRESET;
	}
	websocket->len += (size_t)len;
	websocket->buf[websocket->len] = '\0';
	return 0;
}

static void drop(struct websocket *websocket, size_t len)
{
	websocket->len -= len;
	memmove(websocket->buf, websocket->buf + len, websocket->len + 1);
}

/* The value of a header in the head, which ends with an empty line. */
static bool find_header(const char *head, const char *name, char *buf, size_t size)
{
	size_t len = strlen(name);

	for (const char *at = strstr(head, "\r\n"); at; at = strstr(at + 2, "\r\n")) {
		const char *value = at + 2 + len + 1;

		if (!strncasecmp(at + 2, name, len) && at[2 + len] == ':') {
			value += strspn(value, " \t");
			snprintf(buf, size, "%.*s", (int)strcspn(value, "\r"), value);
			return true;
		}
	}
	return false;
}

static bool accepts(const char *head, const char *key)
{
	static const char magic[] =
		"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 section 1.3 */
	char text[80];
	char found[64];
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned char wanted[64];
	unsigned len;

	snprintf(text, sizeof(text), "%s%s", key, magic);
	if (!EVP_Digest(text, strlen(text), hash, &len, EVP_sha1(), NULL)) {
		return false;
	}
	EVP_EncodeBlock(wanted, hash, (int)len);
	return find_header(head, "Sec-WebSocket-Accept", found, sizeof(found)) &&
	       !strcmp(found, (char *)wanted);
}

static int ask(struct websocket *websocket, const char *authority, const char *path,
	const char *token, const char *key, int64_t deadline)
{
	struct text request = {0};
	char *text;
	size_t len;
	int error;

	text_print(&request,
		"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: nakodo-probe\r\n"
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: nakodo.v1\r\n",
		path, authority, key);
	if (token) {
		text_print(&request, "Authorization: Bearer %s\r\n", token);
	}
	text_add(&request, "\r\n");
	text = text_take(&request, &len);
	error = text ? stream_write(&websocket->stream, text, len, deadline) : -ENOMEM;
	free(text);
	return error;
}

/* The head ends at `ret_end`, behind its empty line. */
static int read_head(struct websocket *websocket, size_t *ret_end, int64_t deadline)
{
	const char *end;

	do {
		int error = fill(websocket, deadline);

		if (error) {
			return error;
		}
		end = strstr(websocket->buf, "\r\n\r\n");
		/* Much may have come behind it already. */
		if (strncmp(websocket->buf, "HTTP/1.", websocket->len < 7 ? websocket->len : 7) ||
			(end ? (size_t)(end - websocket->buf) : websocket->len) > HEAD_MAX) {
			return -EPROTO;
		}
	} while (!end);
	*ret_end = (size_t)(end - websocket->buf) + 4;
	return sscanf(websocket->buf, "HTTP/1.%*c %3d", &websocket->status) == 1 ? 0 : -EPROTO;
}

/* What the body of a refusal says. */
static void read_refusal(struct websocket *websocket, size_t head, int64_t deadline)
{
	const char *message;

	drop(websocket, head);
	while (websocket->len < sizeof(websocket->said) && !fill(websocket, deadline)) {
	}
	message = strstr(websocket->buf, "\"message\":\"");
	if (message) {
		message += strlen("\"message\":\"");
		snprintf(websocket->said, sizeof(websocket->said), "%.*s",
			(int)strcspn(message, "\""), message);
	}
}

int websocket_open(struct websocket *ret, const struct stream *stream, const char *authority,
	const char *path, const char *token, int64_t deadline)
{
	unsigned char nonce[16];
	unsigned char key[32];
	size_t head;
	int error;

	*ret = (struct websocket){.stream = *stream, .buf = malloc(WEBSOCKET_BUFFER + 1)};
	if (!ret->buf || RAND_bytes(nonce, sizeof(nonce)) != 1) {
		return -ENOMEM;
	}
	ret->buf[0] = '\0';
	EVP_EncodeBlock(key, nonce, sizeof(nonce));
	error = ask(ret, authority, path, token, (char *)key, deadline);
	error = error ? error : read_head(ret, &head, deadline);
	if (error) {
		return error;
	}
	find_header(ret->buf, "Date", ret->date, sizeof(ret->date));
	if (ret->status != 101 || !accepts(ret->buf, (char *)key)) {
		read_refusal(ret, head, deadline);
		return -EPROTO;
	}
	drop(ret, head);
	return 0;
}

static int send_frame(
	struct websocket *websocket, unsigned op, const char *bytes, size_t len, int64_t deadline)
{
	unsigned char frame[8 + 65536];
	unsigned char *mask;
	size_t head = 2;

	if (len > 65535) {
		return -EMSGSIZE;
	}
	frame[0] = (unsigned char)(0x80 | op);
	if (len < 126) {
		frame[1] = (unsigned char)(0x80 | len);
	} else {
		frame[1] = 0x80 | 126;
		frame[head++] = (unsigned char)(len >> 8);
		frame[head++] = (unsigned char)len;
	}
	mask = frame + head;
	if (RAND_bytes(mask, 4) != 1) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < len; i++) {
		mask[4 + i] = (unsigned char)bytes[i] ^ mask[i % 4];
	}
	return stream_write(&websocket->stream, frame, head + 4 + len, deadline);
}

int websocket_send(struct websocket *websocket, const char *text, int64_t deadline)
{
	return send_frame(websocket, OP_TEXT, text, strlen(text), deadline);
}

/* Wait until a whole frame is in the buffer. */
static int read_frame(struct websocket *websocket, struct frame *ret, int64_t deadline)
{
	const unsigned char *at = (unsigned char *)websocket->buf;
	int error = 0;

	while (!error) {
		size_t code = websocket->len > 1 ? at[1] : 0;
		unsigned more = code == 126 ? 2 : code == 127 ? 8 : 0;

		if (stream_now() >= deadline) {
			return -ETIMEDOUT;
		}
		/* Reserved bits, or a mask, which no server sets (section 5.1). */
		if ((websocket->len && at[0] & 0x70) || code & 0x80) {
			return -EPROTO;
		}
		if (websocket->len >= 2 + more) {
			size_t len = more ? 0 : code;

			for (unsigned i = 0; i < more; i++) {
				len = len << 8 | at[2 + i];
			}
			if (len > WEBSOCKET_BUFFER - FRAME_HEAD) {
				return -EPROTO;
			}
			if (websocket->len >= 2 + more + len) {
				*ret = (struct frame){at[0] & 15, at[0] & 0x80, 2 + more, len};
				return 0;
			}
		}
		error = fill(websocket, deadline);
	}
	return error;
}

static int note_close(struct websocket *websocket, const char *payload, size_t len)
{
	websocket->close_code = 1005; /* none was given, section 7.1.5 */
	if (len >= 2) {
		const unsigned char *code = (const unsigned char *)payload;

		websocket->close_code = code[0] << 8 | code[1];
		snprintf(websocket->said, sizeof(websocket->said), "%.*s", (int)(len - 2),
			payload + 2);
	}
	return -ECONNRESET;
}

int websocket_receive(struct websocket *websocket, char **ret, int64_t deadline)
{
	struct text message = {0};
	struct frame frame = {0};
	bool is_whole = false;
	int error = 0;

	while (!error && !is_whole) {
		const char *payload;

		error = read_frame(websocket, &frame, deadline);
		if (error) {
			break;
		}
		payload = websocket->buf + frame.head;
		if (frame.op == OP_CLOSE) {
			error = note_close(websocket, payload, frame.len);
		} else if (frame.op == OP_PING) {
			error = frame.len > 125 ? -EPROTO
						: send_frame(websocket, OP_PONG, payload, frame.len,
							  deadline);
		} else if (frame.op == OP_TEXT || frame.op == OP_CONTINUE) {
			text_add_bytes(&message, payload, frame.len);
			is_whole = frame.is_last;
			error = message.len > WEBSOCKET_BUFFER ? -EPROTO : 0;
		} else if (frame.op != OP_PONG) {
			error = -EPROTO;
		}
		drop(websocket, frame.head + frame.len);
	}
	*ret = text_take(&message, NULL);
	if (!error && !*ret) {
		return -ENOMEM;
	}
	if (error) {
		free(*ret);
		*ret = NULL;
	}
	return error;
}

void websocket_close(struct websocket *websocket)
{
	stream_close(&websocket->stream);
	free(websocket->buf);
	websocket->buf = NULL;
}
