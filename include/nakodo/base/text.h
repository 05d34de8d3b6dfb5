/*
 * text: a string that grows. Unlike glibc's open_memstream(), which drops what it has no memory for
 * and reports success, it remembers that memory ran out and then gives out nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* All zero: empty. */
struct text {
	char *at;
	size_t len, room;
	bool failed; /* for want of memory; all that follows is left out */
};

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const void *bytes, size_t len);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A string of JSON, whatever is in it: of what is no UTF-8 the bytes are written as in a URL (RFC
 * 3986 section 2.1). */
void text_quote(struct text *text, const char *string);
/* Take the string out: *ret_len bytes (`ret_len` may be NULL) and a NUL behind them. The caller
 * frees it. NULL: memory ran out. `text` is empty again in either case. */
char *text_take(struct text *text, size_t *ret_len);
