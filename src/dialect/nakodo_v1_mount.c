/* nakodo_v1_mount: owns what a mount has for all who are there. */
#include "nakodo/dialect/nakodo_v1_mount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/nakodo_v1_ice.h"
#include "nakodo/dialect/nakodo_v1_saved.h"

void nakodo_v1_mount_adapt(struct mount *mount)
{
	const struct options *options = mount->env->options;
	struct nakodo_v1 *v1 = mount->state;

	v1->limits.messages = options->resume_messages;
	v1->limits.bytes = options->resume_bytes;
	hub_space_set_room_members(mount->space, options->room_peers);
	nakodo_v1_ice_adapt(v1);
}

int nakodo_v1_mount_start(struct mount *mount, struct problem *problem)
{
	struct nakodo_v1 *v1;

	if (mount_check(mount, (const char *const[]){NULL}, problem)) {
		return -EINVAL;
	}
	v1 = calloc(1, sizeof(*v1));
	if (!v1) {
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	v1->mount = mount;
	v1->hub = hub_of_space(mount->space);
	mount->state = v1;
	nakodo_v1_mount_adapt(mount);
	return 0;
}

void nakodo_v1_mount_stop(struct mount *mount)
{
	struct nakodo_v1 *v1 = mount->state;

	nakodo_v1_forget(mount);
	hub_clear_timer(v1->hub, &v1->renewal);
	free(v1->bytes.at);
	free(v1);
}

bool nakodo_v1_mount_match(const struct mount *mount, const char *path, const char **ret_room)
{
	size_t len = mount->path && strcmp(mount->path, "/") ? strlen(mount->path) : 0;

	if ((len && strncmp(path, mount->path, len) != 0) || (path[len] && path[len] != '/')) {
		return false;
	}
	*ret_room = path + len + (path[len] == '/');
	return true;
}
