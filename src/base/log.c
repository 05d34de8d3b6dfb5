/*
 * log: owns the one log stream. A line is put together in a fixed buffer and handed over in one
 * write(2), so lines of several processes that share a file do not mix. A line that cannot be
 * written at once is left out: whoever reads the log must not be able to stop the service.
 */
#include "nakodo/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "nakodo/base/file.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/sink.h"

#define VALUE_MAX 400 /* bytes of one value as it is written; the rest is cut */

static struct {
	struct sink sink;
	char *path; /* NULL: stderr */
	enum log_level level;
	enum log_format format;
	uint64_t dropped; /* lines that the log has not told of yet */
	bool complained; /* on stderr, of the file */
} stream = {.sink = {.fd = STDERR_FILENO, .way = SINK_POLL}, .level = LOG_LEVEL_INFO};

struct line {
	char text[SINK_LINE_MAX];
	size_t len;
};

static void put(struct line *line, const char *bytes, size_t len)
{
	size_t room = sizeof(line->text) - 1 - line->len; /* the last byte is kept for '\n' */

	if (len > room) {
		len = room;
	}
	memcpy(line->text + line->len, bytes, len);
	line->len += len;
}

static void put_text(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

/* In quotes, with whatever could end the line, the quotes or a terminal's patience escaped.
 * Bytes from 0x80 up are escaped too: JSON stays valid and terminals calm whatever a peer sent. */
static void put_quoted(struct line *line, const char *text)
{
	size_t end = line->len + VALUE_MAX;

	put_text(line, "\"");
	for (; *text && line->len < end; text++) {
		unsigned char byte = *text;
		char escape[8];

		if (byte == '"' || byte == '\\') {
			snprintf(escape, sizeof(escape), "\\%c", byte);
		} else if (byte < 0x20 || byte >= 0x7f) {
			snprintf(escape, sizeof(escape), "\\u%04x", byte);
		} else {
			snprintf(escape, sizeof(escape), "%c", byte);
		}
		put_text(line, escape);
	}
	put_text(line, "\"");
}

static bool is_plain(const char *text)
{
	if (!*text) {
		return false;
	}
	for (size_t i = 0; text[i]; i++) {
		unsigned char byte = text[i];

		if (byte <= ' ' || byte >= 0x7f || strchr("\"=\\", byte) || i >= VALUE_MAX) {
			return false;
		}
	}
	return true;
}

static void put_field(struct line *line, const struct log_field *field)
{
	char number[24];

	if (stream.format == LOG_FORMAT_JSON) {
		put_text(line, ",\"");
		put_text(line, field->key);
		put_text(line, "\":");
	} else {
		put_text(line, " ");
		put_text(line, field->key);
		put_text(line, "=");
	}
	if (!field->text) {
		snprintf(number, sizeof(number), "%" PRIu64, field->number);
		put_text(line, number);
	} else if (stream.format != LOG_FORMAT_JSON && is_plain(field->text)) {
		put_text(line, field->text);
	} else {
		put_quoted(line, field->text);
	}
}

static void put_head(struct line *line, enum log_level level, const char *event)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};
	char now[64], fraction[8];
	struct timespec ts;
	struct tm tm;

	if (stream.format == LOG_FORMAT_JOURNAL) {
		put_text(line, priorities[level]);
		put_text(line, event);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(fraction, sizeof(fraction), ".%03uZ", (unsigned)(ts.tv_nsec / 1000000) % 1000);
	put_text(line, stream.format == LOG_FORMAT_JSON ? "{\"time\":\"" : "");
	put_text(line, now);
	put_text(line, fraction);
	put_text(line, stream.format == LOG_FORMAT_JSON ? "\",\"level\":\"" : " ");
	put_text(line, names[level]);
	put_text(line, stream.format == LOG_FORMAT_JSON ? "\",\"event\":\"" : " ");
	put_text(line, event);
	put_text(line, stream.format == LOG_FORMAT_JSON ? "\"" : "");
}

static void put_line(struct line *line, enum log_level level, const char *event,
	const struct log_field *fields, int count)
{
	line->len = 0;
	put_head(line, level, event);
	for (int i = 0; i < count; i++) {
		put_field(line, &fields[i]);
	}
	if (stream.format == LOG_FORMAT_JSON) {
		put_text(line, "}");
	}
	line->text[line->len++] = '\n';
}

/* Once for each file: who looks for the log finds it empty, and has to hear why. */
static void complain(int error)
{
	char text[SINK_LINE_MAX];
	struct sink sink;
	int len;

	if (!stream.path || stream.complained) {
		return;
	}
	stream.complained = true;
	len = snprintf(text, sizeof(text),
		"nakodo: cannot write log-file `%.1000s`: %s; lines are left out until it can be "
		"written\n",
		stream.path, log_errno_text(error));
	sink_init(&sink, STDERR_FILENO);
	sink_write(&sink, text, (size_t)len);
	sink_finish(&sink);
}

static int tell_dropped(void)
{
	const struct log_field count = LOG_UINT("count", stream.dropped);
	struct line line;
	int error;

	put_line(&line, LOG_LEVEL_WARN, "log.dropped", &count, 1);
	error = sink_write(&stream.sink, line.text, line.len);
	if (!error) {
		stream.dropped = 0;
	}
	return error;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, int count)
{
	struct line line;
	int error = stream.dropped ? tell_dropped() : 0;

	put_line(&line, level, event, fields, count);
	error = error ? error : sink_write(&stream.sink, line.text, line.len);
	if (error) {
		stream.dropped++;
		meter_add(METER_LOG_DROPPED, 1);
		complain(error);
	}
}

/* Leave the stream's old file; half a line at its end is one that is missing. */
static void replace(const struct sink *sink)
{
	if (!sink_finish(&stream.sink)) {
		stream.dropped++;
		meter_add(METER_LOG_DROPPED, 1);
	}
	stream.sink = *sink;
	stream.complained = false;
}

int log_open(const char *path, enum log_level level, enum log_format format)
{
	char *copy = NULL;
	struct sink sink;
	int error = 0;

	if (!*path) {
		sink_init(&sink, STDERR_FILENO);
	} else {
		/* log_reopen must find it after the daemon has left for "/". */
		copy = file_absolute(path);
		error = copy ? sink_open(&sink, copy) : -errno;
	}
	if (error) {
		free(copy);
		return error;
	}
	log_close();
	replace(&sink);
	stream.path = copy;
	stream.level = level;
	stream.format = format;
	return 0;
}

int log_reopen(void)
{
	struct sink sink;
	int error = stream.path ? sink_open(&sink, stream.path) : 0;

	if (stream.path && !error) {
		replace(&sink);
	}
	return error;
}

void log_close(void)
{
	static const struct sink unopened = {.fd = STDERR_FILENO, .way = SINK_POLL};

	if (stream.dropped) {
		tell_dropped();
	}
	replace(&unopened);
	stream.dropped = 0;
	free(stream.path);
	stream.path = NULL;
}

bool log_is_journal(void)
{
	const char *stream_id = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream_id && sscanf(stream_id, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == device && st.st_ino == inode;
}

enum log_level log_threshold(void)
{
	return stream.level;
}

void log_set_threshold(enum log_level level)
{
	stream.level = level;
}

const char *log_errno_text(int error)
{
	return strerror(error < 0 ? -error : error);
}
