/* nakodo_v1_key: owns the table of what the seats of a mount are found by. */
#include "nakodo/dialect/nakodo_v1_key.h"

#include <errno.h>

#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/nakodo_v1_journal.h"

#define FOUND_BY (TOKEN_HASH / 2) /* bytes */

void nakodo_v1_key_forget(struct nakodo_v1_key *key)
{
	if (key->seat) {
		nakodo_v1_journal_note(key->seat);
		HASH_DEL(key->seat->mount->keys, key);
		key->seat = NULL;
	}
}

int nakodo_v1_key_enter_hash(struct nakodo_v1_seat *seat, struct nakodo_v1_key *key)
{
	HASH_ADD(hh, seat->mount->keys, hash, FOUND_BY, key);
	if (!key->hh.tbl) {
		return -ENOMEM;
	}
	key->seat = seat;
	nakodo_v1_journal_note(seat);
	return 0;
}

int nakodo_v1_key_enter(
	struct nakodo_v1_seat *seat, struct nakodo_v1_key *key, const char *scope, const char *text)
{
	nakodo_v1_key_forget(key);
	return token_hash(key->hash, scope, text) ? nakodo_v1_key_enter_hash(seat, key) : -ENOMEM;
}

struct nakodo_v1_seat *nakodo_v1_key_find(
	struct nakodo_v1 *v1, const char *scope, const char *text, struct nakodo_v1_key **ret_key)
{
	unsigned char hash[TOKEN_HASH];
	struct nakodo_v1_key *key;

	if (!token_hash(hash, scope, text)) {
		return NULL;
	}
	HASH_FIND(hh, v1->keys, hash, FOUND_BY, key);
	if (!key || !token_equal(key->hash, hash)) {
		return NULL;
	}
	if (ret_key) {
		*ret_key = key;
	}
	return key->seat;
}
