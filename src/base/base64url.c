/* base64url: see the header. */
#include "nakodo/base/base64url.h"

#include <errno.h>
#include <stdint.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* 0 to 63; -1: it is none. */
static int digit_of(char byte)
{
	if (byte >= 'A' && byte <= 'Z') {
		return byte - 'A';
	}
	if (byte >= 'a' && byte <= 'z') {
		return byte - 'a' + 26;
	}
	if (byte >= '0' && byte <= '9') {
		return byte - '0' + 52;
	}
	return byte == '-' ? 62 : byte == '_' ? 63 : -1;
}

long base64url_decode(const char *text, size_t len, unsigned char *buf, size_t size)
{
	size_t bytes = len / 4 * 3 + (len % 4 ? len % 4 - 1 : 0), done = 0;
	uint32_t bits = 0;
	unsigned have = 0;

	if (len % 4 == 1) {
		return -EINVAL;
	}
	if (bytes > size) {
		return -ENOSPC;
	}
	for (size_t i = 0; i < len; i++) {
		int digit = digit_of(text[i]);

		if (digit < 0) {
			return -EINVAL;
		}
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf[done++] = (unsigned char)(bits >> have);
		}
	}
	/* Else two texts would be the same bytes. */
	return bits & ((1u << have) - 1) ? -EINVAL : (long)done;
}

size_t base64url_encode(const unsigned char *bytes, size_t len, char *buf)
{
	size_t done = 0;
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | bytes[i];
		for (have += 8; have >= 6; have -= 6) {
			buf[done++] = digits[bits >> (have - 6) & 63];
		}
	}
	if (have) {
		buf[done++] = digits[bits << (6 - have) & 63];
	}
	buf[done] = '\0';
	return done;
}
