/* relay_line: see the header. */
#include "nakodo/net/cluster/relay_line.h"

#include <stdio.h>
#include <string.h>

#include "nakodo/base/chars.h"

#define BEGINNING "nakodo 1 "

static size_t print_hex(char *to, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		snprintf(to + 2 * i, 3, "%02x", (unsigned char)text[i]);
	}
	return 2 * len;
}

size_t relay_line_print(const struct relay_line *line, char buf[RELAY_LINE])
{
	char address[ADDRESS_TEXT];
	size_t at = (size_t)snprintf(buf, RELAY_LINE, BEGINNING "%s %d %s ", line->token,
		line->direct, address_format(&line->address, address));

	at += print_hex(buf + at, line->listen);
	buf[at++] = ' ';
	at += print_hex(buf + at, line->unit);
	memcpy(buf + at, "\n", 2);
	return at + 1;
}

/* The next word; *at is moved behind it and its space. NULL: there is none. */
static const char *next_word(const char **at, size_t *ret_len)
{
	const char *word = *at;

	*ret_len = strcspn(word, " ");
	*at = word + *ret_len + (word[*ret_len] == ' ');
	return *ret_len ? word : NULL;
}

static bool read_hex(const char **at, char *buf, size_t size)
{
	size_t len, count = 0;
	const char *word = next_word(at, &len);

	if (!word || len % 2 || len / 2 >= size) {
		return false;
	}
	for (; count < len / 2; count++) {
		int high = chars_hex_digit(word[2 * count]);
		int low = chars_hex_digit(word[2 * count + 1]);

		if (high < 0 || low < 0 || !(high | low)) {
			return false;
		}
		buf[count] = (char)(high << 4 | low);
	}
	buf[count] = '\0';
	return true;
}

bool relay_line_parse(struct relay_line *ret, const char *text)
{
	struct relay_line line = {0};
	const char *word;
	size_t len;

	if (!chars_take_prefix(&text, BEGINNING)) {
		return false;
	}
	word = next_word(&text, &len);
	if (!word || len != RELAY_TOKEN - 1) {
		return false;
	}
	memcpy(line.token, word, len);
	word = next_word(&text, &len);
	if (!word || len != 1 || *word < '0' || *word > '1') {
		return false;
	}
	line.direct = *word == '1';
	word = next_word(&text, &len);
	/* Of a unix socket it is not known. */
	if (!word || (!address_parse(&line.address, word, len) &&
			     (len != strlen("unix") || memcmp(word, "unix", len) != 0))) {
		return false;
	}
	if (!read_hex(&text, line.listen, sizeof(line.listen)) ||
		!read_hex(&text, line.unit, sizeof(line.unit)) || *text) {
		return false;
	}
	*ret = line;
	return true;
}
