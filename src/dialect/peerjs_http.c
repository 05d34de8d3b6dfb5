/*
 * peerjs_http: the paths that belong to a mount, and the three plain requests: a new id, the list
 * of ids, the banner.
 *
 * Clients add peerjs (WebSocket) or KEY/id (HTTP) to the path that they were told. A mount /A is
 * that path. A mount /A/peerjs is it too, and is also where clients arrive who were told /A.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/ids.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/peerjs.h"

/* What follows PREFIX/ in the path; NULL: it does not begin so. */
static const char *behind(const char *path, const char *prefix, size_t len)
{
	return !strncmp(path, prefix, len) && path[len] == '/' ? path + len + 1 : NULL;
}

static const char *behind_mount(const struct mount *mount, const char *path)
{
	const char *prefix = mount->path && mount->path[1] ? mount->path : "";

	return behind(path, prefix, strlen(prefix));
}

static const char *behind_parent(const struct mount *mount, const char *path)
{
	static const char name[] = "/peerjs";
	size_t len = mount->path ? strlen(mount->path) : 0, tail = sizeof(name) - 1;

	if (len < tail || strcmp(mount->path + len - tail, name) != 0) {
		return NULL;
	}
	return behind(path, mount->path, len - tail);
}

bool peerjs_match(const struct mount *mount, const char *path, const char **ret_room)
{
	const char *rest = behind_mount(mount, path), *other = behind_parent(mount, path);

	*ret_room = "";
	return (rest && !strcmp(rest, "peerjs")) || (other && !strcmp(other, "peerjs"));
}

static void answer(struct dialect_answer *ret, int status, const char *type, char *owned)
{
	ret->status = owned ? status : 503;
	ret->type = type;
	ret->body = ret->owned = owned;
	ret->len = owned ? strlen(owned) : 0;
}

static char *new_id(const struct peerjs_realm *realm)
{
	char id[IDS_UUID];

	do {
		ids_uuid(id);
	} while (peerjs_realm_find(realm, id));
	return strdup(id);
}

static const char *quoted_id(const struct member *member)
{
	const struct peerjs_client *client = member->peer->state_of_dialect;

	return client->quoted;
}

static char *list_ids(const struct peerjs_realm *realm)
{
	struct room *room = hub_room(realm->space, "");
	struct member *members = room ? room->members : NULL, *member;
	size_t size = sizeof("[]");
	char *text, *at;

	DL_FOREACH (members, member) {
		size += strlen(quoted_id(member)) + 1;
	}
	text = malloc(size);
	if (!text) {
		return NULL;
	}
	at = text;
	*at++ = '[';
	DL_FOREACH (members, member) {
		if (member != members) {
			*at++ = ',';
		}
		at = stpcpy(at, quoted_id(member));
	}
	memcpy(at, "]", sizeof("]"));
	return text;
}

/* `what` is what stands behind the key. */
static bool answer_key(const struct mount *mount, const char *what,
	const struct dialect_request *request, struct dialect_answer *ret)
{
	const struct peerjs_realm *realm = mount->state;
	const struct grant *grant;
	bool id = !strcmp(what, "/id");

	if (!id && strcmp(what, "/peers") != 0) {
		return false;
	}
	if (request->preflight) {
		ret->status = 204;
	} else if (id) {
		answer(ret, 200, "text/html; charset=utf-8", new_id(realm));
	} else if (!realm->discovery) {
		answer(ret, 401, "text/plain; charset=utf-8", strdup("Unauthorized"));
	} else if (!request->may_join || request->may_join(request->cookie, mount, "", &grant)) {
		answer(ret, 200, "application/json; charset=utf-8", list_ids(realm));
	}
	return true;
}

static bool answer_banner(
	const struct mount *mount, const char *path, bool preflight, struct dialect_answer *ret)
{
	static const char banner[] = "{\"name\":\"nakodo\",\"description\":\"Signaling for PeerJS "
				     "clients.\",\"website\":\"https://peerjs.com/\"}";
	const char *rest = behind_mount(mount, path);
	bool here = (rest && !*rest) || (mount->path && !strcmp(path, mount->path));

	/* A mount / shares its path with the daemon's own page. */
	if (!here || (mount->path && !mount->path[1])) {
		return false;
	}
	if (preflight) {
		ret->status = 204;
	} else {
		answer(ret, 200, "application/json; charset=utf-8", strdup(banner));
	}
	return true;
}

bool peerjs_http(const struct mount *mount, const struct dialect_request *request,
	struct dialect_answer *ret)
{
	const struct peerjs_realm *realm = mount->state;
	const char *rest = behind_mount(mount, request->path);
	const char *other = behind_parent(mount, request->path);
	size_t key = rest ? strcspn(rest, "/") : 0;

	ret->cors = true;
	if (key && answer_key(mount, rest + key, request, ret)) {
		return true;
	}
	/* Beside the mount others live: there not every word is taken for a key. */
	key = other ? strcspn(other, "/") : 0;
	if (key &&
		((key == strlen("peerjs") && !strncmp(other, "peerjs", key)) ||
			(key == strlen(realm->key) && !strncmp(other, realm->key, key))) &&
		answer_key(mount, other + key, request, ret)) {
		return true;
	}
	return answer_banner(mount, request->path, request->preflight, ret);
}
