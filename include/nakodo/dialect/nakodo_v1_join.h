/*
 * nakodo_v1_join: the way into a room and back into it.
 */
#pragma once

#include <stdbool.h>

struct mount;
struct peer;
struct request;

/* dialect.open and .is_awaited; the first again for a guest that has shown a token. */
void nakodo_v1_join(struct peer *peer, const struct request *request);
bool nakodo_v1_is_awaited(const struct mount *mount, const struct request *request);
