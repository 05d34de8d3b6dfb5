/* dialect_table_route: owns the way from a URL path to a mount. */
#include <string.h>
#include <utlist.h>

#include "dialect_entry.h"
#include "nakodo/dialect/dialect_table.h"

/* What stands behind the mount's path if that is nothing or one segment, else NULL. */
static const char *room_behind(const struct mount *mount, const char *path)
{
	size_t len = strlen(mount->path);

	if (!strcmp(mount->path, "/")) {
		return path[0] == '/' && !path[1] ? "" : NULL;
	}
	if (strncmp(path, mount->path, len) || (path[len] && path[len] != '/')) {
		return NULL;
	}
	path += len + (path[len] == '/');
	if (strchr(path, '/') || (*path && !mount->dialect->room_in_path)) {
		return NULL;
	}
	return path;
}

const struct mount *dialect_table_route(
	const struct dialect_table *table, const char *path, const char **ret_room)
{
	const struct mount *best = NULL;
	struct entry *entry;

	LL_FOREACH(table->mounts, entry)
	{
		const char *room = NULL;

		if (!entry->said) {
			continue;
		}
		if (entry->mount.dialect->match) {
			if (!entry->mount.dialect->match(&entry->mount, path, &room)) {
				room = NULL;
			}
		} else {
			room = room_behind(&entry->mount, path);
		}

		if (room && (!best || strlen(entry->mount.path) > strlen(best->path))) {
			best = &entry->mount;
			*ret_room = room;
		}
	}
	return best;
}

const struct mount *dialect_table_route_own(
	const struct mount *mount, const char *path, const char **ret_room)
{
	const char *room = *path == '/' ? path + 1 : path;

	if (mount->dialect->match) {
		return mount->dialect->match(mount, path, ret_room) ? mount : NULL;
	}
	/* Such a listener stands in for another server, whose clients bring paths of their own. */
	if (mount->dialect->room_in_path && strchr(room, '/')) {
		return NULL;
	}
	*ret_room = mount->dialect->room_in_path ? room : "";
	return mount;
}

bool dialect_table_http(const struct dialect_table *table, const struct mount *own,
	const struct dialect_request *request, struct dialect_answer *ret)
{
	const struct entry *entry;

	if (own) {
		return own->dialect->http && own->dialect->http(own, request, ret);
	}
	LL_FOREACH(table->mounts, entry)
	{
		if (entry->said && entry->mount.dialect->http &&
			entry->mount.dialect->http(&entry->mount, request, ret)) {
			return true;
		}
	}
	return false;
}

const char *dialect_table_key(const struct mount *mount)
{
	const struct entry *entry =
		(const struct entry *)(const void *)((const char *)mount -
						     offsetof(struct entry, mount));

	return mount->path ? entry->key : mount->dialect->name;
}

static struct mount *find_by_key(struct entry *list, const char *key, size_t len)
{
	struct entry *entry;

	LL_FOREACH(list, entry)
	{
		const char *own = dialect_table_key(&entry->mount);

		if (strlen(own) == len && !memcmp(own, key, len)) {
			return &entry->mount;
		}
	}
	return NULL;
}

struct mount *dialect_table_mount(
	const struct dialect_table *table, const char *key, size_t len, const struct mount *after)
{
	struct entry *first = table->mounts;

	if (after) {
		first = ((const struct entry *)(const void *)((const char *)after -
							      offsetof(struct entry, mount)))
				->next;
	}
	return find_by_key(first, key, len);
}

const struct dialect *dialect_table_by_key(
	const struct dialect_table *table, const char *key, size_t len)
{
	const struct mount *mount = find_by_key(table->mounts, key, len);

	mount = mount ? mount : find_by_key(table->own, key, len);
	return mount ? mount->dialect : NULL;
}

/* Asked as if a browser asked whether it may ask, which changes nothing. */
const struct mount *dialect_table_answering(const struct dialect_table *table, const char *path)
{
	static const char *const none[] = {NULL};
	const struct dialect_request request = {.path = path, .arguments = none, .preflight = true};
	const struct entry *entry;

	LL_FOREACH(table->mounts, entry)
	{
		struct dialect_answer answer = {0};

		if (entry->said && entry->mount.dialect->http &&
			entry->mount.dialect->http(&entry->mount, &request, &answer)) {
			return &entry->mount;
		}
	}
	return NULL;
}
