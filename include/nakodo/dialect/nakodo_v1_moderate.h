/*
 * nakodo_v1_moderate: who may come in and who has to go: a room's lock, and kicking.
 *
 * Where tokens are asked for, both are for those whose token says `moderate`. Elsewhere whoever is
 * inside may lock, and nobody may kick, since a name proves nothing. A room is locked if its first
 * seat says so. When that one leaves, the next says so (nakodo_v1_seat_destroy()), so a lock ends
 * with its room.
 */
#pragma once

#include <stdbool.h>

#include "nakodo/dialect/nakodo_v1_call.h"

struct grant;
struct peer;
struct room;
struct text;

bool nakodo_v1_is_locked(const struct room *room); /* NULL: nobody is there, so it is not */
bool nakodo_v1_is_moderator(const struct grant *grant); /* NULL: not */
/* Write "locked":…,"can":[…] for the one who sits there and is connected. */
void nakodo_v1_moderate_print(const struct nakodo_v1_seat *seat, struct text *out);

/* dialect.lock: all who are there hear it, and that nobody of them did it. */
void nakodo_v1_moderate_set(struct room *room, bool locked);
/* dialect.kick */
void nakodo_v1_moderate_remove(struct peer *peer);
/* The messages `lock` and `kick`; `peer` is whom `to` names, NULL: nobody. */
struct nakodo_v1_fault nakodo_v1_moderate_lock(const struct nakodo_v1_call *call);
struct nakodo_v1_fault nakodo_v1_moderate_kick(
	const struct nakodo_v1_call *call, struct nakodo_v1_seat *peer);
