/*
 * nakodo_v1_shed: what is given up when memory is short. First what was chatted where nobody is,
 * then in the other rooms. Of those who lost their connection, first those go whose client never
 * showed that it can resume, then the others; of both, the oldest first.
 */
#pragma once

#include <stddef.h>

struct mount;
struct peer;
struct shortage;

/* dialect.weigh, .shed, .kept and .forsake. */
void nakodo_v1_weigh(const struct mount *mount, struct shortage *shortage);
void nakodo_v1_shed(struct mount *mount, struct shortage *shortage);
size_t nakodo_v1_kept(const struct peer *peer);
void nakodo_v1_forsake(struct peer *peer);
