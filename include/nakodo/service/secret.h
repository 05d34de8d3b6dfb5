/*
 * secret: a secret that is shared with another server and stands in a file of its own: one in each
 * line, of which the first is used, so that the other server may know the next one already.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct problem;
struct secret;

#define SECRET_SHA1 20 /* bytes of a signature */
#define SECRET_SHA256 32

/* Read the file, which must not be readable or writable by everybody. 0, or -EINVAL / -ENOMEM with
 * a sentence that goes on where the file's name ended. */
int secret_read(struct secret **ret, const char *path, struct problem *problem);
void secret_destroy(struct secret *secret); /* NULL: nothing happens */

/* The HMAC (RFC 2104) of these bytes. `len` is one of the above, and says which hash it is with.
 * False: no memory. */
bool secret_sign(const struct secret *secret, const void *bytes, size_t size, unsigned char *ret,
	size_t len);
