/*
 * rooms: two participants in a room of their own.
 */
#pragma once

struct cJSON;
struct probing;
struct stream;

/* Join over the stream, which is closed, and over a second connection, send a message there and
 * back, look at the server's clock, and report each. `*ret_ice`: the STUN and TURN servers that
 * the server told of, freed by cJSON_Delete(); NULL: it came to nothing. */
void rooms_try(struct probing *probing, const struct stream *stream, struct cJSON **ret_ice);
