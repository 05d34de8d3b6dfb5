/* address: see the header. */
#include "nakodo/base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_mapped(const struct address *address)
{
	return !memcmp(address->bytes, mapped, sizeof(mapped));
}

static void set_v4(struct address *ret, const void *four)
{
	memcpy(ret->bytes, mapped, sizeof(mapped));
	memcpy(ret->bytes + sizeof(mapped), four, 4);
}

bool address_from_sockaddr(struct address *ret, const struct sockaddr *from)
{
	if (from->sa_family == AF_INET) {
		set_v4(ret, &((const struct sockaddr_in *)(const void *)from)->sin_addr);
		return true;
	}
	if (from->sa_family == AF_INET6) {
		memcpy(ret->bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr,
			16);
		return true;
	}
	memset(ret, 0, sizeof(*ret));
	return false;
}

bool address_parse(struct address *ret, const char *text, size_t len)
{
	char copy[ADDRESS_TEXT];
	struct in6_addr six;
	struct in_addr four;
	bool brackets = len >= 2 && text[0] == '[' && text[len - 1] == ']';

	if (brackets) {
		text++;
		len -= 2;
	}
	if (len >= sizeof(copy) || memchr(text, '\0', len)) {
		return false;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (!brackets && inet_pton(AF_INET, copy, &four) == 1) {
		set_v4(ret, &four);
		return true;
	}
	if (inet_pton(AF_INET6, copy, &six) == 1) {
		memcpy(ret->bytes, &six, 16);
		return true;
	}
	return false;
}

bool address_range_parse(struct address_range *ret, const char *text)
{
	size_t len = strcspn(text, "/");
	struct address_range range = {.bits = 128};
	unsigned long most, bits;
	char *end;

	if (!address_parse(&range.first, text, len)) {
		return false;
	}
	most = memchr(text, ':', len) ? 128 : 32;
	if (text[len]) {
		bits = strtoul(text + len + 1, &end, 10);
		if (text[len + 1] < '0' || text[len + 1] > '9' || *end || bits > most) {
			return false;
		}
		range.bits = (unsigned)(128 - most + bits);
	}
	*ret = range;
	return true;
}

bool address_in_range(const struct address *address, const struct address_range *range)
{
	unsigned whole = range->bits / 8, rest = range->bits % 8;

	if (memcmp(address->bytes, range->first.bytes, whole)) {
		return false;
	}
	return !rest || (address->bytes[whole] ^ range->first.bytes[whole]) >> (8 - rest) == 0;
}

bool address_is_known(const struct address *address)
{
	static const struct address unknown;

	return memcmp(address, &unknown, sizeof(unknown));
}

bool address_is_loopback(const struct address *address)
{
	static const struct address six = {{[15] = 1}};

	return (is_mapped(address) && address->bytes[12] == 127) ||
	       !memcmp(address, &six, sizeof(six));
}

struct address address_group(const struct address *address)
{
	struct address group = *address;

	if (!is_mapped(address)) {
		memset(group.bytes + 8, 0, 8);
	}
	return group;
}

struct address address_network(const struct address *address)
{
	struct address network = *address;

	if (is_mapped(address)) {
		network.bytes[15] = 0;
	} else {
		memset(network.bytes + 6, 0, 10);
	}
	return network;
}

const char *address_format(const struct address *address, char buf[ADDRESS_TEXT])
{
	if (!address_is_known(address)) {
		snprintf(buf, ADDRESS_TEXT, "unix");
	} else if (is_mapped(address)) {
		inet_ntop(AF_INET, address->bytes + sizeof(mapped), buf, ADDRESS_TEXT);
	} else {
		inet_ntop(AF_INET6, address->bytes, buf, ADDRESS_TEXT);
	}
	return buf;
}
