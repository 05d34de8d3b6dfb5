/*
 * nakodo_v1_history: owns what hangs on a room of this dialect. See the header.
 */
#include "nakodo/dialect/nakodo_v1_history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "nakodo/base/json.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/saved.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/mount_audit.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/nakodo_v1_journal.h"
#include "nakodo/hub/audit.h"
#include "nakodo/service/share.h"
#include "nakodo/service/shortage.h"

#define BYTES_MAX 65536 /* of all messages of a room */
#define LINE_LEAST 32 /* bytes of one that was saved */

struct line {
	struct line *prev, *next;
	struct address address; /* that it came from */
	size_t len;
	char *text;
};

struct nakodo_v1_history {
	struct nakodo_v1_history *prev, *next; /* of the mount (utlist DL) */
	struct room *room;
	struct line *lines; /* the oldest first (utlist DL); there is one at least */
	size_t count, bytes;
};

static size_t weight(const struct line *line)
{
	return sizeof(*line) + line->len;
}

static void line_destroy(struct line *line)
{
	free(line->text);
	free(line);
}

static void drop(struct nakodo_v1 *v1, struct nakodo_v1_history *history, struct line *line)
{
	nakodo_v1_journal_note_chat(history->room);
	share_remove(&v1->said, &line->address, weight(line));
	DL_DELETE(history->lines, line);
	history->count--;
	history->bytes -= line->len;
	memory_give(MEMORY_ROOMS, weight(line));
	line_destroy(line);
}

static struct line *line_create(const struct nakodo_v1_seat *from, const char *text, size_t len)
{
	struct line *line = calloc(1, sizeof(*line));
	const char *name = from->name;
	struct text out = {0};
	struct timespec now;

	if (!line) {
		return NULL;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	text_print(&out, "{\"from\":\"%s\",%s%s%s\"at\":%" PRIu64 ",\"text\":", from->member->id,
		name ? "\"name\":" : "", name ? name : "", name ? "," : "",
		(uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
	text_add_bytes(&out, text, len);
	text_add(&out, "}");
	line->address = from->address;
	line->text = text_take(&out, &line->len);
	if (!line->text || line->len > BYTES_MAX) {
		line_destroy(line); /* it would leave no room for any other, nor have it itself */
		return NULL;
	}
	return line;
}

/* The room's history, now the one that was spoken in last. NULL: no memory. */
static struct nakodo_v1_history *find_or_add(struct nakodo_v1 *v1, struct room *room)
{
	struct nakodo_v1_history *history = room->state_of_dialect;

	if (history) {
		DL_DELETE(v1->histories, history);
	} else {
		history = calloc(1, sizeof(*history));
		if (!history) {
			return NULL;
		}
		memory_take(MEMORY_ROOMS, sizeof(*history));
		history->room = room;
		room->state_of_dialect = history;
	}
	DL_APPEND(v1->histories, history);
	return history;
}

/* Take the line into the room's history, or free it: -ENOMEM. */
static int keep(struct nakodo_v1 *v1, struct room *room, struct line *line)
{
	size_t most = v1->mount->env->options->room_history;
	struct nakodo_v1_history *history;

	if (share_add(&v1->said, &line->address, weight(line))) {
		line_destroy(line);
		return -ENOMEM;
	}
	history = find_or_add(v1, room);
	if (!history) {
		share_remove(&v1->said, &line->address, weight(line));
		line_destroy(line);
		return -ENOMEM;
	}
	nakodo_v1_journal_note_chat(room);
	DL_APPEND(history->lines, line);
	history->count++;
	history->bytes += line->len;
	memory_take(MEMORY_ROOMS, weight(line));
	while (history->count > most || history->bytes > BYTES_MAX) {
		drop(v1, history, history->lines);
	}
	return 0;
}

void nakodo_v1_history_add(const struct nakodo_v1_seat *from, const char *text, size_t len)
{
	struct nakodo_v1 *v1 = from->mount;
	bool any = v1->mount->env->options->room_history;
	struct line *line = any ? line_create(from, text, len) : NULL;

	if (line) {
		keep(v1, from->member->room, line);
	}
}

void nakodo_v1_history_print(const struct room *room, struct text *out)
{
	const struct nakodo_v1_history *history = room->state_of_dialect;
	const struct line *line;

	text_add(out, "[");
	DL_FOREACH (history ? history->lines : NULL, line) {
		text_print(out, "%s%s", line == history->lines ? "" : ",", line->text);
	}
	text_add(out, "]");
}

static void forget_if_empty(struct nakodo_v1 *v1, struct nakodo_v1_history *history)
{
	if (!history->lines) {
		history->room->state_of_dialect = NULL;
		DL_DELETE(v1->histories, history);
		memory_give(MEMORY_ROOMS, sizeof(*history));
		free(history);
	}
}

void nakodo_v1_history_free(struct nakodo_v1 *v1, struct room *room)
{
	struct nakodo_v1_history *history = room->state_of_dialect;

	if (history) {
		while (history->lines) {
			drop(v1, history, history->lines);
		}
		forget_if_empty(v1, history);
	}
}

void nakodo_v1_history_shed(
	struct nakodo_v1 *v1, struct shortage *shortage, bool (*of_room)(const struct room *room))
{
	struct nakodo_v1_history *history, *next;
	struct line *line, *following;

	DL_FOREACH_SAFE (v1->histories, history, next) {
		if (shortage_is_over(shortage)) {
			return;
		}
		if (!of_room(history->room)) {
			continue;
		}
		DL_FOREACH_SAFE (history->lines, line, following) {
			if (shortage_takes(shortage, &line->address)) {
				meter_add(METER_SHED_LINES, 1);
				shortage_take(shortage, &line->address, weight(line));
				drop(v1, history, line);
			}
		}
		forget_if_empty(v1, history);
	}
}

bool nakodo_v1_history_save_room(const struct room *room, struct save *save)
{
	const struct nakodo_v1_history *history = room->state_of_dialect;
	const struct line *line;

	if (history) {
		save_text(save, room->name);
		save_number(save, history->count);
		DL_FOREACH (history->lines, line) {
			save_bytes(save, &line->address, sizeof(line->address));
			save_text(save, line->text);
		}
	}
	return history;
}

void nakodo_v1_history_save(const struct nakodo_v1 *v1, struct save *save)
{
	const struct nakodo_v1_history *history;

	DL_FOREACH (v1->histories, history) {
		save_begin(save, SAVE_HISTORY);
		nakodo_v1_history_save_room(history->room, save);
		save_end(save);
	}
}

static int restore_line(struct nakodo_v1 *v1, struct room *room, struct saved *saved)
{
	bool any = v1->mount->env->options->room_history;
	struct address address;
	struct line *line;
	const char *text;

	saved_copy(saved, &address, sizeof(address));
	text = saved_text(saved);
	if (!text || strlen(text) > BYTES_MAX ||
		json_scan(text, strlen(text), NULL, 0) != JSON_OK) {
		return -EBADMSG;
	}
	line = any ? calloc(1, sizeof(*line)) : NULL;
	if (!line) {
		return any ? -ENOMEM : 0;
	}
	line->address = address;
	line->len = strlen(text);
	line->text = strdup(text);
	if (!line->text) {
		line_destroy(line);
		return -ENOMEM;
	}
	return keep(v1, room, line);
}

int nakodo_v1_history_restore(struct nakodo_v1 *v1, struct saved *saved)
{
	const char *name = saved_text(saved);
	struct room *room = name ? hub_room(v1->mount->space, name) : NULL;
	int error = room && (!v1->only || !strcmp(name, v1->only)) ? 0 : -EBADMSG;

	if (name && !mount_serves(v1->mount, name)) {
		saved_skip(saved);
		return 0;
	}
	for (size_t left = saved_count(saved, LINE_LEAST); left && !error; left--) {
		error = restore_line(v1, room, saved);
	}
	return error;
}

#ifdef NAKODO_AUDIT
void nakodo_v1_history_audit(const struct nakodo_v1 *v1, struct audit *audit)
{
	const struct nakodo_v1_history *history;
	const struct line *line;
	size_t said = 0;

	DL_FOREACH (v1->histories, history) {
		audit_bytes(audit, MEMORY_ROOMS, sizeof(*history));
		if (history->room->state_of_dialect != history || !history->lines) {
			audit_fault(audit, "a history is not that of its room, or empty");
		}
		DL_FOREACH (history->lines, line) {
			audit_bytes(audit, MEMORY_ROOMS, weight(line));
			said += weight(line);
		}
	}
	if (said != v1->said.used) {
		audit_fault(
			audit, "chat is counted with %zu bytes and has %zu", v1->said.used, said);
	}
}
#endif
