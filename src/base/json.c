/*
 * json: owns nothing; walks once over bytes that someone else keeps.
 *
 * Each scan_…() begins at scan->at and, when it returns true, has left it behind what it read. A
 * message is mostly one long string of SDP, so the inside of strings is what has to be fast.
 */
#include "nakodo/base/json.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistr.h>

#include "nakodo/base/chars.h"
#include "nakodo/base/utf8.h"

typedef uint8_t bytes __attribute__((vector_size(16)));
typedef uint64_t words __attribute__((vector_size(16)));

#define HIGH_BITS 0x8080808080808080 /* of eight bytes */

struct scan {
	const char *at, *end;
	struct json_member *members; /* what is asked of the outermost object */
	size_t count;
	bool doubled;
};

static bool scan_value(struct scan *scan, unsigned depth);

static bool take(struct scan *scan, char byte)
{
	if (scan->at == scan->end || *scan->at != byte) {
		return false;
	}
	scan->at++;
	return true;
}

static void skip_space(struct scan *scan)
{
	while (scan->at < scan->end &&
		(*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t')) {
		scan->at++;
	}
}

/* The number that the four hex digits at `at` make, or -1 if they are not. */
static int32_t hex_quad(const char *at)
{
	int32_t value = 0;

	for (int i = 0; i < 4; i++) {
		int digit = chars_hex_digit(at[i]);

		if (digit < 0) {
			return -1;
		}
		value = value << 4 | digit;
	}
	return value;
}

/* The bytes that stand for themselves in a string. */
static const bool plain[256] = {
	[' ' ... '!'] = true, /* then the quote */
	['#' ... '['] = true, /* then the backslash */
	[']' ... 0xff] = true, /* from 0x80 on as UTF-8, which is checked apart */
};

/* False, and nothing taken, if no lawful escape stands here. A lone half of a surrogate pair is
 * one: the grammar allows it, only decoding does not. */
static bool scan_escape(struct scan *scan)
{
	if (scan->end - scan->at < 2 || *scan->at != '\\') {
		return false;
	}
	switch (scan->at[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		scan->at += 2;
		return true;
	case 'u':
		if (scan->end - scan->at < 6 || hex_quad(scan->at + 2) < 0) {
			return false;
		}
		scan->at += 6;
		return true;
	default:
		return false;
	}
}

/* The first of sixteen bytes that is not zero; one is not. */
static int first_set(words set)
{
	return set[0] ? __builtin_ctzll(le64toh(set[0])) / 8
		      : 8 + __builtin_ctzll(le64toh(set[1])) / 8;
}

/* To the first byte that does not stand for itself, sixteen at a time as far as that goes. `*seen`
 * is or-ed with something above 0x7f if one of the bytes is, or one soon behind them. */
static const char *skip_plain(const char *at, const char *end, uint64_t *seen)
{
	bytes block;
	words special, all = {0};

	while (end - at >= (long)sizeof(block)) {
		memcpy(&block, at, sizeof(block));
		special = (words)((block < ' ') | (block == '"') | (block == '\\'));
		all |= (words)block;
		if (special[0] | special[1]) {
			*seen |= (all[0] | all[1]) & HIGH_BITS;
			return at + first_set(special);
		}
		at += sizeof(block);
	}
	*seen |= (all[0] | all[1]) & HIGH_BITS;
	while (at < end && plain[(unsigned char)*at]) {
		*seen |= (unsigned char)*at++;
	}
	return at;
}

static bool scan_string(struct scan *scan)
{
	const char *begin;
	uint64_t seen = 0;

	if (!take(scan, '"')) {
		return false;
	}
	begin = scan->at;
	do {
		scan->at = skip_plain(scan->at, scan->end, &seen);
	} while (scan_escape(scan));
	/* Such bytes are refused everywhere else, so the whole text is then UTF-8. */
	return take(scan, '"') &&
	       (seen < 0x80 || utf8_is_valid(begin, (size_t)(scan->at - 1 - begin)));
}

static bool scan_digits(struct scan *scan)
{
	const char *begin = scan->at;

	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
		scan->at++;
	}
	return scan->at > begin;
}

static bool scan_number(struct scan *scan)
{
	take(scan, '-');
	if (!take(scan, '0') && !scan_digits(scan)) {
		return false;
	}
	if (take(scan, '.') && !scan_digits(scan)) {
		return false;
	}
	if (take(scan, 'e') || take(scan, 'E')) {
		if (!take(scan, '+')) {
			take(scan, '-');
		}
		return scan_digits(scan);
	}
	return true;
}

static bool scan_word(struct scan *scan, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0) {
		return false;
	}
	scan->at += len;
	return true;
}

static bool scan_array(struct scan *scan, unsigned depth)
{
	take(scan, '[');
	skip_space(scan);
	if (take(scan, ']')) {
		return true;
	}
	do {
		skip_space(scan);
		if (!scan_value(scan, depth)) {
			return false;
		}
		skip_space(scan);
	} while (take(scan, ','));
	return take(scan, ']');
}

static enum json_kind kind_of(char first)
{
	switch (first) {
	case 'n':
		return JSON_NULL;
	case 't':
	case 'f':
		return JSON_BOOL;
	case '"':
		return JSON_STRING;
	case '[':
		return JSON_ARRAY;
	case '{':
		return JSON_OBJECT;
	default:
		return JSON_NUMBER;
	}
}

static void note_member(struct scan *scan, const struct json_value *name, const char *value)
{
	for (size_t i = 0; i < scan->count; i++) {
		struct json_member *member = &scan->members[i];

		if (json_equals(name, member->name)) {
			scan->doubled |= member->value.kind != JSON_ABSENT;
			member->value.at = value;
			member->value.len = (size_t)(scan->at - value);
			member->value.kind = kind_of(*value);
		}
	}
}

static bool scan_object(struct scan *scan, unsigned depth)
{
	take(scan, '{');
	skip_space(scan);
	if (take(scan, '}')) {
		return true;
	}
	do {
		struct json_value name = {NULL, 0, JSON_STRING};
		const char *value;

		skip_space(scan);
		name.at = scan->at;
		if (!scan_string(scan)) {
			return false;
		}
		name.len = (size_t)(scan->at - name.at);
		skip_space(scan);
		if (!take(scan, ':')) {
			return false;
		}
		skip_space(scan);
		value = scan->at;
		if (!scan_value(scan, depth)) {
			return false;
		}
		if (depth == 1) {
			note_member(scan, &name, value);
		}
		skip_space(scan);
	} while (take(scan, ','));
	return take(scan, '}');
}

/* `depth` arrays and objects are open around the value. */
static bool scan_value(struct scan *scan, unsigned depth)
{
	if (scan->at == scan->end) {
		return false;
	}
	switch (*scan->at) {
	case '{':
		return depth < JSON_MAX_DEPTH && scan_object(scan, depth + 1);
	case '[':
		return depth < JSON_MAX_DEPTH && scan_array(scan, depth + 1);
	case '"':
		return scan_string(scan);
	case 't':
		return scan_word(scan, "true");
	case 'f':
		return scan_word(scan, "false");
	case 'n':
		return scan_word(scan, "null");
	default:
		return scan_number(scan);
	}
}

enum json_result json_scan(const char *text, size_t len, struct json_member *members, size_t count)
{
	struct scan scan = {text, text, members, count, false};
	bool object;

	for (size_t i = 0; i < count; i++) {
		members[i].value = (struct json_value){NULL, 0, JSON_ABSENT};
	}
	if (len == 0) {
		return JSON_BAD; /* before any arithmetic: an empty text may be NULL */
	}
	scan.end = text + len;
	skip_space(&scan);
	object = scan.at < scan.end && *scan.at == '{';
	if (!scan_value(&scan, 0)) {
		return JSON_BAD;
	}
	skip_space(&scan);
	if (scan.at != scan.end) {
		return JSON_BAD;
	}
	if (!object) {
		return JSON_NOT_OBJECT;
	}
	return scan.doubled ? JSON_DOUBLED : JSON_OK;
}

/* What decoding goes through: bytes that stand for themselves, or what one escape stands for. */
struct piece {
	const char *at;
	size_t len;
	char utf8[4];
};

/* The code point of the escape at *at; a surrogate if its other half does not follow. */
static ucs4_t take_escape(const char **at, const char *end)
{
	static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
	const char *letter;
	int32_t code, low;

	if ((*at)[1] != 'u') {
		letter = strchr(letters, (*at)[1]);
		*at += 2;
		return (ucs4_t)(letter ? meanings[letter - letters] : (*at)[-1]);
	}
	code = hex_quad(*at + 2);
	*at += 6;
	if (code >= 0xd800 && code < 0xdc00 && end - *at >= 6 && memcmp(*at, "\\u", 2) == 0) {
		low = hex_quad(*at + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			*at += 6;
			code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
		}
	}
	return (ucs4_t)code;
}

/* 1 and the next piece, 0 at the end, -EINVAL for an escape that stands for no character or for
 * U+0000. The bytes from *at on are the inside of a string that was scanned. */
static int next_piece(const char **at, const char *end, struct piece *ret)
{
	const char *stop;
	ucs4_t code;
	int len;

	if (*at == end) {
		return 0;
	}
	if (**at != '\\') {
		stop = memchr(*at, '\\', (size_t)(end - *at));
		ret->at = *at;
		*at = stop ? stop : end;
		ret->len = (size_t)(*at - ret->at);
		return 1;
	}
	code = take_escape(at, end);
	len = u8_uctomb((uint8_t *)ret->utf8, code, sizeof(ret->utf8)); /* refuses surrogates */
	if (code == 0 || len < 0) {
		return -EINVAL;
	}
	ret->at = ret->utf8;
	ret->len = (size_t)len;
	return 1;
}

long json_decode(const struct json_value *value, char *buf, size_t size)
{
	const char *at, *end;
	struct piece piece;
	size_t len = 0;
	int more;

	if (value->kind != JSON_STRING) {
		return -EINVAL;
	}
	at = value->at + 1;
	end = value->at + value->len - 1;
	while ((more = next_piece(&at, end, &piece)) > 0) {
		if (len + piece.len < size) {
			memcpy(buf + len, piece.at, piece.len);
		}
		len += piece.len; /* past `size` nothing is copied any more, only looked at */
	}
	if (more < 0) {
		return more;
	}
	if (len >= size) {
		return -ENOSPC;
	}
	buf[len] = '\0';
	return (long)len;
}

bool json_equals(const struct json_value *value, const char *text)
{
	const char *at, *end;
	struct piece piece;
	size_t left;
	int more;

	if (value->kind != JSON_STRING) {
		return false;
	}
	at = value->at + 1;
	end = value->at + value->len - 1;
	if (at < end && *at != '\\' && *at != *text) {
		return false; /* as most names do, it differs in its first byte */
	}
	left = strlen(text);
	while ((more = next_piece(&at, end, &piece)) > 0) {
		if (piece.len > left || memcmp(piece.at, text, piece.len) != 0) {
			return false;
		}
		text += piece.len;
		left -= piece.len;
	}
	return more == 0 && left == 0;
}

bool json_next(const struct json_value *array, struct json_value *item)
{
	struct scan scan = {0};
	const char *begin;

	if (array->kind != JSON_ARRAY) {
		return false;
	}
	scan.at = item->at ? item->at + item->len : array->at + 1;
	scan.end = array->at + array->len - 1;
	skip_space(&scan);
	if (item->at && take(&scan, ',')) {
		skip_space(&scan);
	}
	begin = scan.at;
	if (!scan_value(&scan, 0)) {
		return false; /* the end: the array has been scanned */
	}
	*item = (struct json_value){begin, (size_t)(scan.at - begin), kind_of(*begin)};
	return true;
}

long json_quote(const char *text, char *buf, size_t size)
{
	size_t len = 0;

	if (size < JSON_QUOTE_EXTRA) {
		return -ENOSPC;
	}
	buf[len++] = '"';
	for (; *text; text++) {
		unsigned char byte = *text;

		if (size - len < JSON_QUOTE_EXTRA) {
			return -ENOSPC;
		}
		if (byte == '"' || byte == '\\') {
			buf[len++] = '\\';
			buf[len++] = *text;
		} else if (byte < 0x20) {
			len += (size_t)snprintf(buf + len, 7, "\\u%04x", byte);
		} else {
			buf[len++] = *text;
		}
	}
	buf[len++] = '"';
	buf[len] = '\0';
	return (long)len;
}
