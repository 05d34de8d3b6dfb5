/*
 * event_text: how one event looks, in JSON. docs/webhooks.md has its members.
 */
#pragma once

#include <stdint.h>

struct event;
struct text;

/* Write the event as of now. `run` and `number` are its id together. */
void event_text_add(struct text *out, const struct event *event, const char *run, uint64_t number);
