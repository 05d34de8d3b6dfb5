/* report: owns how the result looks; knows nothing of the steps. */
#include "nakodo/probe/report.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nakodo/base/utf8.h"

#define SAYS 1024 /* bytes of a sentence */

enum mark { GOOD, BAD, SKIPPED };

void report_init(struct report *report, FILE *out, bool as_json)
{
	const char *no_color = getenv("NO_COLOR");

	*report = (struct report){.out = out};
	report->is_coloured = isatty(fileno(out)) && !(no_color && *no_color);
	if (as_json) {
		report->steps = cJSON_CreateArray();
		report->failed = !report->steps;
	}
}

/* The names of a certificate and the sentences of a server are whatever they like. */
static void make_harmless(char *text)
{
	bool is_utf8 = utf8_is_valid(text, strlen(text));

	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		if (*c < ' ' || *c == 0x7f || (*c >= 0x80 && !is_utf8)) {
			*c = '?';
		} else if (*c == 0xc2 && c[1] < 0xa0) { /* U+0080 to U+009F */
			*c++ = '?';
			*c = '?';
		}
	}
}

static void write_line(struct report *report, enum mark mark, const char *step, const char *says,
	const char *advice)
{
	static const char *const marks[] = {"✓", "✗", "–"};
	static const char *const colours[] = {"\033[32m", "\033[31m", ""};
	const char *colour = report->is_coloured ? colours[mark] : "";
	const char *end = *colour ? "\033[0m" : "";

	fprintf(report->out, "%s%s %-10s %s%s\n", colour, marks[mark], step, says, end);
	if (advice) {
		fprintf(report->out, "             %s\n", advice);
	}
	fflush(report->out);
}

static bool keep(struct report *report, enum mark mark, const char *step, const char *says,
	const char *advice)
{
	cJSON *object = cJSON_CreateObject();

	if (!object || !cJSON_AddItemToArray(report->steps, object)) {
		cJSON_Delete(object);
		return false;
	}
	return cJSON_AddStringToObject(object, "step", step) &&
	       (mark == SKIPPED ? cJSON_AddNullToObject(object, "ok")
				: cJSON_AddBoolToObject(object, "ok", mark == GOOD)) &&
	       cJSON_AddStringToObject(object, "says", says) &&
	       (!advice || cJSON_AddStringToObject(object, "advice", advice));
}

__attribute__((format(printf, 5, 0))) static void add(struct report *report, enum mark mark,
	const char *step, const char *advice, const char *format, va_list list)
{
	char says[SAYS];

	if (vsnprintf(says, sizeof(says), format, list) < 0) {
		report->failed = true;
		return;
	}
	make_harmless(says);
	report->bad += mark == BAD;
	if (!report->steps) {
		write_line(report, mark, step, says, advice);
	} else if (!keep(report, mark, step, says, advice)) {
		report->failed = true;
	}
}

void report_good(struct report *report, const char *step, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	add(report, GOOD, step, NULL, format, list);
	va_end(list);
}

void report_bad(
	struct report *report, const char *step, const char *advice, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	add(report, BAD, step, advice, format, list);
	va_end(list);
}

void report_skip(struct report *report, const char *step, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	add(report, SKIPPED, step, NULL, format, list);
	va_end(list);
}

/* Takes the steps. */
static bool write_json(struct report *report, const char *url)
{
	cJSON *all = cJSON_CreateObject();
	char *text = NULL;

	if (all && cJSON_AddStringToObject(all, "url", url) &&
		cJSON_AddBoolToObject(all, "ok", !report->bad) &&
		cJSON_AddItemToObject(all, "steps", report->steps)) {
		report->steps = NULL;
		text = cJSON_PrintUnformatted(all);
	}
	if (text) {
		fprintf(report->out, "%s\n", text);
	}
	cJSON_free(text);
	cJSON_Delete(all);
	cJSON_Delete(report->steps);
	report->steps = NULL;
	return text;
}

int report_finish(struct report *report, const char *url)
{
	if (report->steps && !write_json(report, url)) {
		report->failed = true;
	}
	if (report->failed) {
		return -ENOMEM;
	}
	return report->bad > 0;
}
