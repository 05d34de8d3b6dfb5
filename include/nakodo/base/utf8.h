/*
 * utf8: is a text UTF-8 (RFC 3629)? Most of what passes here is ASCII, which is told quickly.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* True when all `len` bytes are whole, lawful characters: no surrogates, nothing overlong. */
bool utf8_is_valid(const void *text, size_t len);
