/*
 * fuzz ws: a WebSocket is opened at the path (and query) in the input's first line, and gets the
 * rest as its stream. Seeds have masking keys of zero, so that what is masked can be read and
 * changed. The server's side of the stream is whole frames as RFC 6455 section 5.2 has them,
 * perhaps cut at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "rules.h"

#define PATH_MAX_BYTES 512

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* What the server's thread is about to free is no leak. */
int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
	return 1;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	daemon_start();
	return 0;
}

/* The frame's length, 0 when it is cut. */
static size_t check_frame(const unsigned char *at, size_t left)
{
	size_t head = 2, len;

	if (left < 2) {
		return 0;
	}
	rules_require(at[0] == 0x81 || at[0] == 0x82 || (at[0] >= 0x88 && at[0] <= 0x8a));
	rules_require(!(at[1] & 0x80));
	rules_require(at[0] < 0x88 || at[1] < 126);
	len = at[1];
	if (len >= 126) {
		head = len == 126 ? 4 : 10;
		len = 0;
		for (size_t i = 2; i < head && head <= left; i++) {
			len = len << 8 | at[i];
		}
		rules_require(head > left || len >= (head == 4 ? 126 : 65536));
	}
	return head > left || len > left - head ? 0 : head + len;
}

static void check_stream(const unsigned char *answer, size_t len)
{
	const unsigned char *at = memmem(answer, len, "\r\n\r\n", 4), *end = answer + len;
	size_t frame;

	if (!at || memcmp(answer, "HTTP/1.1 101", 12)) {
		return;
	}
	for (at += 4; (frame = check_frame(at, (size_t)(end - at))); at += frame) {
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char rest[] = " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
				   "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
				   "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	size_t path = end ? (size_t)(end - data) : 0, len, answer_len;
	unsigned char *bytes, *answer;

	if (!end || path > PATH_MAX_BYTES) {
		return -1;
	}
	len = 4 + path + sizeof(rest) - 1 + size - path - 1;
	bytes = malloc(len);
	memcpy(bytes, "GET ", 4);
	memcpy(bytes + 4, data, path);
	memcpy(bytes + 4 + path, rest, sizeof(rest) - 1);
	memcpy(bytes + 4 + path + sizeof(rest) - 1, end + 1, size - path - 1);
	answer = daemon_ask(bytes, len, &answer_len);
	check_stream(answer, answer_len);
	free(answer);
	free(bytes);
	return 0;
}
