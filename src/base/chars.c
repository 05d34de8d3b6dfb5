/* chars: see the header. */
#include "nakodo/base/chars.h"

#include <string.h>

int chars_hex_digit(char byte)
{
	if (byte >= '0' && byte <= '9') {
		return byte - '0';
	}
	byte |= 0x20; /* lower case */
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

bool chars_take_prefix(const char **text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*text, prefix, len) != 0) {
		return false;
	}
	*text += len;
	return true;
}
