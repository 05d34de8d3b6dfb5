/*
 * jwk: one key as JSON (RFC 7517, RFC 7518 section 6, RFC 8037).
 */
#pragma once

#include <stddef.h>

struct jwt_key;
struct problem;

/* The key that the text holds. 0; -ENOTSUP, and no sentence: it is not for the signatures that we
 * know, and is to be passed over (RFC 7517 section 5); -EINVAL or -ENOMEM with a sentence. Without
 * `alg`, an RSA key is for RS256. */
int jwk_read(struct jwt_key **ret, const char *text, size_t len, struct problem *problem);
