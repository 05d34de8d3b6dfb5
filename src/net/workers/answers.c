/* answers: owns the answers that are given in more than one piece. */
#include "nakodo/net/workers/answers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/net/ctl/ctl.h"
#include "nakodo/net/workers/channel.h"
#include "nakodo/net/workers/record.h"

struct answer_under_way {
	struct answer_under_way *prev, *next;
	const struct ctl_action *action;
	struct ctl_call call;
	struct record_ask ask;
	char *text; /* what the last run has made, from `said` on still to be sent; NULL: nothing */
	size_t len, said;
	int status; /* of that run */
};

static void end(struct answers *answers, struct answer_under_way *answer)
{
	if (answer->action->end) {
		answer->action->end(&answer->call);
	}
	free(text_take(&answer->call.out, NULL));
	free(answer->text);
	DL_DELETE(answers->all, answer);
	free(answer);
}

static struct answer_under_way *find(const struct answers *answers, const struct record_ask *ask)
{
	struct answer_under_way *answer;

	DL_FOREACH (answers->all, answer) {
		if (answer->ask.inquiry == ask->inquiry) {
			return answer;
		}
	}
	return NULL;
}

static struct answer_under_way *begin(struct answers *answers, const struct record_ask *ask)
{
	struct answer_under_way *answer = calloc(1, sizeof(*answer));

	if (answer) {
		answer->ask = *ask;
		answer->action = &answers->actions[ask->verb];
		answer->call.argument = ask->has_argument ? answer->ask.argument : NULL;
		DL_APPEND(answers->all, answer);
	}
	return answer;
}

static void say(struct answers *answers, const struct record_ask *ask, int status, const char *text,
	size_t len)
{
	static struct record_piece piece;

	piece.kind = RECORD_PIECE;
	piece.inquiry = ask->inquiry;
	piece.status = status;
	piece.len = (uint32_t)len;
	memcpy(piece.text, text, piece.len);
	channel_send(
		answers->channel, &piece, offsetof(struct record_piece, text) + piece.len, NULL, 0);
}

/* Make the next piece. It may be empty, and is sent all the same: there are others to serve before
 * the next one is asked for. */
static void run(struct answers *answers, struct answer_under_way *answer)
{
	struct ctl_call *call = &answer->call;

	answer->status = answer->action->run(answers->cookie, call);
	if (answer->status < 0) {
		free(text_take(&call->out, NULL));
		text_add(&call->out, call->problem.text);
	}
	answer->said = 0;
	answer->text = text_take(&call->out, &answer->len);
	if (!answer->text) {
		answer->status = -ENOMEM;
		answer->len = 0;
	}
}

/* As much as a record takes, in whole lines: this may be the last that comes of it. */
static size_t part_of(const char *text, size_t len)
{
	const char *end = len > RECORD_TEXT ? memrchr(text, '\n', RECORD_TEXT) : NULL;

	return len <= RECORD_TEXT ? len : end ? (size_t)(end + 1 - text) : RECORD_TEXT;
}

/* True: that was the last one. */
static bool say_more(struct answers *answers, struct answer_under_way *answer)
{
	const char *text = answer->text ? answer->text + answer->said : "";
	size_t left = answer->len - answer->said, len = part_of(text, left);

	say(answers, &answer->ask, len < left ? 1 : answer->status, text, len);
	answer->said += len;
	if (answer->said == answer->len) {
		free(answer->text);
		answer->text = NULL;
	}
	return !answer->text && answer->status <= 0;
}

void answers_give(struct answers *answers, const struct record_ask *ask)
{
	struct answer_under_way *answer = find(answers, ask);

	answer = answer ? answer : begin(answers, ask);
	if (!answer) {
		say(answers, ask, -ENOMEM, "out of memory", strlen("out of memory"));
		return;
	}
	if (!answer->text) {
		run(answers, answer);
	}
	if (say_more(answers, answer)) {
		end(answers, answer);
	}
}

void answers_end(struct answers *answers, const struct record_ask *ask)
{
	struct answer_under_way *answer = find(answers, ask);

	if (answer) {
		end(answers, answer);
	}
}

void answers_finish(struct answers *answers)
{
	while (answers->all) {
		end(answers, answers->all);
	}
}
