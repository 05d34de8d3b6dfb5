/* admission_cache: see the header. */
#include "nakodo/service/admission_cache.h"

#include <stdlib.h>
#include <string.h>

#include "nakodo/base/hash.h"
#include "nakodo/base/memory.h"
#include "nakodo/service/admission_answer.h"

#define KEY ADMISSION_CACHE_KEY
#define SLOTS 4096 /* another answer with the same slot takes its place */

struct answer {
	unsigned char key[KEY];
	uint64_t until; /* ms */
	bool allowed;
	size_t len;
	char text[];
};

struct admission_cache {
	size_t bytes, most; /* of answers; in MEMORY_EVENTS */
	struct answer **slots; /* SLOTS of them; NULL: none was kept yet */
};

struct admission_cache *admission_cache_create(size_t most)
{
	struct admission_cache *cache = calloc(1, sizeof(*cache));

	if (cache) {
		cache->most = most;
	}
	return cache;
}

static void forget(struct admission_cache *cache, struct answer **slot)
{
	size_t size = *slot ? sizeof(**slot) + (*slot)->len : 0;

	cache->bytes -= size;
	memory_give(MEMORY_EVENTS, size);
	free(*slot);
	*slot = NULL;
}

/* Those that are good no longer than until then. */
static void forget_until(struct admission_cache *cache, uint64_t then)
{
	for (size_t i = 0; i < SLOTS; i++) {
		if (cache->slots[i] && cache->slots[i]->until <= then) {
			forget(cache, &cache->slots[i]);
		}
	}
}

void admission_cache_clear(struct admission_cache *cache)
{
	if (cache->bytes) {
		forget_until(cache, UINT64_MAX);
	}
}

void admission_cache_destroy(struct admission_cache *cache)
{
	admission_cache_clear(cache);
	free(cache->slots);
	free(cache);
}

void admission_cache_set_most(struct admission_cache *cache, size_t most)
{
	cache->most = most;
	if (cache->bytes > most) {
		admission_cache_clear(cache);
	}
}

static struct answer **slot_of(struct admission_cache *cache, const unsigned char key[KEY])
{
	return &cache->slots[hash_bytes(key, KEY) % SLOTS];
}

bool admission_cache_find(struct admission_cache *cache, const unsigned char key[KEY], uint64_t now,
	struct admission_answer *ret)
{
	const struct answer *answer = cache->slots ? *slot_of(cache, key) : NULL;

	if (!answer || answer->until <= now || memcmp(answer->key, key, KEY) != 0) {
		return false;
	}
	*ret = (struct admission_answer){
		.allowed = answer->allowed, .text = answer->text, .len = answer->len};
	return true;
}

static bool have_slots(struct admission_cache *cache)
{
	if (!cache->slots) {
		cache->slots = calloc(SLOTS, sizeof(struct answer *));
	}
	return cache->slots;
}

void admission_cache_keep(struct admission_cache *cache, const unsigned char key[KEY], uint64_t now,
	uint64_t until, const struct admission_answer *said)
{
	struct answer **slot, *answer;
	size_t size = sizeof(*answer) + said->len;

	if (!have_slots(cache)) {
		return;
	}
	slot = slot_of(cache, key);
	forget(cache, slot);
	if (cache->bytes + size > cache->most) {
		forget_until(cache, now);
	}
	answer = cache->bytes + size > cache->most ? NULL : malloc(size);
	if (!answer) {
		return;
	}
	memcpy(answer->key, key, KEY);
	answer->until = until;
	answer->allowed = said->allowed;
	answer->len = said->len;
	memcpy(answer->text, said->text, said->len);
	cache->bytes += size;
	memory_take(MEMORY_EVENTS, size);
	*slot = answer;
}

#ifdef NAKODO_AUDIT
size_t admission_cache_audit(const struct admission_cache *cache)
{
	size_t bytes = 0;

	for (size_t i = 0; cache->slots && i < SLOTS; i++) {
		bytes += cache->slots[i] ? sizeof(*cache->slots[i]) + cache->slots[i]->len : 0;
	}
	return bytes;
}
#endif
