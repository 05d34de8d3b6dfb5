/*
 * rules: what must be true of the hub between any two steps, whatever clients do.
 */
#pragma once

#include <stdbool.h>

struct frame;
struct room;

/* Not assert(): it must hold in every kind of build. */
void rules_require(bool truth);
/* One whole frame of the server with a payload that is allowed in it. Is it a close frame? */
bool rules_frame(const struct frame *frame);
/* A room that is not empty, its members and, in nakodo.v1, their sessions. */
void rules_room(struct room *room);
