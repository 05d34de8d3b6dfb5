/*
 * nakodo_v1_saved: what outlives the process: each seat with its session, what waits in it and the
 * tokens that it is found by (as hashes), in the order in which they came to their rooms, and what
 * was chatted.
 */
#pragma once

#include <stdint.h>

struct mount;
struct save;
struct saved;

/* dialect.save, .restore and .forget. */
void nakodo_v1_save(const struct mount *mount, struct save *save);
int nakodo_v1_restore(struct mount *mount, struct saved *saved, uint64_t elapsed);
void nakodo_v1_forget(struct mount *mount);
