/* query: owns nothing; reads the parameters where they stand, in a string that someone else keeps.
 */
#include "nakodo/base/query.h"

#include <errno.h>
#include <string.h>

#include "nakodo/base/chars.h"

/* The next decoded byte, from 1 to 255; -EINVAL if it is not one. *at is before `end`. */
static int take_byte(const char **at, const char *end)
{
	const char *in = (*at)++;
	int high, low;

	if (*in == '+') {
		return ' ';
	}
	if (*in != '%') {
		return (unsigned char)*in;
	}
	if (end - in < 3) {
		return -EINVAL;
	}
	high = chars_hex_digit(in[1]);
	low = chars_hex_digit(in[2]);
	*at += 2;
	return high < 0 || low < 0 || high + low == 0 ? -EINVAL : high << 4 | low;
}

static bool equals(const char *at, const char *end, const char *name)
{
	while (at < end) {
		if (take_byte(&at, end) != (unsigned char)*name++) {
			return false; /* also at the end of `name`, since no byte is 0 */
		}
	}
	return *name == '\0';
}

static long decode(const char *at, const char *end, char *buf, size_t size)
{
	size_t len = 0;

	while (at < end) {
		int byte = take_byte(&at, end);

		if (byte < 0) {
			return byte;
		}
		if (len < size) {
			buf[len] = (char)byte;
		}
		len++;
	}
	if (len >= size) {
		return -ENOSPC;
	}
	buf[len] = '\0';
	return (long)len;
}

long query_get(const char *query, const char *name, char *buf, size_t size)
{
	const char *end, *equal;

	for (;; query = end + 1) {
		end = strchrnul(query, '&');
		equal = memchr(query, '=', (size_t)(end - query));
		/* `&&` holds no parameter, not one with an empty name */
		if (end > query && equals(query, equal ? equal : end, name)) {
			return decode(equal ? equal + 1 : end, end, buf, size);
		}
		if (*end == '\0') {
			return -ENOENT;
		}
	}
}
