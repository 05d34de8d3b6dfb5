/*
 * silence: who gives up its id to one who comes under the same.
 */
#pragma once

#include <stdbool.h>

struct options;
struct peer;

/* Is the peer so silent that its client has probably lost this connection, and come again? Who is
 * idle is pinged, and whoever is there answers before that. */
bool silence_is_long(const struct peer *peer, const struct options *options);
