/* gstreamer_error: tells a peer what it has done wrong, or what has happened to it. See the header.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nakodo/base/json.h"
#include "nakodo/base/meter.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/gstreamer.h"

__attribute__((format(printf, 2, 0))) static void send_error(
	const struct gstreamer_peer *self, const char *format, va_list arguments)
{
	char details[256], quoted[JSON_QUOTED(sizeof(details))];

	vsnprintf(details, sizeof(details), format, arguments);
	if (json_quote(details, quoted, sizeof(quoted)) > 0) {
		const struct iovec parts[] = {
			PART("{\"type\":\"error\",\"details\":"), PART_OF(quoted), PART("}")};

		hub_send_text(self->peer, parts, 3);
	}
}

void gstreamer_error(const struct gstreamer_peer *self, const char *format, ...)
{
	va_list arguments;

	meter_add(METER_MESSAGES_WRONG, 1);
	va_start(arguments, format);
	send_error(self, format, arguments);
	va_end(arguments);
}

void gstreamer_notify(const struct gstreamer_peer *self, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	send_error(self, format, arguments);
	va_end(arguments);
}
