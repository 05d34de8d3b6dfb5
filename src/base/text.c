/* text: see the header. */
#include "nakodo/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/utf8.h"

#define ROOM_FIRST 256 /* bytes */

/* Room for so many bytes more and a NUL. */
static bool reserve(struct text *text, size_t more)
{
	size_t room = text->room ? text->room : ROOM_FIRST;
	char *at;

	if (text->failed) {
		return false;
	}
	while (room < text->len + more + 1) {
		room *= 2;
	}
	at = room == text->room ? text->at : realloc(text->at, room);
	if (!at) {
		text->failed = true;
		return false;
	}
	text->at = at;
	text->room = room;
	return true;
}

void text_add_bytes(struct text *text, const void *bytes, size_t len)
{
	if (reserve(text, len)) {
		memcpy(text->at + text->len, bytes, len);
		text->len += len;
		text->at[text->len] = '\0';
	}
}

void text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

void text_print(struct text *text, const char *format, ...)
{
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (len < 0) {
		text->failed = true;
	} else if (reserve(text, (size_t)len)) {
		va_start(arguments, format);
		vsnprintf(text->at + text->len, (size_t)len + 1, format, arguments);
		va_end(arguments);
		text->len += (size_t)len;
	}
}

void text_quote(struct text *text, const char *string)
{
	bool good = utf8_is_valid(string, strlen(string));

	text_add(text, "\"");
	for (; *string; string++) {
		unsigned char byte = (unsigned char)*string;

		if (byte < ' ') {
			text_print(text, "\\u%04x", byte);
		} else if (byte == '"' || byte == '\\') {
			text_print(text, "\\%c", byte);
		} else if (byte >= 0x80 && !good) {
			text_print(text, "%%%02X", byte);
		} else {
			text_add_bytes(text, string, 1);
		}
	}
	text_add(text, "\"");
}

char *text_take(struct text *text, size_t *ret_len)
{
	char *at;

	text_add_bytes(text, "", 0);
	at = text->at;
	if (text->failed) {
		free(at);
		at = NULL;
	} else if (ret_len) {
		*ret_len = text->len;
	}
	*text = (struct text){0};
	return at;
}
