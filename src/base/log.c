/*
 * log: owns the one log stream. A line is put together in a fixed buffer and handed over in one
 * write(2), so lines of several processes that share a file do not mix.
 */
#include "nakodo/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define VALUE_MAX 400 /* bytes of one value as it is written; the rest is cut */

static struct {
	int fd;
	char *path; /* NULL: stderr */
	enum log_level level;
	enum log_format format;
} stream = {STDERR_FILENO, NULL, LOG_LEVEL_INFO, LOG_FORMAT_TEXT};

struct line {
	char text[4096];
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

void log_write(enum log_level level, const char *event, const struct log_field *fields, int count)
{
	struct line line = {.len = 0};
	ssize_t written;

	put_head(&line, level, event);
	for (int i = 0; i < count; i++) {
		put_field(&line, &fields[i]);
	}
	if (stream.format == LOG_FORMAT_JSON) {
		put_text(&line, "}");
	}
	line.text[line.len++] = '\n';
	/* A log that cannot be written (disk full, closed pipe) must not stop the service. */
	written = write(stream.fd, line.text, line.len);
	(void)written;
}

static int open_path(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);

	return fd < 0 ? -errno : fd;
}

int log_open(const char *path, enum log_level level, enum log_format format)
{
	char *copy = NULL;
	int fd = STDERR_FILENO;

	if (*path) {
		/* log_reopen must find it after the daemon has left for "/". */
		copy = *path == '/' ? strdup(path) : NULL;
		if (*path != '/') {
			char *cwd = getcwd(NULL, 0);

			if (!cwd || asprintf(&copy, "%s/%s", cwd, path) < 0) {
				copy = NULL;
			}
			free(cwd);
		}
		if (!copy) {
			return -ENOMEM;
		}
		fd = open_path(copy);
		if (fd < 0) {
			free(copy);
			return fd;
		}
	}
	log_close();
	stream.fd = fd;
	stream.path = copy;
	stream.level = level;
	stream.format = format;
	return 0;
}

int log_reopen(void)
{
	int fd;

	if (!stream.path) {
		return 0;
	}
	fd = open_path(stream.path);
	if (fd < 0) {
		return fd;
	}
	close(stream.fd);
	stream.fd = fd;
	return 0;
}

void log_close(void)
{
	if (stream.path) {
		close(stream.fd);
		free(stream.path);
		stream.path = NULL;
	}
	stream.fd = STDERR_FILENO;
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

const char *log_errno_text(int error)
{
	return strerror(error < 0 ? -error : error);
}
