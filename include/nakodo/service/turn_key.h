/*
 * turn_key: passwords made with the secret that the daemon shares with its TURN servers, as
 * draft-uberti-behave-turn-rest says and coturn takes them with `use-auth-secret`.
 */
#pragma once

#include <stdbool.h>

struct secret;

#define TURN_KEY_PASSWORD 29 /* bytes: 20 in base64 (RFC 4648 section 4), with the NUL */

/* The password of a user: the HMAC-SHA1 (RFC 2104) of the name. False: no memory. */
bool turn_key_sign(const struct secret *key, const char *username, char ret[TURN_KEY_PASSWORD]);
