/*
 * event_text: how one event looks, in JSON. docs/webhooks.md has its members.
 */
#pragma once

#include <stdint.h>

#include "nakodo/base/ids.h"

struct event;
struct text;

/* Who tells it. */
struct event_source {
	char run[IDS_ULID]; /* of this process, for ids that no other one gave */
	unsigned worker; /* its number among several, from 1; 0: it is the only one */
};

/* Write the event as of now. The run and `number` are its id together. */
void event_text_add(struct text *out, const struct event *event, const struct event_source *source,
	uint64_t number);
