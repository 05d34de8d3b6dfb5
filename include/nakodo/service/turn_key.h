/*
 * turn_key: the secret that the daemon shares with its TURN servers, and passwords made with it, as
 * draft-uberti-behave-turn-rest says and coturn takes them with `use-auth-secret`.
 */
#pragma once

#include <stdbool.h>

struct problem;
struct turn_key;

#define TURN_KEY_PASSWORD 29 /* bytes: 20 in base64 (RFC 4648 section 4), with the NUL */

/* Read the file: a secret in each line, of which the first one is the key. The others are for the
 * TURN server, which takes all of them while they are exchanged. 0, or -EINVAL / -ENOMEM with a
 * sentence, which does not name the file. */
int turn_key_read(struct turn_key **ret, const char *path, struct problem *problem);
void turn_key_destroy(struct turn_key *key);
/* The password of a user: the HMAC-SHA1 (RFC 2104) of the name. False: no memory. */
bool turn_key_sign(const struct turn_key *key, const char *username, char ret[TURN_KEY_PASSWORD]);
