/*
 * sniff: see the header. libwebsockets decodes the target so that it cannot be written down again
 * as it was; a redirect has to repeat it, so it is kept from here.
 */
#include "nakodo/net/socket/sniff.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#define HEAD_MAX 4096 /* bytes; libwebsockets has no room for more either */

/* Only then is the socket readable again: what has been seen stays in it. */
static void wake_at(int fd, size_t bytes)
{
	int count = (int)bytes;

	setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &count, sizeof(count));
}

/* The second of three words, if it is a path of printable ASCII. */
static char *target_of(const char *line, size_t len)
{
	const char *end = line + len, *from = memchr(line, ' ', len), *to;

	if (!from || *++from != '/') {
		return NULL;
	}
	for (to = from; to < end && isgraph((unsigned char)*to); to++) {
	}
	return to < end && *to == ' ' ? strndup(from, (size_t)(to - from)) : NULL;
}

bool sniff_has_end(const char *bytes, size_t len)
{
	return memmem(bytes, len, "\n\r\n", 3) || memmem(bytes, len, "\n\n", 2);
}

enum sniff sniff(int fd, size_t *known, char **ret_target)
{
	char bytes[HEAD_MAX];
	ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_PEEK);
	const char *end;

	if (got <= 0) {
		return got < 0 && (errno == EAGAIN || errno == EINTR) ? SNIFF_MORE : SNIFF_ENDED;
	}
	if (!isalpha((unsigned char)*bytes)) {
		return SNIFF_TLS; /* 0x16 in a ClientHello; a method begins with a letter */
	}
	/* Woken for nothing new: the client has sent all it will, or its socket is of the kind
	 * "unix", which wakes for what has been seen. libwebsockets may see to that. */
	if ((size_t)got < sizeof(bytes) && (size_t)got > *known &&
		!sniff_has_end(bytes, (size_t)got)) {
		*known = (size_t)got;
		wake_at(fd, *known + 1);
		return SNIFF_MORE;
	}
	if (*known) {
		wake_at(fd, 1);
	}
	end = memchr(bytes, '\n', (size_t)got);
	*ret_target = end ? target_of(bytes, (size_t)(end - bytes)) : NULL;
	return SNIFF_HTTP;
}
