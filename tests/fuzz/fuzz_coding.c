/*
 * fuzz coding: whatever stands in Accept-Encoding, a weight is one, and what is said of other
 * codings in front or behind changes nothing.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/net/http/coding.h"

#define MOST 1024 /* bytes, as of a header that is read */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it must hold in every kind of build. */
static void require(bool truth)
{
	if (!truth) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const codings[] = {"br", "gzip", "identity"};
	char *accept = strndup((const char *)data, size < MOST ? size : MOST), *longer;

	if (!accept || asprintf(&longer, "other;q=0.5,%s, another", accept) < 0) {
		abort();
	}
	for (size_t i = 0; i < sizeof(codings) / sizeof(*codings); i++) {
		unsigned weight = coding_weight(accept, codings[i]);

		require(weight <= 1000);
		require(weight == coding_weight(longer, codings[i]));
		weight = coding_media_weight(accept, codings[i]);
		require(weight <= 1000);
		require(weight == coding_media_weight(longer, codings[i]));
	}
	free(longer);
	free(accept);
	return 0;
}
