/*
 * top: what `nakodo ctl top` shows each second, and how it ends. It takes the lines that the verb
 * `top` is answered with, and asks nothing itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <termios.h>

/* What only grows. */
enum top_count {
	TOP_MESSAGES_IN,
	TOP_MESSAGES_OUT,
	TOP_BYTES_IN,
	TOP_BYTES_OUT,
	TOP_REFUSED,
	TOP_TURNS,
	TOP_TURN_NS,
	TOP_COUNTS,
};

struct top {
	bool screen; /* a terminal, whose keys are read and whose screen is drawn anew */
	struct termios before; /* how that was */
	uint64_t at; /* ns: when the last line came; 0: there was none */
	uint64_t counts[TOP_COUNTS]; /* as it had them */
};

/* If standard input and `out` are terminals, keys are read as they come until top_end(). */
void top_begin(struct top *top, FILE *out);
/* Wait for a second. False: q, Ctrl-C or a signal ends it. */
bool top_wait(const struct top *top);
/* Has a signal ended it, which then is why an answer was not read? */
bool top_is_ended(void);
/* Show a line, of which rates are known from the second one on: all of the screen, or a row of a
 * table. */
void top_show(struct top *top, FILE *out, const char *line, size_t len);
void top_end(const struct top *top);
