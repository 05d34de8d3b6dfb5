/* ids: see the header. */
#include "nakodo/base/ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

/* The kernel's generator cannot fail once the system is up; guessable ids would be worse than an
 * end. */
void ids_random(unsigned char *bytes, size_t len)
{
	if (getrandom(bytes, len, 0) != (ssize_t)len) {
		abort();
	}
}

void ids_uuid(char ret[IDS_UUID])
{
	unsigned char b[16];

	ids_random(b, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(ret, IDS_UUID,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		b[15]);
}

void ids_ulid(char ret[IDS_ULID], uint64_t now_ms)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	unsigned char random[16];

	ids_random(random, sizeof(random));
	for (int i = 9; i >= 0; i--) {
		ret[i] = digits[now_ms & 31];
		now_ms >>= 5;
	}
	for (int i = 10; i < 26; i++) {
		ret[i] = digits[random[i - 10] & 31]; /* 16 digits of 5 bits each */
	}
	ret[26] = '\0';
}
