/*
 * jwt_keys: the keys whose tokens are believed, each with an id of its own.
 */
#pragma once

#include <stddef.h>

struct json_value;
struct jwt_key;
struct jwt_keys;
struct option_list;
struct problem;

/* At most so many: a token's `kid` is looked for among them one by one. */
#define JWT_KEYS_MAX 64

/* Read the values of the option `auth-key`, KID:ALGORITHM:FILE, and a file with a JWK set (RFC 7517
 * section 5; "": none). A file that holds a secret and that others than its owner and group may
 * read, or any that they may write, is refused. 0; -EINVAL or -ENOMEM with a sentence that says
 * where the option stands. */
int jwt_keys_load(struct jwt_keys **ret, const struct option_list *keys, const char *set,
	const char *set_where, struct problem *problem);
void jwt_keys_destroy(struct jwt_keys *keys);

/* Is the text KID:ALGORITHM:FILE? 0, or -EINVAL with a sentence. */
int jwt_keys_check(const char *text, struct problem *problem);

/* How a set is written; 0, -EINVAL or -ENOMEM with a sentence. */
int jwt_keys_add_set(struct jwt_keys *keys, const char *text, size_t len, struct problem *problem);
struct jwt_keys *jwt_keys_create(void); /* NULL: no memory */
/* Add a key, which goes with them; 0, or -EINVAL with a sentence: another has that id, or they are
 * too many. */
int jwt_keys_add(struct jwt_keys *keys, struct jwt_key *key, struct problem *problem);

/* The key that a token names by its header's `kid`; one that names none gets the key without an id,
 * or the only one there is. NULL: there is none. */
const struct jwt_key *jwt_keys_find(const struct jwt_keys *keys, const struct json_value *id);
/* The first. NULL: none. */
const struct jwt_key *jwt_keys_first(const struct jwt_keys *keys);
