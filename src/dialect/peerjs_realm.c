/* peerjs_realm: owns the state of a mount, from its parameters to the queue. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/problem.h"
#include "nakodo/base/query.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/peerjs.h"

#define ALIVE_TIMEOUT 120000 /* ms */
#define EXPIRE_TIMEOUT 5000 /* ms */
#define CONCURRENT_LIMIT 5000

static const char *const names[] = {
	"key", "allow-discovery", "concurrent-limit", "expire-timeout", "alive-timeout", NULL};

struct member *peerjs_realm_find(const struct peerjs_realm *realm, const char *id)
{
	struct room *room = hub_room(realm->space, "");

	return room ? hub_find(room, id) : NULL;
}

/* A parameter of the mount as a number in [min, max]; *ret is kept if it is not there. */
static int read_number(const struct mount *mount, const char *name, uint64_t min, uint64_t max,
	uint64_t *ret, struct problem *problem)
{
	char text[16];
	long len = query_get(mount->parameters, name, text, sizeof(text));
	uint64_t number = 0;

	if (len == -ENOENT) {
		return 0;
	}
	for (long i = 0; i < len; i++) { /* fifteen digits do not overflow */
		if (text[i] < '0' || text[i] > '9') {
			len = -EINVAL;
		} else {
			number = number * 10 + (uint64_t)(text[i] - '0');
		}
	}
	if (len < 1 || number < min || number > max) {
		return problem_set(problem, -EINVAL, "%s must be a number from %ju to %ju", name,
			(uintmax_t)min, (uintmax_t)max);
	}
	*ret = number;
	return 0;
}

static int read_texts(
	const struct mount *mount, struct peerjs_realm *realm, struct problem *problem)
{
	char text[8] = "no";
	long len = query_get(mount->parameters, "key", realm->key, sizeof(realm->key));

	if (len == -ENOENT) {
		memcpy(realm->key, "peerjs", sizeof("peerjs"));
	} else if (len < 1) {
		return problem_set(problem, -EINVAL, "key must have 1 to %d bytes", HUB_NAME_MAX);
	}
	len = query_get(mount->parameters, "allow-discovery", text, sizeof(text));
	realm->discovery = !strcmp(text, "yes");
	if (len != -ENOENT && (len < 0 || (!realm->discovery && strcmp(text, "no") != 0))) {
		return problem_set(problem, -EINVAL, "allow-discovery must be yes or no");
	}
	return 0;
}

static int read_parameters(const struct mount *mount, struct peerjs_realm *realm,
	uint64_t *ret_limit, uint64_t *ret_expire, struct problem *problem)
{
	int error = mount_check(mount, names, problem);

	error = error ? error : read_texts(mount, realm, problem);
	error = error ? error
		      : read_number(mount, "concurrent-limit", 1, 1000000, ret_limit, problem);
	error = error ? error
		      : read_number(mount, "expire-timeout", 1, 600000, ret_expire, problem);
	return error ? error
		     : read_number(mount, "alive-timeout", 1, 86400000, &realm->alive, problem);
}

int peerjs_realm_create(struct peerjs_realm **ret, const struct mount *mount,
	peerjs_expire_fn *expire, struct problem *problem)
{
	struct peerjs_realm *realm = calloc(1, sizeof(*realm));
	uint64_t limit = CONCURRENT_LIMIT, lifetime = EXPIRE_TIMEOUT;
	int error;

	if (!realm) {
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	realm->mount = mount;
	realm->space = mount->space;
	realm->alive = ALIVE_TIMEOUT;
	error = read_parameters(mount, realm, &limit, &lifetime, problem);
	if (!error) {
		realm->queue =
			peerjs_queue_create(hub_of_space(mount->space), lifetime, expire, realm);
		error = realm->queue ? 0 : problem_set(problem, -ENOMEM, "out of memory");
	}
	if (error) {
		free(realm);
		return error;
	}
	hub_space_set_room_members(mount->space, limit);
	*ret = realm;
	return 0;
}

void peerjs_realm_destroy(struct peerjs_realm *realm)
{
	peerjs_queue_destroy(realm->queue);
	free(realm);
}
