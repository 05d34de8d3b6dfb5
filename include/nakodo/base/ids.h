/*
 * ids: names that nobody can guess and that never repeat, from the system's random numbers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define IDS_UUID 37 /* with the NUL */
#define IDS_ULID 27

/* Fill `bytes` with random bytes; `len` is at most 256. */
void ids_random(unsigned char *bytes, size_t len);
/* A random UUID (RFC 9562 section 5.4), lower case with hyphens. */
void ids_uuid(char ret[IDS_UUID]);
/* A ULID: 48 bits of `now_ms` since the epoch, 80 random bits, in Crockford's base 32. */
void ids_ulid(char ret[IDS_ULID], uint64_t now_ms);
