/*
 * report: what the steps have found, a line each as soon as it is known, or all together as JSON.
 *
 * What a server says goes through here to a terminal: control characters become question marks.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct cJSON;

struct report {
	FILE *out;
	bool is_coloured;
	struct cJSON *steps; /* NULL: lines are written */
	unsigned bad;
	bool failed; /* for want of memory */
};

/* Lines, or JSON. */
void report_init(struct report *report, FILE *out, bool as_json);
void report_good(struct report *report, const char *step, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* `advice`: what to do. */
void report_bad(struct report *report, const char *step, const char *advice, const char *format,
	...) __attribute__((format(printf, 4, 5)));
/* It was not tried, or nothing can be said. */
void report_skip(struct report *report, const char *step, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Write the end. 0: all was good, 1: something was not, -ENOMEM. */
int report_finish(struct report *report, const char *url);
