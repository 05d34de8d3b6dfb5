/*
 * address: where a connection comes from. IPv4 is kept as IPv4-mapped IPv6 (RFC 4291 section
 * 2.5.5.2), so one form serves both families.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct sockaddr;

#define ADDRESS_TEXT 46 /* enough for any address_format(), with its NUL */

/* All zero: not known, as for a unix socket. */
struct address {
	unsigned char bytes[16];
};

struct address_range {
	struct address first;
	unsigned bits; /* of the IPv6 form: an IPv4 /8 is /104 */
};

/* False for other families than AF_INET and AF_INET6; `ret` is then not known. */
bool address_from_sockaddr(struct address *ret, const struct sockaddr *from);
/* `len` bytes: an IPv4 or IPv6 address, the latter with or without brackets. */
bool address_parse(struct address *ret, const char *text, size_t len);
/* ADDRESS or ADDRESS/BITS. */
bool address_range_parse(struct address_range *ret, const char *text);
bool address_in_range(const struct address *address, const struct address_range *range);
bool address_is_known(const struct address *address);
bool address_is_loopback(const struct address *address);
/* The addresses that limits take for one client's: an IPv4 address, or an IPv6 /64. Returns the
 * first of them. */
struct address address_group(const struct address *address);
/* The same one level up, where one client may have many groups: an IPv4 /24, or an IPv6 /48. */
struct address address_network(const struct address *address);
/* IPv4 dotted, IPv6 as RFC 5952, "unix" when not known. Returns `buf`. */
const char *address_format(const struct address *address, char buf[ADDRESS_TEXT]);
