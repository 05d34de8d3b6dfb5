/* hooks: see the header. */
#include "nakodo/net/hooks.h"

#include <errno.h>

#include "nakodo/base/log.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/loop/courier.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/service/events.h"
#include "nakodo/service/webhook.h"

#define PART 64 /* of max-memory, at most, may wait as events */
#define MOST (16 << 20) /* bytes */

static void note_state(struct hooks *hooks, const char *problem)
{
	if (problem && !hooks->down) {
		log_warn("webhook.down", LOG_STR("problem", problem),
			LOG_STR("effect", "events wait, and the oldest are given up when there are "
					  "too many"));
	} else if (!problem && hooks->down) {
		log_info("webhook.up", LOG_UINT("given-up", meter_values[METER_EVENTS_GIVEN_UP]),
			LOG_UINT("waiting", meter_values[METER_EVENTS_WAITING]));
	}
	hooks->down = problem;
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

	if (!hooks->courier) {
		hooks->courier = courier_create(hooks->loop);
	}
	if (hooks->courier) {
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

static size_t most_of(uint64_t max_memory)
{
	return max_memory / PART < MOST ? (size_t)(max_memory / PART) : MOST;
}

void hooks_set_max_memory(struct hooks *hooks, uint64_t max_memory)
{
	events_set_most(hooks->events, most_of(max_memory));
}

int hooks_init(struct hooks *hooks, const struct options *options, uint64_t max_memory,
	struct problem *problem)
{
	struct webhook *webhook;
	int error;

	hooks->events = events_create(most_of(max_memory));
	if (!hooks->events) {
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	error = hooks_make(&webhook, options, problem);
	if (!error) {
		hooks_swap(hooks, webhook);
	}
	return error;
}

void hooks_start(struct hooks *hooks, uv_loop_t *loop, struct deadlines *deadlines)
{
	const struct events_host host = {
		host_post, host_cancel, host_set_timer, host_clear_timer, hooks};

	hooks->loop = loop;
	hooks->deadlines = deadlines;
	events_start(hooks->events, &host);
}

int hooks_make(struct webhook **ret, const struct options *options, struct problem *problem)
{
	if (!*options->event_webhook) {
		*ret = NULL;
		return 0;
	}
	return webhook_create(ret, options->event_webhook, options, problem);
}

struct webhook *hooks_swap(struct hooks *hooks, struct webhook *webhook)
{
	struct webhook *before = hooks->webhook;

	events_aim(hooks->events, webhook);
	hooks->webhook = webhook;
	return before;
}

bool hooks_stop(struct hooks *hooks)
{
	return events_stop(hooks->events);
}

void hooks_finish(struct hooks *hooks)
{
	events_finish(hooks->events);
	courier_finish(hooks->courier);
}

void hooks_destroy(struct hooks *hooks)
{
	events_destroy(hooks->events);
	webhook_destroy(hooks->webhook);
	courier_destroy(hooks->courier);
}
