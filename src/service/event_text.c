/* event_text: see the header. */
#include "nakodo/service/event_text.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "nakodo/base/text.h"
#include "nakodo/base/utf8.h"
#include "nakodo/service/events.h"

/* A string of JSON, whatever is in it: some protocols take names that are no UTF-8, whose bytes are
 * then written as in a URL (RFC 3986 section 2.1). */
static void add_string(struct text *out, const char *text)
{
	bool good = utf8_is_valid(text, strlen(text));

	text_add(out, "\"");
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte < ' ') {
			text_print(out, "\\u%04x", byte);
		} else if (byte == '"' || byte == '\\') {
			text_print(out, "\\%c", byte);
		} else if (byte >= 0x80 && !good) {
			text_print(out, "%%%02X", byte);
		} else {
			text_add_bytes(out, text, 1);
		}
	}
	text_add(out, "\"");
}

static void add_member(struct text *out, const char *name, const char *value)
{
	if (value) {
		text_print(out, ",\"%s\":", name);
		add_string(out, value);
	}
}

/* RFC 3339, in UTC. */
static void add_time(struct text *out)
{
	struct timespec now;
	struct tm tm;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	text_print(out, ",\"time\":\"%s.%03ldZ\"", text, now.tv_nsec / 1000000);
}

void event_text_add(struct text *out, const struct event *event, const char *run, uint64_t number)
{
	text_print(out, "{\"id\":\"%s.%" PRIu64 "\",\"number\":%" PRIu64 ",\"type\":\"%s\"", run,
		number, number, event->type);
	add_time(out);
	add_member(out, "dialect", event->dialect);
	add_member(out, "mount", event->mount);
	add_member(out, "room", event->room);
	add_member(out, "peer", event->peer);
	add_member(out, "user", event->user);
	add_member(out, "reason", event->reason);
	if (event->code) {
		text_print(out, ",\"code\":%u", event->code);
	}
	text_add(out, "}");
}
