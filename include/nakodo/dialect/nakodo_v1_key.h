/*
 * nakodo_v1_key: what a seat is found by, other than its id: the hash of a token or of a nonce.
 */
#pragma once

#include "nakodo/base/hash.h"
#include "nakodo/service/token.h"

struct nakodo_v1;
struct nakodo_v1_seat;

struct nakodo_v1_key {
	unsigned char hash[TOKEN_HASH]; /* found by its first half, then compared as a whole */
	struct nakodo_v1_seat *seat; /* NULL: not in the table */
	UT_hash_handle hh;
};

/* Enter a key by which nakodo_v1_key_find() finds the seat. What the key was before is not found
 * any more. 0 or -ENOMEM. */
int nakodo_v1_key_enter(struct nakodo_v1_seat *seat, struct nakodo_v1_key *key, const char *scope,
	const char *text);
/* The same with the hash that stands in the key, which is not in the table. */
int nakodo_v1_key_enter_hash(struct nakodo_v1_seat *seat, struct nakodo_v1_key *key);
/* The seat is not found by it any more. Nothing happens if it was not. */
void nakodo_v1_key_forget(struct nakodo_v1_key *key);
/* The seat of which this is a key, and which of its keys (`ret_key`, or NULL). NULL: none. */
struct nakodo_v1_seat *nakodo_v1_key_find(
	struct nakodo_v1 *v1, const char *scope, const char *text, struct nakodo_v1_key **ret_key);
