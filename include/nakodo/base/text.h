/*
 * text: a string that grows. Unlike glibc's open_memstream(), which drops what it has no memory for
 * and says that all went well, it remembers: what is cut off is never given out.
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
/* The string, with a NUL behind its *ret_len bytes (NULL: not asked for), which the caller frees,
 * or NULL when memory ran out. `text` is empty again. */
char *text_take(struct text *text, size_t *ret_len);
