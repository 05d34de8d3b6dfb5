/*
 * base64url: bytes as text (RFC 4648 section 5), without padding, in the one way that RFC 7515
 * allows.
 */
#pragma once

#include <stddef.h>

/* Characters for so many bytes, with the NUL. */
#define BASE64URL_TEXT(bytes) (((bytes) * 4 + 2) / 3 + 1)

/* How many bytes the text stands for, written to `buf`. -EINVAL: it has other characters, such as
 * padding or white space, a length that no bytes give, or bits at its end that stand for nothing
 * and are not zero; -ENOSPC: `size` is too small. After a failure the bytes of `buf` mean nothing.
 */
long base64url_decode(const char *text, size_t len, unsigned char *buf, size_t size);
/* Write the bytes as text with a NUL behind it; `buf` has BASE64URL_TEXT(len) bytes. Returns the
 * length. */
size_t base64url_encode(const unsigned char *bytes, size_t len, char *buf);
