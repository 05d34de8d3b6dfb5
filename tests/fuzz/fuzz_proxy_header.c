/*
 * fuzz proxy: whatever a connection begins with, all of its beginnings must be judged alike: no
 * verdict before the last byte that it needs, and no other one behind it.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/address.h"
#include "nakodo/net/socket/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it must hold in every kind of build. */
static void require(bool truth)
{
	if (!truth) {
		abort();
	}
}

/* Of a copy that ends where its memory ends, so that a sanitizer sees one byte too many. */
static int parse(struct address *ret, const uint8_t *data, size_t len)
{
	unsigned char *copy = malloc(len ? len : 1);
	int result;

	if (len) {
		memcpy(copy, data, len);
	}
	*ret = (struct address){{0}};
	result = proxy_header_parse(ret, copy, len);
	free(copy);
	require(result >= 0 || result == -EPROTO);
	require(result <= (int)len && result <= PROXY_HEADER_MAX);
	require(result > 0 || !address_is_known(ret));
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct address address, other;
	size_t len = size < 2 * PROXY_HEADER_MAX ? size : 2 * PROXY_HEADER_MAX;
	int verdict = parse(&address, data, len), last = 0;

	for (size_t i = 0; i < len; i++) {
		int result = parse(&other, data, i);

		require(last == 0 || result == last);
		require(result == 0 || result == verdict);
		require(verdict <= 0 || (result == 0) == (i < (size_t)verdict));
		require(result <= 0 || !memcmp(&address, &other, sizeof(other)));
		last = result;
	}
	require(verdict != 0 || len <= PROXY_HEADER_MAX);
	return 0;
}
