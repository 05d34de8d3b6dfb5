/*
 * log: one line per event, `event key=value …`.
 *
 * Only main and net log; the layers below return. What comes from a peer is escaped and cut;
 * payloads and secrets are never given to the log.
 *
 *   log_info("peer.open", LOG_UINT("conn", id), LOG_STR("address", text));
 *
 * Nothing here waits, whoever reads the log: a line that cannot be written at once is left out and
 * counted (METER_LOG_DROPPED), and the next one that can is `log.dropped count=N`.
 *
 * A line is one of: text with an RFC 3339 time, a JSON object, or for the journal a `<N>` priority
 * prefix (sd-daemon(3)) and no time, since the journal adds its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON, LOG_FORMAT_JOURNAL };

/* One key=value of a line; `text` NULL means that `number` is the value. */
struct log_field {
	const char *key;
	const char *text;
	uint64_t number;
};

#define LOG_STR(key, text) {(key), (text), 0}
#define LOG_UINT(key, number) {(key), (const char *)0, (number)}
/* The errno's text; `error` may be negative as our functions return it. */
#define LOG_ERRNO(error) {"error", log_errno_text(error), 0}

#define log_error(event, ...) LOG_WRITE(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...) LOG_WRITE(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define log_info(event, ...) LOG_WRITE(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) LOG_WRITE(LOG_LEVEL_DEBUG, event, __VA_ARGS__)

#define LOG_WRITE(level, event, ...)                                                               \
	do {                                                                                       \
		if ((level) <= log_threshold()) {                                                  \
			const struct log_field fields_[] = {__VA_ARGS__};                          \
			log_write(level, event, fields_, sizeof(fields_) / sizeof(*fields_));      \
		}                                                                                  \
	} while (0)

/* Before the first call: level info, format text, to stderr. `path` "" is stderr.
 * 0, or -errno if the file cannot be opened for appending (mode 0640); the log is then as before.
 * A file that cannot be written later is told of once on stderr. */
int log_open(const char *path, enum log_level level, enum log_format format);
/* Open the file anew, as after log rotation. 0 or -errno; on failure the old file stays. */
int log_reopen(void);
void log_close(void);

/* Is stderr connected to the journal (systemd.exec(5), JOURNAL_STREAM)? */
bool log_is_journal(void);

enum log_level log_threshold(void);
/* Until the next log_open(). */
void log_set_threshold(enum log_level level);
const char *log_errno_text(int error);
void log_write(enum log_level level, const char *event, const struct log_field *fields, int count);
