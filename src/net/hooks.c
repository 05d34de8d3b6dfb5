/* hooks: see the header. */
#include "nakodo/net/hooks.h"

#include <errno.h>

#include "nakodo/base/log.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/loop/courier.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/service/admission.h"
#include "nakodo/service/events.h"
#include "nakodo/service/webhook.h"

#define PART 64 /* of max-memory, at most, may wait as events */
#define MOST (16 << 20) /* bytes */
#define LOG_EVERY 60000 /* ms */

static void note_state(struct hooks *hooks, const char *problem)
{
	if (problem && !hooks->deaf) {
		log_warn("webhook.down", LOG_STR("problem", problem),
			LOG_STR("effect",
				"events wait, and when there are too many, the address that "
				"made most loses its oldest"));
	} else if (!problem && hooks->deaf) {
		log_info("webhook.up", LOG_UINT("given-up", meter_values[METER_EVENTS_GIVEN_UP]),
			LOG_UINT("waiting", meter_values[METER_EVENTS_WAITING]));
	}
	hooks->deaf = problem;
}

static void on_answer(void *cookie, const struct courier_answer *answer)
{
	struct hooks *hooks = cookie;
	struct problem problem;

	hooks->errand = NULL;
	if (answer->status >= 200 && answer->status < 300) {
		note_state(hooks, NULL);
		events_delivered(hooks->events);
		return;
	}
	if (answer->status) {
		problem_set(&problem, 0, "it answered %d", answer->status);
	}
	note_state(hooks, answer->status ? problem.text : answer->problem);
	events_failed(hooks->events, answer->status);
}

static bool have_courier(struct hooks *hooks)
{
	if (!hooks->courier) {
		hooks->courier = courier_create(hooks->loop);
	}
	return hooks->courier;
}

static int host_post(void *cookie, const char *url, const struct webhook_headers *headers,
	const char *body, size_t len)
{
	struct hooks *hooks = cookie;
	const struct courier_request request = {
		.url = url,
		.body = body,
		.len = len,
		.headers = headers->lines,
		.timeout = EVENTS_TIMEOUT,
	};

	if (have_courier(hooks)) {
		hooks->errand = courier_post(hooks->courier, &request, on_answer, hooks);
	}
	return hooks->errand ? 0 : -ENOMEM;
}

static void host_cancel(void *cookie)
{
	struct hooks *hooks = cookie;

	courier_cancel(hooks->errand);
	hooks->errand = NULL;
}

static void host_set_timer(void *cookie, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn)
{
	const struct hooks *hooks = cookie;

	deadlines_set(hooks->deadlines, timer, delay, fn);
}

static void host_clear_timer(void *cookie, struct wheel_timer *timer)
{
	const struct hooks *hooks = cookie;

	deadlines_clear(hooks->deadlines, timer);
}

/* Of a server that answers some and not others the log is not filled by those who ask for it. */
static void note_answer(void *cookie, const char *problem)
{
	struct hooks *hooks = cookie;
	uint64_t now = deadlines_now(hooks->deadlines);

	if (problem && !hooks->mute && now >= hooks->told) {
		hooks->mute = true;
		hooks->told = now + LOG_EVERY;
		log_warn("auth-webhook.down", LOG_STR("problem", problem),
			LOG_STR("effect", "nobody is let in for whom it does not answer"));
	} else if (!problem && hooks->mute) {
		hooks->mute = false;
		log_info("auth-webhook.up",
			LOG_UINT("failed", meter_values[METER_ADMISSIONS_FAILED]));
	}
}

static void on_verdict(void *cookie, const struct courier_answer *answer)
{
	admissions_answered(cookie, answer->status, answer->body, answer->len, answer->problem);
}

static void *host_ask(void *cookie, const char *url, const struct webhook_headers *headers,
	const char *body, size_t len, struct question *question)
{
	struct hooks *hooks = cookie;
	const struct courier_request request = {
		.url = url,
		.body = body,
		.len = len,
		.headers = headers->lines,
		.timeout = 2 * ADMISSION_TIMEOUT, /* it is broken off before */
		.most = ADMISSION_ANSWER,
	};

	return have_courier(hooks) ? courier_post(hooks->courier, &request, on_verdict, question)
				   : NULL;
}

static void host_break_off(void *cookie, void *request)
{
	(void)cookie;
	courier_cancel(request);
}

static uint64_t host_now(void *cookie)
{
	const struct hooks *hooks = cookie;

	return deadlines_now(hooks->deadlines);
}

static size_t most_of(uint64_t max_memory)
{
	return max_memory / PART < MOST ? (size_t)(max_memory / PART) : MOST;
}

void hooks_set_max_memory(struct hooks *hooks, uint64_t max_memory)
{
	events_set_most(hooks->events, most_of(max_memory));
	admissions_set_most(hooks->admissions, most_of(max_memory));
}

int hooks_init(struct hooks *hooks, const struct options *options, uint64_t max_memory,
	unsigned worker, struct problem *problem)
{
	struct webhook *tells, *asks;
	int error;

	hooks->events = events_create(most_of(max_memory));
	hooks->admissions = admissions_create(most_of(max_memory));
	if (!hooks->events || !hooks->admissions) {
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	events_set_worker(hooks->events, worker);
	error = hooks_make(&tells, &asks, options, problem);
	if (!error) {
		hooks_swap(hooks, &tells, &asks);
	}
	return error;
}

void hooks_start(struct hooks *hooks, uv_loop_t *loop, struct deadlines *deadlines)
{
	const struct events_host tell = {
		host_post, host_cancel, host_set_timer, host_clear_timer, hooks};
	const struct admission_host ask = {host_ask, host_break_off, note_answer, host_now,
		host_set_timer, host_clear_timer, hooks};

	hooks->loop = loop;
	hooks->deadlines = deadlines;
	events_start(hooks->events, &tell);
	admissions_start(hooks->admissions, &ask);
}

static int make(struct webhook **ret, const char *url, const struct options *options,
	struct problem *problem)
{
	*ret = NULL;
	return *url ? webhook_create(ret, url, options, problem) : 0;
}

int hooks_make(struct webhook **ret_tells, struct webhook **ret_asks, const struct options *options,
	struct problem *problem)
{
	int error = make(ret_tells, options->event_webhook, options, problem);

	if (!error) {
		error = make(ret_asks, options->auth_webhook, options, problem);
		if (error) {
			webhook_destroy(*ret_tells);
		}
	}
	return error;
}

static void swap(struct webhook **one, struct webhook **other)
{
	struct webhook *kept = *one;

	*one = *other;
	*other = kept;
}

void hooks_swap(struct hooks *hooks, struct webhook **tells, struct webhook **asks)
{
	events_aim(hooks->events, hooks->silent ? NULL : *tells);
	admissions_aim(hooks->admissions, hooks->silent ? NULL : *asks);
	swap(&hooks->tells, tells);
	swap(&hooks->asks, asks);
}

bool hooks_stop(struct hooks *hooks)
{
	return events_stop(hooks->events);
}

void hooks_finish(struct hooks *hooks)
{
	events_finish(hooks->events);
	admissions_finish(hooks->admissions);
	courier_finish(hooks->courier);
}

void hooks_destroy(struct hooks *hooks)
{
	events_destroy(hooks->events);
	admissions_destroy(hooks->admissions);
	webhook_destroy(hooks->tells);
	webhook_destroy(hooks->asks);
	courier_destroy(hooks->courier);
}
