/*
 * qr: QR codes (ISO/IEC 18004), for phones to read an address from a screen.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nakodo/hub/limit.h"

#define QR_TEXT_MAX 512 /* bytes */
/* One takes about a millisecond, in which nobody is served. */
#define QR_DRAWN_AT_ONCE 4 /* codes, in a turn of the loop */
#define QR_DRAWN_RATE 100 /* codes per second, for all clients together */
#define QR_DRAWN_BURST 32 /* codes beyond that, after a rest */

/* The codes that were drawn last, as SVG. Zeroed, it is empty. */
struct qr_cache {
	struct {
		char *text, *svg;
	} codes[16];
	unsigned next; /* to be replaced */
	uint64_t turn; /* ms, when the last one was drawn */
	unsigned in_turn; /* how many have been drawn then */
	struct limit limit;
	uint64_t due; /* ms: the next one may be drawn then */
};

/* The text, UTF-8 of at most QR_TEXT_MAX bytes, as an SVG document, which stays the cache's. It is
 * drawn if the cache does not have it; *ret_drawn says so. NULL: no memory, or it would have to be
 * drawn and must not, or too many have been at `now`, in ms. */
const char *qr_cache_svg(
	struct qr_cache *cache, const char *text, uint64_t now, bool may_draw, bool *ret_drawn);
void qr_cache_finish(struct qr_cache *cache);
/* The same for a terminal, in memory that the caller frees: lines of half blocks in UTF-8, light on
 * dark by colours of their own, so that it can be read whatever the terminal's are. */
char *qr_terminal(const char *text);
