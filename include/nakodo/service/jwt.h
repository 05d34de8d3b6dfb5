/*
 * jwt: signed tokens (RFC 7519) in the compact form of RFC 7515, checked here and without asking
 * anybody, as RFC 8725 wants it.
 *
 * The header's `kid` chooses the key and the key decides the algorithm, with which `alg` must
 * agree. Refused are, besides a wrong signature: other characters than base64url's, a doubled
 * member, a header with `crit` or a `typ` other than JWT and at+jwt, and a token longer than
 * JWT_MAX.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct jwt_key;
struct jwt_keys;
struct problem;

#define JWT_MAX 4096 /* bytes of a token */
#define JWT_LEEWAY 30 /* seconds by which clocks may differ */

/* What a token must say; "": it need not. */
struct jwt_expected {
	const char *issuer;
	const char *audience; /* a token that is for somebody is refused without this, RFC 7519
				 section 4.1.3 */
};

/* What one says. */
struct jwt_claims {
	int64_t expires; /* seconds since the epoch; it is good for JWT_LEEWAY more */
	size_t len;
	char text[JWT_MAX * 3 / 4]; /* a JSON object */
};

/* Is the token good at `now`, in seconds since the epoch? It must have an `exp`; `nbf` is looked at
 * if it is there. 0, or -EACCES with a sentence that goes on where "the token " ended and has
 * nothing of the token in it. */
int jwt_verify(const struct jwt_keys *keys, const char *token, size_t len, int64_t now,
	const struct jwt_expected *expected, struct jwt_claims *ret, struct problem *problem);

/* A token that says `claims`, the text of a JSON object. To be freed. -EINVAL: it would be too
 * long; -ENOKEY: the key cannot sign; -ENOMEM. */
int jwt_sign(char **ret, const struct jwt_key *key, const char *claims);
