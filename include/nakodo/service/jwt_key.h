/*
 * jwt_key: one key that tokens are signed with (RFC 7518, RFC 8037). Its algorithm is its own, and
 * no token can talk it into another (RFC 8725 section 3.1).
 */
#pragma once

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

struct jwt_key;
struct problem;

#define JWT_KEY_ID 128 /* bytes of a `kid`, without the NUL */
#define JWT_SIGNATURE 2048 /* bytes: RSA of 16384 bits, the largest that OpenSSL reads */

/* Is it one of HS256, HS384, HS512, RS256, PS256, ES256 and EdDSA? */
bool jwt_key_knows(const char *algorithm);

/* A key for such an algorithm out of what a file holds: a public or private key in PEM, or for HS*
 * the secret itself, without its line break if it is one line of text. A NUL follows the text. 0,
 * -ENOMEM, or -EINVAL with a sentence. `problem` may not be NULL. */
int jwt_key_create(struct jwt_key **ret, const char *id, const char *algorithm, const char *text,
	size_t len, struct problem *problem);
/* The same of a secret for HS*, all of whose bytes count. */
int jwt_key_create_secret(struct jwt_key **ret, const char *id, const char *algorithm,
	const void *secret, size_t len, struct problem *problem);
/* The same of a key that OpenSSL has; it takes it over, also when it fails. */
int jwt_key_create_public(struct jwt_key **ret, const char *id, const char *algorithm,
	EVP_PKEY *key, struct problem *problem);
void jwt_key_destroy(struct jwt_key *key);

/* "": it has none, and is the one for tokens without. */
const char *jwt_key_id(const struct jwt_key *key);
const char *jwt_key_algorithm(const struct jwt_key *key);
/* Could who reads the key make tokens, too? */
bool jwt_key_is_secret(const struct jwt_key *key);

/* Is that the signature of the text by this key? */
bool jwt_key_verify(const struct jwt_key *key, const char *text, size_t len,
	const unsigned char *signature, size_t signature_len);
/* Sign the text. The signature's length; -ENOKEY: only a public key is there; -ENOMEM. */
long jwt_key_sign(
	const struct jwt_key *key, const char *text, size_t len, unsigned char ret[JWT_SIGNATURE]);
