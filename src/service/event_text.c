/* event_text: see the header. */
#include "nakodo/service/event_text.h"

#include <inttypes.h>
#include <time.h>

#include "nakodo/base/text.h"
#include "nakodo/service/events.h"

static void add_member(struct text *out, const char *name, const char *value)
{
	if (value) {
		text_print(out, ",\"%s\":", name);
		text_quote(out, value);
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

void event_text_add(struct text *out, const struct event *event, const struct event_source *source,
	uint64_t number)
{
	text_print(out, "{\"id\":\"%s.%" PRIu64 "\",\"number\":%" PRIu64 ",\"type\":\"%s\"",
		source->run, number, number, event->type);
	if (source->worker) {
		text_print(out, ",\"worker\":%u", source->worker);
	}
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
