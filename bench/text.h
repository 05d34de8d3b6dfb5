/* Messages that differ in a few numbers only, so that neither printing nor parsing is needed to
 * send and to check them. */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_VALUES 8
#define TEXT_PLACES 8

struct text {
	char *bytes;
	size_t len;
	unsigned char *frame; /* the same, masked, as a text frame */
	size_t frame_len;
	struct text_place {
		size_t at;
		unsigned value;
	} places[TEXT_PLACES]; /* in order */
	unsigned place_count;
};

/* Formats into memory that the caller frees. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Takes a pattern in which $0 to $7 stand for values, each of which becomes 8 hex digits. */
void text_init(struct text *t, const char *pattern);
void text_finish(struct text *t);

/* Puts the values in; the frame (t->frame_len bytes) is good until the next call, and so is what
 * text_string() returns. */
const unsigned char *text_frame(struct text *t, const uint32_t values[TEXT_VALUES]);
const char *text_string(struct text *t, const uint32_t values[TEXT_VALUES]);

/* Whether the bytes are this text, whatever its values, each being the same in all its places.
 * Values that the text has none of are left as they are. */
bool text_read(
	const struct text *t, const unsigned char *data, size_t len, uint32_t values[TEXT_VALUES]);

#endif
