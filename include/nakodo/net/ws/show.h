/*
 * show: what is printed to standard output: where the server is reached, and with `show-messages`
 * the connects and messages, as small tutorial servers do. That is for learning on one's own
 * machine; the log never has payloads.
 *
 * Nothing waits for who reads it: lines that do not fit are left out and counted
 * (METER_SHOW_DROPPED), and the next one that does is `(N lines left out)`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/sink.h"

struct conn;

#define SHOW_MAX 200 /* bytes of a message that are shown */

struct show {
	struct sink sink;
	uint64_t dropped; /* lines that the output has not told of yet */
	bool messages; /* show-messages */
};

void show_init(struct show *show, bool messages);
void show_finish(struct show *show);
/* Lines, together as far as one write can be. */
void show_text(struct show *show, const char *text);
/* The next two do nothing without show-messages. */
void show_connect(struct show *show, const struct conn *conn);
void show_message(
	struct show *show, const struct conn *conn, const char *data, size_t len, bool binary);
