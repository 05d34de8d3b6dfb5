/* The bytes between the places are compared with memcmp(); only the places are looked into. */
#include "text.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define DIGITS 8

char *text_format(const char *format, ...)
{
	va_list args;
	char *out;

	va_start(args, format);
	if (vasprintf(&out, format, args) < 0) {
		err(2, "text");
	}
	va_end(args);
	return out;
}

void text_init(struct text *t, const char *pattern)
{
	const char *p, *dollar;

	*t = (struct text){.bytes = malloc(strlen(pattern) + (DIGITS - 2) * TEXT_PLACES + 1)};
	if (!t->bytes) {
		err(2, "text");
	}
	for (p = pattern; (dollar = strchr(p, '$')); p = dollar + 2) {
		if (t->place_count == TEXT_PLACES || (unsigned)dollar[1] - '0' >= TEXT_VALUES) {
			errx(2, "bad pattern: %s", pattern);
		}
		memcpy(t->bytes + t->len, p, (size_t)(dollar - p));
		t->len += (size_t)(dollar - p);
		t->places[t->place_count++] =
			(struct text_place){t->len, (unsigned)dollar[1] - '0'};
		memset(t->bytes + t->len, '0', DIGITS);
		t->len += DIGITS;
	}
	memcpy(t->bytes + t->len, p, strlen(p) + 1);
	t->len += strlen(p);
	t->frame = malloc(t->len + WIRE_HEADER_MAX);
	if (!t->frame) {
		err(2, "text");
	}
	t->frame_len = wire_write(t->frame, WIRE_TEXT, t->bytes, t->len);
}

void text_finish(struct text *t)
{
	free(t->bytes);
	free(t->frame);
}

static char text_digit(uint32_t value, size_t i)
{
	return "0123456789abcdef"[value >> 4 * (DIGITS - 1 - i) & 15];
}

const unsigned char *text_frame(struct text *t, const uint32_t values[TEXT_VALUES])
{
	unsigned char *masked = t->frame + t->frame_len - t->len;
	const struct text_place *p;
	size_t i;

	for (p = t->places; p < t->places + t->place_count; p++) {
		for (i = 0; i < DIGITS; i++) {
			masked[p->at + i] = (unsigned char)text_digit(values[p->value], i) ^
					    wire_mask(p->at + i);
		}
	}
	return t->frame;
}

const char *text_string(struct text *t, const uint32_t values[TEXT_VALUES])
{
	const struct text_place *p;
	size_t i;

	for (p = t->places; p < t->places + t->place_count; p++) {
		for (i = 0; i < DIGITS; i++) {
			t->bytes[p->at + i] = text_digit(values[p->value], i);
		}
	}
	return t->bytes;
}

static bool text_number(const unsigned char *data, uint32_t *ret_value)
{
	uint32_t value = 0;
	size_t i;

	for (i = 0; i < DIGITS; i++) {
		if (data[i] >= '0' && data[i] <= '9') {
			value = value << 4 | (data[i] - (uint32_t)'0');
		} else if (data[i] >= 'a' && data[i] <= 'f') {
			value = value << 4 | (data[i] - (uint32_t)'a' + 10);
		} else {
			return false;
		}
	}
	*ret_value = value;
	return true;
}

bool text_read(
	const struct text *t, const unsigned char *data, size_t len, uint32_t values[TEXT_VALUES])
{
	const struct text_place *p;
	unsigned seen = 0;
	uint32_t value;
	size_t at = 0;

	if (len != t->len) {
		return false;
	}
	for (p = t->places; p < t->places + t->place_count; p++) {
		if (memcmp(data + at, t->bytes + at, p->at - at) != 0 ||
			!text_number(data + p->at, &value) ||
			(seen >> p->value & 1 && value != values[p->value])) {
			return false;
		}
		values[p->value] = value;
		seen |= 1u << p->value;
		at = p->at + DIGITS;
	}
	return memcmp(data + at, t->bytes + at, len - at) == 0;
}
