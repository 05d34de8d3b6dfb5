/*
 * nakodo_v1_mount: the life of a mount of nakodo.v1; what dialect.h says of these.
 */
#pragma once

#include <stdbool.h>

struct mount;
struct problem;

int nakodo_v1_mount_start(struct mount *mount, struct problem *problem);
void nakodo_v1_mount_adapt(struct mount *mount);
void nakodo_v1_mount_stop(struct mount *mount);
/* Every path below the mount's, so that a name with a slash is refused in words. */
bool nakodo_v1_mount_match(const struct mount *mount, const char *path, const char **ret_room);
