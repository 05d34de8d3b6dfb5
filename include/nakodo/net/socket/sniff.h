/*
 * sniff: what a client begins with, found out without taking it from the socket.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum sniff {
	SNIFF_MORE, /* nothing yet, or the end of the request's head is still to come */
	SNIFF_TLS, /* or what is neither, for OpenSSL to refuse */
	SNIFF_HTTP,
	SNIFF_ENDED, /* the client has gone */
};

/* Look at what has come. Call it again when the socket is readable; `known`, zero at first, is the
 * number of bytes seen. With SNIFF_HTTP, *ret_target is the target of the request line exactly as
 * the client wrote it (RFC 9112 section 3.2.1), to be freed; NULL if there is none to repeat. */
enum sniff sniff(int fd, size_t *known, char **ret_target);
/* Has the head of a request come whole? It ends with an empty line; libwebsockets takes lines that
 * end without a carriage return as well. */
bool sniff_has_end(const char *bytes, size_t len);
