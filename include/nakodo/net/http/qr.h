/*
 * qr: QR codes (ISO/IEC 18004), for phones to read an address from a screen.
 */
#pragma once

#include <stdbool.h>

#define QR_TEXT_MAX 512 /* bytes */

/* The text, UTF-8 of at most QR_TEXT_MAX bytes, as an SVG document. NULL: no memory. The caller
 * frees it. */
char *qr_svg(const char *text);
/* The same for a terminal: lines of half blocks in UTF-8, light on dark by colours of their own, so
 * that it can be read whatever the terminal's are. */
char *qr_terminal(const char *text);
