/* show: see the header. */
#include "nakodo/net/ws/show.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <unistr.h>

#include "nakodo/base/meter.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/net/socket/conn.h"

/* Room for a message of SHOW_MAX bytes, all of them escaped, and what stands around it. */
struct line {
	char text[4 * SHOW_MAX + 200];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	line->len += (size_t)vsnprintf(
		line->text + line->len, sizeof(line->text) - line->len, format, arguments);
	va_end(arguments);
}

static int tell_dropped(struct show *show)
{
	struct line line = {.len = 0};
	int error;

	put(&line, "(%" PRIu64 " lines left out)\n", show->dropped);
	error = sink_write(&show->sink, line.text, line.len);
	if (!error) {
		show->dropped = 0;
	}
	return error;
}

static void write_line(struct show *show, const char *text, size_t len)
{
	int error = show->dropped ? tell_dropped(show) : 0;

	error = error ? error : sink_write(&show->sink, text, len);
	if (error) {
		show->dropped++;
		meter_add(METER_SHOW_DROPPED, 1);
	}
}

void show_init(struct show *show, bool messages)
{
	show->messages = messages;
	show->dropped = 0;
	sink_init(&show->sink, STDOUT_FILENO);
}

void show_finish(struct show *show)
{
	if (show->dropped) {
		tell_dropped(show);
	}
	sink_finish(&show->sink);
}

void show_text(struct show *show, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		size_t part = len < SINK_LINE_MAX ? len : SINK_LINE_MAX;
		const char *end = memrchr(text, '\n', part);

		part = end ? (size_t)(end + 1 - text) : part;
		write_line(show, text, part);
		text += part;
		len -= part;
	}
}

void show_connect(struct show *show, const struct conn *conn)
{
	char where[ADDRESS_TEXT];
	struct line line = {.len = 0};

	if (show->messages) {
		put(&line, "#%" PRIu64 " connected from %s (%s)\n", conn->peer.id,
			address_format(&conn->address, where), conn->mount->dialect->name);
		write_line(show, line.text, line.len);
	}
}

/* Control characters could rewrite the terminal; what is not UTF-8 could not be shown at all. */
static void put_escaped(struct line *line, const char *data, size_t len)
{
	while (len) {
		ucs4_t character;
		int size = u8_mbtoucr(&character, (const uint8_t *)data, len);

		if (size < 0) {
			put(line, "\\x%02x", (unsigned char)*data);
			size = 1;
		} else if (character < 0x20 || (character >= 0x7f && character < 0xa0)) {
			put(line, "\\x%02x", (unsigned)character);
		} else {
			put(line, "%.*s", size, data);
		}
		data += size;
		len -= (size_t)size;
	}
}

/* How much of a message is shown: not half of a character at the end. */
static size_t cut(const char *data, size_t len)
{
	size_t end = SHOW_MAX;

	if (len <= SHOW_MAX) {
		return len;
	}
	while (end > SHOW_MAX - 3 && ((unsigned char)data[end] & 0xc0) == 0x80) {
		end--;
	}
	return end;
}

static void write_message(
	struct show *show, const struct conn *conn, const char *data, size_t len, bool binary)
{
	struct line line = {.len = 0};

	put(&line, "#%" PRIu64 " %s %zu bytes: ", conn->peer.id, binary ? "binary" : "text", len);
	put_escaped(&line, data, cut(data, len));
	put(&line, "%s\n", len > SHOW_MAX ? " …" : "");
	write_line(show, line.text, line.len);
}

void show_message(
	struct show *show, const struct conn *conn, const char *data, size_t len, bool binary)
{
	if (show->messages) { /* else not even a line is made ready */
		write_message(show, conn, data, len, binary);
	}
}
