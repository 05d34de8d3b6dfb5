/*
 * nakodo_v1_history: owns what hangs on a room of this dialect: its last chat messages, each as the
 * JSON object that newcomers are sent. It goes with the room.
 */
#include "nakodo/dialect/nakodo_v1.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/mount_audit.h"
#include "nakodo/hub/audit.h"

#define BYTES_MAX 65536 /* of all messages of a room */

struct line {
	struct line *prev, *next;
	size_t len;
	char *text;
};

struct history {
	struct line *lines; /* the oldest first (utlist DL) */
	size_t count, bytes;
};

static void line_destroy(struct line *line)
{
	free(line->text);
	free(line);
}

static void drop_oldest(struct history *history)
{
	struct line *line = history->lines;

	DL_DELETE(history->lines, line);
	history->count--;
	history->bytes -= line->len;
	memory_give(MEMORY_ROOMS, sizeof(*line) + line->len);
	line_destroy(line);
}

static struct line *line_create(const char *id, const char *name, const char *text, size_t len)
{
	struct line *line = calloc(1, sizeof(*line));
	struct text out = {0};
	struct timespec now;

	if (!line) {
		return NULL;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	text_print(&out, "{\"from\":\"%s\",%s%s%s\"at\":%" PRIu64 ",\"text\":", id,
		name ? "\"name\":" : "", name ? name : "", name ? "," : "",
		(uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
	text_add_bytes(&out, text, len);
	text_add(&out, "}");
	line->text = text_take(&out, &line->len);
	if (!line->text) {
		free(line);
		return NULL;
	}
	return line;
}

void nakodo_v1_history_add(struct room *room, size_t most, const char *id, const char *name,
	const char *text, size_t len)
{
	struct history *history = room->state_of_dialect;
	struct line *line;

	if (!history) {
		history = room->state_of_dialect = calloc(1, sizeof(*history));
	}
	line = history ? line_create(id, name, text, len) : NULL;
	if (!line) {
		return;
	}
	if (line->len > BYTES_MAX) {
		line_destroy(line); /* it would leave no room for any other, nor have it itself */
		return;
	}
	DL_APPEND(history->lines, line);
	history->count++;
	memory_take(MEMORY_ROOMS, sizeof(*line) + line->len);
	history->bytes += line->len;
	while (history->count > most || history->bytes > BYTES_MAX) {
		drop_oldest(history);
	}
}

void nakodo_v1_history_print(const struct room *room, struct text *out)
{
	const struct history *history = room->state_of_dialect;
	const struct line *line;

	text_add(out, "[");
	DL_FOREACH (history ? history->lines : NULL, line) {
		text_print(out, "%s%s", line == history->lines ? "" : ",", line->text);
	}
	text_add(out, "]");
}

void nakodo_v1_history_free(struct room *room)
{
	struct history *history = room->state_of_dialect;

	while (history && history->lines) {
		drop_oldest(history);
	}
	free(history);
	room->state_of_dialect = NULL;
}

#ifdef NAKODO_AUDIT
void nakodo_v1_history_audit(const struct room *room, struct audit *audit)
{
	const struct history *history = room->state_of_dialect;
	const struct line *line;

	DL_FOREACH (history ? history->lines : NULL, line) {
		audit_bytes(audit, MEMORY_ROOMS, sizeof(*line) + line->len);
	}
}
#endif
