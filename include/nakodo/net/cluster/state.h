/*
 * state: what Redis has of a unit, for the worker that restores it: a file in memory, of the form
 * of base/save.h.
 */
#pragma once

#include <stdint.h>

struct redisReply;

/* `fields`: names and bytes in turns, as HGETALL tells. The descriptor of the file, or -errno;
 * -ENOENT: there is nothing. */
int state_make(const struct redisReply *fields);
/* Since which epoch it is recorded. 0: that is not said. */
uint64_t state_epoch(const struct redisReply *fields);
