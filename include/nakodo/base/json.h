/*
 * json: look at a message without taking it apart.
 *
 * A relayed message stays the bytes that came in. The scanner checks in one pass, without
 * allocation, that they are exactly one JSON value (RFC 8259: strict grammar, strict UTF-8, no byte
 * order mark, nesting at most JSON_MAX_DEPTH) and tells where the members lie that a dialect asks
 * for. Names are compared after decoding escapes, and a name that was asked for and stands twice
 * is refused: else two readers of the same bytes could see two different messages.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define JSON_MAX_DEPTH 32

enum json_kind {
	JSON_ABSENT = 0, /* the member is not there */
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* A value inside the scanned text; `at` is not NUL-terminated and lives as long as the text.
 * A string's span includes its quotes. */
struct json_value {
	const char *at;
	size_t len;
	enum json_kind kind;
};

/* One asked-for top-level member: the caller sets `name` (decoded UTF-8), the scan sets `value`. */
struct json_member {
	const char *name;
	struct json_value value;
};

enum json_result {
	JSON_OK = 0,
	JSON_BAD, /* not one complete JSON value */
	JSON_NOT_OBJECT, /* a JSON value, but not an object */
	JSON_DOUBLED, /* an asked-for name stands twice, in whatever spelling */
};

/* Scan `text` and fill in the `count` members; a member that is missing gets JSON_ABSENT.
 * White space around the value is allowed. The members are meaningful only after JSON_OK.
 * JSON_BAD wins over the other two: the whole text is always checked. */
enum json_result json_scan(const char *text, size_t len, struct json_member *members, size_t count);

/* For values from a scan that gave JSON_OK.
 * The length of the string once decoded, copied to `buf` with a NUL behind it.
 * -EINVAL: not a string, a lone surrogate (RFC 8259 section 8.2), or U+0000 in it, whatever `size`
 * is; -ENOSPC: `size` is too small. After a failure the bytes of `buf` mean nothing. */
long json_decode(const struct json_value *value, char *buf, size_t size);

/* Is the value a string that decodes to exactly `text`? Needs no buffer. A string that json_decode
 * refuses equals nothing. */
bool json_equals(const struct json_value *value, const char *text);

/* Step through the elements of an array: `item` zeroed becomes the first, and each one the next.
 * False, and `item` as it was: no more, or not an array. Each element is read once more, so that
 * walking through all of them takes the time of one scan. */
bool json_next(const struct json_value *array, struct json_value *item);

/* Would every reader take the value, and not only those that are as lenient as the grammar? False
 * if a string or a name in it has half of a surrogate pair or U+0000 (as json_decode refuses it),
 * if a number is too large for a double, or if an integer is too large for 64 bits with a sign (RFC
 * 8259 sections 6 and 8.2). Ask before the value becomes a part of what others are told. */
bool json_is_portable(const struct json_value *value);

#define JSON_QUOTE_EXTRA 9 /* quotes, the NUL, and one escape */
/* Enough bytes for any text of so many bytes: each may need an escape of six. */
#define JSON_QUOTED(bytes) (6 * (bytes) + JSON_QUOTE_EXTRA)

/* Write `text` as a JSON string, quotes included, with a NUL behind it. The length without it, or
 * -ENOSPC. */
long json_quote(const char *text, char *buf, size_t size);
