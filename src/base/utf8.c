/* utf8: see the header. */
#include "nakodo/base/utf8.h"

#include <stdint.h>
#include <string.h>
#include <unistr.h>

#define BLOCK 32 /* bytes that are looked at together */

static bool is_ascii(const uint8_t *block)
{
	uint64_t words[BLOCK / sizeof(uint64_t)];

	memcpy(words, block, BLOCK);
	return !((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080);
}

/* The end of a piece with other characters in it: no character goes on behind it. */
static const uint8_t *end_of_piece(const uint8_t *at, const uint8_t *end)
{
	at = end - at > BLOCK ? at + BLOCK : end;
	while (at < end && (*at & 0xc0) == 0x80) {
		at++;
	}
	return at;
}

bool utf8_is_valid(const void *text, size_t len)
{
	const uint8_t *at = text, *end = len ? at + len : at, *next;

	while (at < end) {
		if (end - at >= BLOCK && is_ascii(at)) {
			at += BLOCK;
			continue;
		}
		next = end_of_piece(at, end);
		if (u8_check(at, (size_t)(next - at))) {
			return false;
		}
		at = next;
	}
	return true;
}
