/*
 * query: parameters in the form a=1&b=2, as mounts, listeners and URLs carry them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Find the first `name` in `query` and percent-decode its value into `buf` with a NUL behind it
 * (application/x-www-form-urlencoded: + is a space). The length; -ENOENT if the name is absent;
 * -EINVAL for %00 or a % without two hex digits; -ENOSPC if `size` is too small. After a failure
 * the bytes of `buf` mean nothing. Names are compared decoded, as a browser's URLSearchParams does;
 * a name without = has the value "". What is decoded need not be UTF-8. */
long query_get(const char *query, const char *name, char *buf, size_t size);
