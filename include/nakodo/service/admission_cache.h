/*
 * admission_cache: answers of auth-webhook that are still good, by the hash of what was asked. As
 * many as a table has places and a number of bytes allows: who is not in it is asked for again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admission_answer;
struct admission_cache;

#define ADMISSION_CACHE_KEY 32 /* bytes of a SHA-256 */

/* `most` bytes. NULL: no memory. */
struct admission_cache *admission_cache_create(size_t most);
void admission_cache_destroy(struct admission_cache *cache);
void admission_cache_set_most(struct admission_cache *cache, size_t most);
void admission_cache_clear(struct admission_cache *cache);
/* The answer, which stays the cache's. Times are in ms. */
bool admission_cache_find(struct admission_cache *cache,
	const unsigned char key[ADMISSION_CACHE_KEY], uint64_t now, struct admission_answer *ret);
/* Keep a copy until then, if there is room at `now`. */
void admission_cache_keep(struct admission_cache *cache,
	const unsigned char key[ADMISSION_CACHE_KEY], uint64_t now, uint64_t until,
	const struct admission_answer *answer);

#ifdef NAKODO_AUDIT
size_t admission_cache_audit(const struct admission_cache *cache); /* bytes, counted anew */
#endif
