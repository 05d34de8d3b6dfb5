/*
 * answers: what an administrator asks by the first process (inquiry.h), in a worker.
 */
#pragma once

#include <stddef.h>

struct answer_under_way;
struct channel;
struct ctl_action;
struct record_ask;

struct answers {
	const struct ctl_action *actions; /* by enum verb, */
	void *cookie; /* which they are given */
	struct channel *channel;
	struct answer_under_way *all; /* utlist DL */
};

/* Make the next piece, and send it. */
void answers_give(struct answers *answers, const struct record_ask *ask);
/* Nobody asks any more. */
void answers_end(struct answers *answers, const struct record_ask *ask);
void answers_finish(struct answers *answers);
