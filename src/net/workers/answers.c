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
};

static void end(struct answers *answers, struct answer_under_way *answer)
{
	if (answer->action->end) {
		answer->action->end(&answer->call);
	}
	free(text_take(&answer->call.out, NULL));
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
	piece.len = (uint32_t)(len < RECORD_TEXT ? len : RECORD_TEXT);
	memcpy(piece.text, text, piece.len);
	channel_send(
		answers->channel, &piece, offsetof(struct record_piece, text) + piece.len, NULL, 0);
}

void answers_give(struct answers *answers, const struct record_ask *ask)
{
	struct answer_under_way *answer = find(answers, ask);
	size_t len = 0;
	char *text;
	int status;

	answer = answer ? answer : begin(answers, ask);
	if (!answer) {
		say(answers, ask, -ENOMEM, "out of memory", strlen("out of memory"));
		return;
	}
	do {
		status = answer->action->run(answers->cookie, &answer->call);
	} while (status > 0 && !answer->call.out.len && !answer->call.out.failed);
	if (status < 0) {
		say(answers, ask, status, answer->call.problem.text,
			strlen(answer->call.problem.text));
	} else {
		text = text_take(&answer->call.out, &len);
		say(answers, ask, text || !len ? status : -ENOMEM, text ? text : "", len);
		free(text);
	}
	if (status <= 0) {
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
