/*
 * inquiry: what `nakodo ctl` asks the first process and only its workers know. They are asked one
 * after the other, each for a piece at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "nakodo/net/ctl/verb.h"

struct ctl_call;
struct inquiry;
struct record_piece;
struct workers;

/* As ctl_action.run and .end. Lists are those of all workers; else it is done if one can do it. */
int inquiry_run(struct workers *workers, enum verb verb, struct ctl_call *call);
void inquiry_end(struct ctl_call *call);

/* For workers.c: a worker has answered; it has ended. */
void inquiry_take(struct workers *workers, size_t worker, const struct record_piece *piece);
void inquiry_lose(struct workers *workers, size_t worker);
