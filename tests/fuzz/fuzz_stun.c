/* fuzz stun: what a STUN or TURN server may send. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/probe/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned attributes[] = {
		STUN_MAPPED_ADDRESS, STUN_RELAYED_ADDRESS, STUN_REALM, STUN_NONCE, STUN_BYTES};
	struct stun *stun = calloc(1, sizeof(*stun));
	struct stun *other = calloc(1, sizeof(*other));
	char text[64];

	if (stun && other && size <= STUN_MAX) {
		memcpy(stun->bytes, data, size);
		stun->len = size;
		if (stun_is_valid(stun)) {
			stun_begin(other, STUN_SEND);
			stun_error_code(stun);
			for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++) {
				size_t len = 0;
				const unsigned char *value = stun_find(stun, attributes[i], &len);

				if (value &&
					(value < stun->bytes ||
						len > (size_t)(stun->bytes + stun->len - value))) {
					abort();
				}
				stun_print_address(stun, attributes[i], text, sizeof(text));
				stun_copy_address(other, STUN_PEER_ADDRESS, stun, attributes[i]);
			}
		}
	}
	free(stun);
	free(other);
	return 0;
}
