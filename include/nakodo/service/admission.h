/*
 * admission: auth-webhook is asked who may come in. docs/webhooks.md is the page for users.
 *
 * Each question is a request of its own. ADMISSIONS_FLYING are under way at a time; the others wait
 * in a lane for each address: networks take turns, and in each its addresses. Who has less under
 * way than another network, or than another address of its own, takes the place of one of its
 * questions, which is asked again later: so who asks much waits behind itself (admission_lanes.h).
 * A request without an answer after ADMISSION_TIMEOUT has failed, and so has a question that has
 * waited for ADMISSION_PATIENCE; one that has to be asked again may once be late by
 * ADMISSION_TIMEOUT. There is one for each connection at most, so max-peers bounds them.
 *
 * An answer is good for the same question for as long as its `ttl` says.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/wheel.h"

struct address;
struct admission_answer;
struct admissions;
struct question;
struct webhook;
struct webhook_headers;

#define ADMISSION_TIMEOUT 2000 /* ms, of a request */
#define ADMISSION_PATIENCE 10000 /* ms, before it */
#define ADMISSION_ANSWER 16384 /* bytes at most */
#define ADMISSIONS_FLYING 24

/* Who carries questions, and the time. */
struct admission_host {
	/* Begin a request, whose end admissions_answered() tells, never before this returns; the
	 * body is copied. Returns what cancel() takes. NULL: it cannot be. */
	void *(*post)(void *cookie, const char *url, const struct webhook_headers *headers,
		const char *body, size_t len, struct question *question);
	/* Break it off; nothing more is told of it. */
	void (*cancel)(void *cookie, void *request);
	/* Whether the last request was answered; `problem` NULL: it was. */
	void (*note)(void *cookie, const char *problem);
	uint64_t (*now)(void *cookie); /* ms */
	void (*set_timer)(void *cookie, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn);
	void (*clear_timer)(void *cookie, struct wheel_timer *timer);
	void *cookie;
};

typedef void admission_fn(void *cookie, const struct admission_answer *answer);

/* What is asked. The answer may depend on the first `key` bytes of the body. */
struct admission_text {
	const char *body;
	size_t len, key;
};

/* Answers that take up to `most` bytes are kept. NULL: no memory. */
struct admissions *admissions_create(size_t most);
void admissions_set_most(struct admissions *admissions, size_t most);
/* No question may be left. NULL: nothing happens. */
void admissions_destroy(struct admissions *admissions);
void admissions_start(struct admissions *admissions, const struct admission_host *host);
/* From now on ask that one, which is the caller's; also what was asked already. NULL: nobody, and
 * those for whom there was no answer yet may come in. */
void admissions_aim(struct admissions *admissions, const struct webhook *webhook);
bool admissions_are_asked(const struct admissions *admissions);

/* Ask whether somebody of that address may come in; `done` gets the answer once. NULL: it has got
 * it already. */
struct question *admissions_ask(struct admissions *admissions, const struct address *address,
	const struct admission_text *text, admission_fn *done, void *cookie);
/* The bytes that it holds until then. */
size_t admissions_size(const struct question *question);
/* `done` is not called any more. */
void admissions_cancel(struct question *question);

/* The request has ended with that status and body; status 0: there was no answer, and why. */
void admissions_answered(
	struct question *question, int status, const char *body, size_t len, const char *problem);
/* Memory is short: forget the answers. */
void admissions_shed(struct admissions *admissions);
/* Nothing is asked of the host any more, and what is open stays so. */
void admissions_finish(struct admissions *admissions);

#ifdef NAKODO_AUDIT
/* How many bytes are held, counted anew. */
size_t admissions_audit(const struct admissions *admissions);
#endif
