/* show: see the header. */
#include "nakodo/net/ws/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistr.h>

#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/sockets.h"

void show_connect(const struct conn *conn)
{
	char where[ADDRESS_TEXT];

	if (conn->sockets->options->show_messages) {
		printf("#%" PRIu64 " connected from %s (%s)\n", conn->peer.id,
			address_format(&conn->address, where), conn->mount->dialect->name);
		fflush(stdout);
	}
}

/* Control characters could rewrite the terminal; what is not UTF-8 could not be shown at all. */
static void print_escaped(const char *data, size_t len)
{
	while (len) {
		ucs4_t character;
		int size = u8_mbtoucr(&character, (const uint8_t *)data, len);

		if (size < 0) {
			printf("\\x%02x", (unsigned char)*data);
			size = 1;
		} else if (character < 0x20 || (character >= 0x7f && character < 0xa0)) {
			printf("\\x%02x", (unsigned)character);
		} else {
			fwrite(data, 1, (size_t)size, stdout);
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

void show_message(const struct conn *conn, const char *data, size_t len, bool binary)
{
	if (!conn->sockets->options->show_messages) {
		return;
	}
	printf("#%" PRIu64 " %s %zu bytes: ", conn->peer.id, binary ? "binary" : "text", len);
	print_escaped(data, cut(data, len));
	printf("%s\n", len > SHOW_MAX ? " …" : "");
	fflush(stdout);
}
