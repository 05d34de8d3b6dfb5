/*
 * mount: one place where a dialect is spoken, and the settings that the options give it there.
 */
#pragma once

#include <stdbool.h>

struct dialect;
struct dialect_env;
struct hub_space;
struct problem;

/* `PATH=DIALECT?PARAMETERS`, or a listener of its own. */
struct mount {
	const char *path; /* "/" or "/a/b"; NULL: a listener's whole URL space */
	const struct dialect *dialect;
	const char *parameters; /* in the form of base/query; "" when there are none */
	struct hub_space *space;
	const struct dialect_env *env;
	void *state; /* the dialect's own for this mount, from start to stop */
};

/* Does the mount have no parameters but those named (NULL at the end)? 0, or -EINVAL with a
 * sentence. */
int mount_check(const struct mount *mount, const char *const *names, struct problem *problem);
/* Is that room of it served by this process (dialect_env.serves)? */
bool mount_serves(const struct mount *mount, const char *room);
