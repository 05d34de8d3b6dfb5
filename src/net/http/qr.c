/* qr: see the header. */
#include "nakodo/net/http/qr.h"

#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/meter.h"
#include "nakodo/base/text.h"

#define SVG_MARGIN 4 /* modules, as the standard wants it */
#define TERMINAL_MARGIN 2 /* as much as phones need */

#define ECI_UTF8 26

/* What is not ASCII says that it is UTF-8: readers guess otherwise, and Japanese ones guess Shift
 * JIS. ASCII says nothing, for readers that know no such designator. */
static QRcode *encode(const char *text)
{
	QRinput *input = QRinput_new2(0, QR_ECLEVEL_L);
	QRcode *code = NULL;
	size_t len = strlen(text);
	bool ascii = true;

	for (size_t i = 0; i < len; i++) {
		ascii = ascii && (unsigned char)text[i] < 0x80;
	}
	if (input && (ascii || !QRinput_appendECIheader(input, ECI_UTF8)) &&
		!QRinput_append(input, QR_MODE_8, (int)len, (const unsigned char *)text)) {
		code = QRcode_encodeInput(input);
	}
	QRinput_free(input);
	return code;
}

/* Outside of the code all is light. */
static bool is_dark(const QRcode *code, int x, int y)
{
	return x >= 0 && y >= 0 && x < code->width && y < code->width &&
	       (code->data[y * code->width + x] & 1);
}

static void write_row(const QRcode *code, int y, struct text *out)
{
	for (int x = 0; x < code->width; x++) {
		int from = x;

		while (is_dark(code, x, y)) {
			x++;
		}
		if (x > from) {
			text_print(out, "M%d %dh%dv1h-%dz", from + SVG_MARGIN, y + SVG_MARGIN,
				x - from, x - from);
		}
	}
}

static void write_svg(const QRcode *code, struct text *out)
{
	int size = code->width + 2 * SVG_MARGIN;

	text_print(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		"shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>"
		"<path fill=\"#000\" d=\"",
		size, size, size, size);
	for (int y = 0; y < code->width; y++) {
		write_row(code, y, out);
	}
	text_print(out, "\"/></svg>\n");
}

static void write_terminal(const QRcode *code, struct text *out)
{
	static const char *const halves[2][2] = {{"█", "▀"}, {"▄", " "}}; /* [upper][lower] dark */
	int end = code->width + TERMINAL_MARGIN;

	for (int y = -TERMINAL_MARGIN; y < end; y += 2) {
		text_add(out, "\033[97;40m");
		for (int x = -TERMINAL_MARGIN; x < end; x++) {
			text_add(out, halves[is_dark(code, x, y)][is_dark(code, x, y + 1)]);
		}
		text_add(out, "\033[0m\n");
	}
}

static char *draw(const char *text, void (*write)(const QRcode *code, struct text *out))
{
	QRcode *code = encode(text);
	struct text out = {0};
	char *drawing = NULL;

	if (code) {
		write(code, &out);
		drawing = text_take(&out, NULL);
	}
	QRcode_free(code);
	return drawing;
}

char *qr_terminal(const char *text)
{
	return draw(text, write_terminal);
}

/* Is there time to draw one more? */
static bool has_time(struct qr_cache *cache, uint64_t now)
{
	if (cache->turn != now) {
		cache->turn = now;
		cache->in_turn = 0;
	}
	return now >= cache->due && cache->in_turn < QR_DRAWN_AT_ONCE;
}

const char *qr_cache_svg(
	struct qr_cache *cache, const char *text, uint64_t now, bool may_draw, bool *ret_drawn)
{
	size_t count = sizeof(cache->codes) / sizeof(*cache->codes);
	char *svg, *copy;

	*ret_drawn = false;
	for (size_t i = 0; i < count; i++) {
		if (cache->codes[i].text && !strcmp(cache->codes[i].text, text)) {
			return cache->codes[i].svg;
		}
	}
	if (!may_draw || !has_time(cache, now)) {
		meter_add(METER_QR_REFUSED, 1);
		return NULL;
	}
	meter_add(METER_QR_DRAWN, 1);
	*ret_drawn = true;
	cache->in_turn++;
	cache->due = now + limit_spend(&cache->limit, now, QR_DRAWN_RATE, QR_DRAWN_BURST);
	svg = draw(text, write_svg);
	copy = strdup(text);
	if (!svg || !copy) {
		free(svg);
		free(copy);
		return NULL;
	}
	free(cache->codes[cache->next].text);
	free(cache->codes[cache->next].svg);
	cache->codes[cache->next].text = copy;
	cache->codes[cache->next].svg = svg;
	cache->next = (cache->next + 1) % count;
	return svg;
}

void qr_cache_finish(struct qr_cache *cache)
{
	for (size_t i = 0; i < sizeof(cache->codes) / sizeof(*cache->codes); i++) {
		free(cache->codes[i].text);
		free(cache->codes[i].svg);
	}
}
