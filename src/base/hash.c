/* hash: owns the process's key. */
#include "nakodo/base/hash.h"

#include <stdbool.h>
#include <string.h>

#include "nakodo/base/ids.h"

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t word, unsigned by)
{
	return word << by | word >> (64 - by);
}

static void mix(struct state *s, int rounds)
{
	while (rounds--) {
		s->v0 += s->v1;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v2 = rotate(s->v2, 32);
	}
}

static void take_word(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s, 2);
	s->v0 ^= word;
}

/* Up to eight bytes as a number, the first the lowest. */
static uint64_t read_word(const unsigned char *at, size_t len)
{
	uint64_t word = 0;

	for (size_t i = 0; i < len; i++) {
		word |= (uint64_t)at[i] << 8 * i;
	}
	return word;
}

uint64_t hash_keyed(const unsigned char key[HASH_KEY_SIZE], const void *bytes, size_t len)
{
	uint64_t k0 = read_word(key, 8), k1 = read_word(key + 8, 8);
	struct state s = {
		k0 ^ UINT64_C(0x736f6d6570736575),
		k1 ^ UINT64_C(0x646f72616e646f6d),
		k0 ^ UINT64_C(0x6c7967656e657261),
		k1 ^ UINT64_C(0x7465646279746573),
	};
	const unsigned char *at = bytes;
	size_t left = len;

	for (; left >= 8; left -= 8, at += 8) {
		take_word(&s, read_word(at, 8));
	}
	take_word(&s, read_word(at, left) | (uint64_t)len << 56);
	s.v2 ^= 0xff;
	mix(&s, 4);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

unsigned hash_bytes(const void *bytes, size_t len)
{
	static unsigned char key[HASH_KEY_SIZE];
	static bool drawn;

	if (!drawn) {
		ids_random(key, sizeof(key));
		drawn = true;
	}
	return (unsigned)hash_keyed(key, bytes, len);
}

size_t hash_size(const UT_hash_table *table)
{
	return table ? sizeof(*table) + table->num_buckets * sizeof(*table->buckets) : 0;
}
