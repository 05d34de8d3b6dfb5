/* webtorrent_bytes: owns nothing; see the header. */
#include "nakodo/dialect/webtorrent_bytes.h"

#include <stdlib.h>
#include <string.h>

#include "nakodo/base/json.h"

/* The character after a backslash, and the rest of it; -1: more than U+00FF. */
static int read_escape(const char **at)
{
	static const char names[] = "bfnrt", bytes[] = "\b\f\n\r\t";
	char escaped = *(*at)++, digits[3];
	const char *name = strchr(names, escaped);

	if (escaped != 'u') {
		return name ? bytes[name - names] : escaped;
	}
	if ((*at)[0] != '0' || (*at)[1] != '0') {
		return -1;
	}
	memcpy(digits, *at + 2, 2);
	digits[2] = '\0';
	*at += 4;
	return (int)strtol(digits, NULL, 16);
}

/* -1: more than U+00FF. */
static int read_character(const char **at)
{
	unsigned char first = (unsigned char)*(*at)++;

	if (first == '\\') {
		return read_escape(at);
	}
	if (first < 0x80) {
		return first;
	}
	if (first > 0xc3) {
		return -1;
	}
	return (first & 3) << 6 | ((unsigned char)*(*at)++ & 0x3f);
}

bool webtorrent_bytes_read(const struct json_value *value, unsigned char ret[WEBTORRENT_ID])
{
	const char *at, *end;
	size_t len = 0;

	if (value->kind != JSON_STRING) {
		return false;
	}
	at = value->at + 1;
	end = value->at + value->len - 1;
	while (at < end && len < WEBTORRENT_ID) {
		int character = read_character(&at);

		if (character < 0) {
			return false;
		}
		ret[len++] = (unsigned char)character;
	}
	return at == end && len == WEBTORRENT_ID;
}
