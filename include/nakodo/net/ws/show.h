/*
 * show: `show-messages`, the connects and messages printed to standard output as small tutorial
 * servers do. For learning on one's own machine; the log never has payloads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct conn;

#define SHOW_MAX 200 /* bytes of a message that are shown */

void show_connect(const struct conn *conn);
void show_message(const struct conn *conn, const char *data, size_t len, bool binary);
