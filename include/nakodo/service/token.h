/*
 * token: secrets that let their bearer in, made at random and remembered as a hash only, so that
 * who reads our memory afterwards cannot use them.
 */
#pragma once

#include <stdbool.h>

#define TOKEN_TEXT 23 /* 128 random bits in base64url (RFC 4648 section 5), with the NUL */
#define TOKEN_HASH 32 /* bytes of a SHA-256 */

void token_create(char ret[TOKEN_TEXT]);
/* Has the text the form of a token? */
bool token_is_valid(const char *text);
/* Hash a token. `scope` keeps tokens of different uses apart: the same text has another hash in
 * another scope. False: no memory. */
bool token_hash(unsigned char ret[TOKEN_HASH], const char *scope, const char *text);
/* Compare two hashes, in a time that does not tell how many bytes are equal. */
bool token_equal(const unsigned char a[TOKEN_HASH], const unsigned char b[TOKEN_HASH]);
