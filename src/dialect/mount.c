/* mount: see the header. */
#include "nakodo/dialect/mount.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect.h"

static bool is_known(const char *name, size_t len, const char *const *names)
{
	for (; *names; names++) {
		if (len == strlen(*names) && !memcmp(name, *names, len)) {
			return true;
		}
	}
	return false;
}

int mount_check(const struct mount *mount, const char *const *names, struct problem *problem)
{
	for (const char *at = mount->parameters; *at;) {
		size_t size = strcspn(at, "&"), len = strcspn(at, "=&");

		if (size && !is_known(at, len, names)) {
			return problem_set(problem, -EINVAL, "%s has no parameter `%.*s`",
				mount->dialect->name, (int)len, at);
		}
		at += size + (at[size] == '&');
	}
	return 0;
}

bool mount_serves(const struct mount *mount, const char *room)
{
	const struct dialect_env *env = mount->env;

	return !env->serves || env->serves(env->cookie, mount, room);
}
