/* json_portable: would every reader take a value that was scanned? See json.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/json.h"

/* Steps over a string. */
static bool take_string(const char **at)
{
	struct json_value string = {*at, 0, JSON_STRING};

	for (++*at; **at != '"'; *at += **at == '\\' ? 2 : 1) {
	}
	++*at;
	string.len = (size_t)(*at - string.at);
	return json_decode(&string, NULL, 0) != -EINVAL;
}

/* Steps over a number. What stands behind it is no part of a number, since the value is inside of
 * an array or an object. */
static bool take_number(const char **at)
{
	size_t sign = **at == '-', digits = strspn(*at + sign, "0123456789");
	bool integer = !strchr(".eE", (*at)[sign + digits]), fits;
	char *end;

	errno = 0;
	if (integer) {
		strtoll(*at, &end, 10);
		fits = errno != ERANGE;
	} else {
		fits = isfinite(strtod(*at, &end)); /* one too small is 0, and fits */
	}
	*at = end;
	return fits;
}

bool json_is_portable(const struct json_value *value)
{
	const char *at = value->at, *end;
	bool fits = true;

	if (value->kind == JSON_ABSENT) {
		return true;
	}
	end = at + value->len;
	while (fits && at < end) {
		if (*at == '"') {
			fits = take_string(&at);
		} else if (*at == '-' || (*at >= '0' && *at <= '9')) {
			fits = take_number(&at);
		} else {
			at++;
		}
	}
	return fits;
}
