/* proxy_header: see the header. */
#include "nakodo/net/socket/proxy_header.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "nakodo/base/address.h"

#define V1_MAX 107
#define V2_HEAD 16

static const unsigned char v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";

static const char *next_word(const char *at, const char *end, size_t *ret_len)
{
	const char *space = memchr(at, ' ', (size_t)(end - at));

	*ret_len = (size_t)((space ? space : end) - at);
	return space ? space + 1 : end;
}

/* "PROXY TCP4 SOURCE DESTINATION PORT PORT\r\n" or "PROXY UNKNOWN …\r\n" */
static int parse_v1(struct address *ret, const char *text, size_t len)
{
	const char *end = memmem(text, len < V1_MAX ? len : V1_MAX, "\r\n", 2);
	const char *at, *family;
	struct address source;
	size_t word;

	if (!end) {
		return len < V1_MAX ? 0 : -EPROTO;
	}
	at = text + strlen("PROXY ");
	family = at;
	at = next_word(at, end, &word);
	if (word == 7 && !memcmp(family, "UNKNOWN", 7)) {
		return (int)(end - text) + 2;
	}
	if (word != 4 || (memcmp(family, "TCP4", 4) && memcmp(family, "TCP6", 4))) {
		return -EPROTO;
	}
	family = at;
	at = next_word(at, end, &word);
	if (at == end || !address_parse(&source, family, word)) {
		return -EPROTO;
	}
	*ret = source;
	return (int)(end - text) + 2;
}

static int parse_v2(struct address *ret, const unsigned char *bytes, size_t len)
{
	size_t size;

	if (len < V2_HEAD) {
		return 0;
	}
	size = V2_HEAD + ((size_t)bytes[14] << 8 | bytes[15]);
	if (bytes[12] >> 4 != 2 || (bytes[12] & 15) > 1 || size > PROXY_HEADER_MAX) {
		return -EPROTO;
	}
	if (len < size) {
		return 0;
	}
	if ((bytes[12] & 15) == 1 && bytes[13] >> 4 == 1 && size >= V2_HEAD + 12) {
		struct sockaddr_in four = {.sin_family = AF_INET};

		memcpy(&four.sin_addr, bytes + V2_HEAD, 4);
		address_from_sockaddr(ret, (const struct sockaddr *)&four);
	} else if ((bytes[12] & 15) == 1 && bytes[13] >> 4 == 2 && size >= V2_HEAD + 36) {
		struct sockaddr_in6 six = {.sin6_family = AF_INET6};

		memcpy(&six.sin6_addr, bytes + V2_HEAD, 16);
		address_from_sockaddr(ret, (const struct sockaddr *)&six);
	} else if ((bytes[12] & 15) == 1 && (bytes[13] >> 4 == 1 || bytes[13] >> 4 == 2)) {
		return -EPROTO;
	}
	return (int)size;
}

int proxy_header_parse(struct address *ret, const unsigned char *bytes, size_t len)
{
	size_t v1 = len < 6 ? len : 6, v2 = len < 12 ? len : 12;

	if (!memcmp(bytes, "PROXY ", v1)) {
		return v1 < 6 ? 0 : parse_v1(ret, (const char *)bytes, len);
	}
	if (!memcmp(bytes, v2_signature, v2)) {
		return v2 < 12 ? 0 : parse_v2(ret, bytes, len);
	}
	return -EPROTO;
}
