/* coding: see the header. */
#include "nakodo/net/http/coding.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define BLANK " \t"
#define MOST 1000 /* the weight of what has none */
#define LEAST 1

/* RFC 9110 section 12.4.2: 0 or 1, with up to three digits behind the point; `end` is behind it. */
static unsigned read_weight(const char *text, const char *end)
{
	unsigned value, digit = MOST;

	if (text == end || (*text != '0' && *text != '1')) {
		return 0;
	}
	value = *text++ == '1' ? MOST : 0;
	if (text < end && *text++ != '.') {
		return 0;
	}
	for (; text < end && isdigit((unsigned char)*text) && digit > 1; text++) {
		digit /= 10;
		value += digit * (unsigned)(*text - '0');
	}
	return text == end && value <= MOST ? value : 0;
}

/* The weight behind a name; `text` is what stands there, up to the comma. */
static unsigned weight_behind(const char *text, const char *end)
{
	text += strspn(text, BLANK);
	if (text >= end) {
		return MOST;
	}
	if (*text++ != ';') {
		return 0;
	}
	text += strspn(text, BLANK);
	while (end > text && strchr(BLANK, end[-1])) {
		end--;
	}
	return end - text > 2 && !strncasecmp(text, "q=", 2) ? read_weight(text + 2, end) : 0;
}

/* A weight stands behind the parameters of a media type (RFC 9110 section 12.5.1). */
static unsigned weight_behind_parameters(const char *text, const char *end)
{
	for (const char *at = text; at < end; at++) {
		if (*at == ';' && !strncasecmp(at + 1 + strspn(at + 1, BLANK), "q=", 2)) {
			return weight_behind(at, end);
		}
	}
	return MOST;
}

typedef unsigned weight_fn(const char *text, const char *end);

/* Find the first member of that name. */
static bool find(const char *accept, const char *name, weight_fn *weight, unsigned *ret)
{
	size_t len = strlen(name);

	for (const char *at = accept, *end; *at; at = *end ? end + 1 : end) {
		size_t word;

		end = at + strcspn(at, ",");
		at += strspn(at, BLANK);
		word = strcspn(at, BLANK ";,");
		if (word == len && !strncasecmp(at, name, len)) {
			*ret = weight(at + len, end);
			return true;
		}
	}
	return false;
}

unsigned coding_weight(const char *accept, const char *coding)
{
	unsigned weight;

	if (accept && (find(accept, coding, weight_behind, &weight) ||
			      find(accept, "*", weight_behind, &weight))) {
		return weight;
	}
	return strcmp(coding, "identity") ? 0 : LEAST;
}

unsigned coding_media_weight(const char *accept, const char *type)
{
	unsigned weight;

	return accept && find(accept, type, weight_behind_parameters, &weight) ? weight : 0;
}
