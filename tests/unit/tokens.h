/*
 * tokens: keys and tokens for tests. What fails here fails the test.
 */
#pragma once

#include <stdbool.h>

struct jwt_keys;

#define SECRET "a secret of ours that has more than sixty-four bytes, as HS512 asks"

/* A new key in PEM: RSA of so many bits, EC of that curve, or ED25519. To be freed. */
char *tokens_pem(const char *type, const char *curve, unsigned bits, bool is_private);
/* One key that can sign; for HS* it is SECRET, and of the others the same each time. */
struct jwt_keys *tokens_keys_of(const char *id, const char *algorithm);
/* A token with that header and payload, signed with the first of the keys. To be freed. */
char *tokens_make(const struct jwt_keys *keys, const char *header, const char *payload);
