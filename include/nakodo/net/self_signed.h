/*
 * self_signed: a certificate for development, signed by nobody but itself.
 */
#pragma once

struct problem;

/* Make `cert` and `key` (mode 0600), ECDSA P-256, for localhost, the host's name and the addresses
 * of this machine. Nothing happens if both are there. 0, or -errno with a sentence. */
int self_signed_make(const char *cert, const char *key, struct problem *problem);
