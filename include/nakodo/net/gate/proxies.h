/*
 * proxies: which address a request really comes from when proxies stand before us.
 */
#pragma once

#include <stdbool.h>

struct address;
struct options;

/* Is it one of `trusted-proxy`? An address that is not known is a unix socket's: `unix`. */
bool proxies_has(const struct options *options, const struct address *address);
/* The last entry of an X-Forwarded-For value ("a, b, c") that is no trusted proxy itself, or the
 * first if all are: somebody at a proxy's own machine. False: there is none, or an entry on the way
 * to it is no address. */
bool proxies_find_client(struct address *ret, const struct options *options, const char *forwarded);
