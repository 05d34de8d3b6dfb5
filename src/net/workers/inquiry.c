/* inquiry: see the header. */
#include "nakodo/net/workers/inquiry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/net/ctl/ctl.h"
#include "nakodo/net/workers/record.h"
#include "nakodo/net/workers/workers.h"

static const char ended[] = "a worker has just ended: try again";

struct inquiry {
	struct workers *workers;
	struct ctl_call *call;
	struct inquiry *prev, *next; /* of the workers (utlist DL) */
	uint32_t number;
	size_t at; /* the worker that is asked, or next */
	unsigned life; /* which of its lives has answered with a part; see workers_life() */
	bool asked, answered; /* it; its piece is in `status` and `text` */
	bool done; /* one could do it */
	int status, error;
	char *text;
	size_t len;
	struct record_ask ask;
};

static bool is_list(enum verb verb)
{
	return verb == VERB_ROOMS || verb == VERB_PEERS;
}

static struct inquiry *begin(struct workers *workers, enum verb verb, struct ctl_call *call)
{
	struct inquiry *inquiry = calloc(1, sizeof(*inquiry));

	if (!inquiry) {
		return NULL;
	}
	inquiry->workers = workers;
	inquiry->call = call;
	inquiry->number = ++workers->last_inquiry;
	inquiry->ask = (struct record_ask){
		.kind = RECORD_ASK,
		.inquiry = inquiry->number,
		.verb = verb,
		.has_argument = call->argument,
	};
	if (call->argument) {
		strncpy(inquiry->ask.argument, call->argument, sizeof(inquiry->ask.argument) - 1);
	}
	DL_APPEND(workers->inquiries, inquiry);
	return inquiry;
}

/* What the worker at hand has said last. */
static int take_answer(struct inquiry *inquiry)
{
	struct ctl_call *call = inquiry->call;
	bool listed = is_list((enum verb)inquiry->ask.verb);

	inquiry->asked = inquiry->answered = false;
	if (inquiry->status >= 0) {
		text_add_bytes(&call->out, inquiry->text, inquiry->len);
	} else if (inquiry->error != -EAGAIN) { /* who has ended might have known better */
		inquiry->error = problem_set(
			&call->problem, inquiry->status, "%.*s", (int)inquiry->len, inquiry->text);
	}
	if (inquiry->status <= 0) {
		inquiry->done |= !inquiry->status;
		inquiry->status = 0;
		inquiry->at++;
	}
	/* Of a kick one is enough; a room of that name may be at several mounts. */
	if (inquiry->done && inquiry->ask.verb == VERB_KICK) {
		inquiry->at = inquiry->workers->count;
	}
	if (inquiry->at < inquiry->workers->count) {
		return 1;
	}
	return listed ? inquiry->error : inquiry->done ? 0 : inquiry->error;
}

/* False: it is not there now, or is another one than the one that has begun to answer. */
static bool ask(struct inquiry *inquiry)
{
	unsigned life = workers_life(inquiry->workers, inquiry->at);

	inquiry->asked =
		(!inquiry->status || inquiry->life == life) &&
		workers_send(inquiry->workers, inquiry->at, &inquiry->ask, sizeof(inquiry->ask));
	inquiry->life = life;
	return inquiry->asked;
}

int inquiry_run(struct workers *workers, enum verb verb, struct ctl_call *call)
{
	struct inquiry *inquiry = call->state;

	if (!inquiry) {
		inquiry = call->state = begin(workers, verb, call);
	}
	if (!inquiry) {
		return problem_set(&call->problem, -ENOMEM, "out of memory");
	}
	if (inquiry->answered) {
		return take_answer(inquiry);
	}
	while (inquiry->at < workers->count) {
		if (ask(inquiry)) {
			return CTL_LATER;
		}
		inquiry->status = 0;
		inquiry->at++;
		inquiry->error = problem_set(&call->problem, -EAGAIN, "%s", ended);
	}
	return inquiry->done && !is_list(verb) ? 0 : inquiry->error;
}

void inquiry_end(struct ctl_call *call)
{
	struct inquiry *inquiry = call->state;

	if (!inquiry) {
		return;
	}
	if (inquiry->asked || inquiry->status > 0) {
		inquiry->ask.kind = RECORD_ASK_NO_MORE;
		workers_send(inquiry->workers, inquiry->at, &inquiry->ask, sizeof(inquiry->ask));
	}
	DL_DELETE(inquiry->workers->inquiries, inquiry);
	free(inquiry->text);
	free(inquiry);
}

static void answer(struct inquiry *inquiry, int status, const char *text, size_t len)
{
	free(inquiry->text);
	inquiry->text = malloc(len + 1);
	inquiry->len = inquiry->text ? len : 0;
	if (inquiry->text) {
		memcpy(inquiry->text, text, len);
	}
	inquiry->status = inquiry->text ? status : -ENOMEM;
	inquiry->answered = true;
	ctl_resume(inquiry->call);
}

static bool awaits(const struct inquiry *inquiry, size_t worker)
{
	return inquiry->asked && !inquiry->answered && inquiry->at == worker;
}

void inquiry_take(struct workers *workers, size_t worker, const struct record_piece *piece)
{
	struct inquiry *inquiry;

	DL_SEARCH_SCALAR(workers->inquiries, inquiry, number, piece->inquiry);
	if (inquiry && awaits(inquiry, worker)) {
		answer(inquiry, piece->status, piece->text, piece->len);
	}
}

void inquiry_lose(struct workers *workers, size_t worker)
{
	struct inquiry *inquiry;

	DL_FOREACH (workers->inquiries, inquiry) {
		if (awaits(inquiry, worker)) {
			answer(inquiry, -EAGAIN, ended, sizeof(ended) - 1);
		}
	}
}
