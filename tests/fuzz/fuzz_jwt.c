/*
 * fuzz jwt: no bytes are a token unless our key has signed them, whatever key set they come with.
 * The first line is a JWK set, which may say anything; the rest is a token. A payload is also
 * signed here, so that the claims behind a signature are reached.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "nakodo/base/problem.h"
#include "nakodo/service/grant.h"
#include "nakodo/service/jwt.h"
#include "nakodo/service/jwt_key.h"
#include "nakodo/service/jwt_keys.h"

#define SECRET "a secret of thirty-two bytes or more"
#define NOW 1300819000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it must hold in every kind of build. */
static void require(bool truth)
{
	if (!truth) {
		abort();
	}
}

static void check_grant(const struct jwt_claims *claims)
{
	struct grant *grant;
	struct problem problem;

	if (!grant_read(&grant, claims, &problem)) {
		require(grant->rooms && grant->rooms <= GRANT_ROOMS);
		require(strlen(grant->subject) <= GRANT_NAME && strlen(grant->name) <= GRANT_NAME);
		grant_may_join(grant, "team-a");
		grant_destroy(grant);
	}
}

/* Verify, and look at what is promised. */
static bool verify(const struct jwt_keys *keys, const char *token, size_t len)
{
	static const struct jwt_expected expected = {"", ""};
	struct jwt_claims claims;
	struct problem problem = {""};
	int error = jwt_verify(keys, token, len, NOW, &expected, &claims, &problem);

	require(!ERR_peek_error());
	require(error ? *problem.text : claims.expires + JWT_LEEWAY > NOW);
	if (!error) {
		require(claims.len && claims.len <= sizeof(claims.text));
		check_grant(&claims);
	}
	return !error;
}

static void check_signed(const struct jwt_key *key, const struct jwt_keys *keys, const char *claims)
{
	char *token;

	if (!jwt_sign(&token, key, claims)) {
		verify(keys, token, strlen(token));
		free(token);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *line = size ? memchr(text, '\n', size) : NULL;
	size_t set = line ? (size_t)(line - text) : 0;
	struct jwt_keys *ours = jwt_keys_create(), *theirs = jwt_keys_create();
	struct problem problem;
	struct jwt_key *key;
	char *token = strndup(line ? line + 1 : "", line ? size - set - 1 : 0);

	require(!jwt_key_create_secret(&key, "k", "HS256", SECRET, strlen(SECRET), &problem));
	require(!jwt_keys_add(ours, key, &problem));
	if (line && !jwt_keys_add_set(theirs, text, set, &problem)) {
		require(jwt_keys_first(theirs));
		verify(theirs, token, strlen(token));
	}
	/* A secret that is no part of the input. */
	require(!verify(ours, token, strlen(token)));
	check_signed(key, ours, token);
	jwt_keys_destroy(ours);
	jwt_keys_destroy(theirs);
	free(token);
	return 0;
}
