/*
 * dialect_table: owns the mounts and the way from a URL path to one of them.
 */
#include "nakodo/dialect/dialect_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/saved.h"
#include "nakodo/dialect/mount_audit.h"

/* Keep alphabetical. */
static const struct dialect *const dialects[] = {
	&dialect_ayame,
	&dialect_chat,
	&dialect_echo,
	&dialect_gstreamer,
	&dialect_libdatachannel,
	&dialect_matchbox,
	&dialect_nakodo_v1,
	&dialect_named_room,
	&dialect_peerjs,
	&dialect_relay,
	&dialect_signal,
	&dialect_webtorrent,
	&dialect_y_webrtc,
};

struct entry {
	struct mount mount;
	struct entry *next;
	const char *key; /* the path, or the listener whose own it is */
	char text[]; /* what the mount's strings point into */
};

struct dialect_table {
	struct hub *hub;
	const struct dialect_env *env;
	struct entry *mounts, *own;
};

static const struct dialect *find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(dialects) / sizeof(*dialects); i++) {
		if (strlen(dialects[i]->name) == len && !memcmp(dialects[i]->name, name, len)) {
			return dialects[i];
		}
	}
	return NULL;
}

static int no_such_dialect(const char *name, size_t len, struct problem *problem)
{
	char known[256] = "";

	for (size_t i = 0; i < sizeof(dialects) / sizeof(*dialects); i++) {
		if (i) {
			strncat(known, ", ", sizeof(known) - strlen(known) - 1);
		}
		strncat(known, dialects[i]->name, sizeof(known) - strlen(known) - 1);
	}
	return problem_set(problem, -EINVAL, "there is no dialect `%.*s`; there are: %s", (int)len,
		name, known);
}

/* `text` is DIALECT[?PARAMETERS]; `key` is the path, or if it is a listener's own mount, that. */
static int entry_create(struct entry **ret, const struct dialect_table *table, const char *key,
	bool own, const char *text, struct problem *problem)
{
	size_t name = strcspn(text, "?");
	const struct dialect *dialect = find(text, name);
	size_t size = strlen(text) + 1;
	struct entry *entry;
	int error;

	if (!dialect) {
		return no_such_dialect(text, name, problem);
	}
	entry = calloc(1, sizeof(*entry) + size + strlen(key) + 1);
	if (!entry || !(entry->mount.space = hub_space_create(table->hub))) {
		free(entry);
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	memcpy(entry->text, text, size);
	memcpy(entry->text + size, key, strlen(key) + 1);
	entry->key = entry->text + size;
	entry->mount.path = own ? NULL : entry->key;
	entry->mount.dialect = dialect;
	entry->mount.env = table->env;
	entry->mount.parameters = text[name] ? entry->text + name + 1 : "";
	error = dialect->start(&entry->mount, problem);
	if (error) {
		free(entry);
		return error;
	}
	*ret = entry;
	return 0;
}

static int add_mount(
	struct dialect_table *table, const struct option_item *item, struct problem *problem)
{
	const char *equals = strchr(item->value, '=');
	struct problem detail;
	struct entry *entry = NULL;
	char *path;
	int error;

	path = equals ? strndup(item->value, (size_t)(equals - item->value)) : NULL;
	if (!path) {
		return problem_set(problem, -EINVAL, "%s: mount `%s` is not PATH=DIALECT",
			item->where, item->value);
	}
	error = entry_create(&entry, table, path, false, equals + 1, &detail);
	free(path);
	if (error) {
		return problem_set(problem, error, "%s: mount `%s`: %s", item->where, item->value,
			detail.text);
	}
	LL_PREPEND(table->mounts, entry);
	return 0;
}

int dialect_table_create(struct dialect_table **ret, struct hub *hub, const struct dialect_env *env,
	const struct option_list *mounts, struct problem *problem)
{
	struct dialect_table *table = calloc(1, sizeof(*table));
	int error = 0;

	if (!table) {
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	table->hub = hub;
	table->env = env;
	for (size_t i = 0; !error && i < mounts->count; i++) {
		error = add_mount(table, &mounts->items[i], problem);
	}
	if (error) {
		dialect_table_destroy(table);
		return error;
	}
	*ret = table;
	return 0;
}

static void entries_destroy(struct entry *entries)
{
	struct entry *entry, *next;

	LL_FOREACH_SAFE(entries, entry, next)
	{
		if (entry->mount.dialect->stop) {
			entry->mount.dialect->stop(&entry->mount);
		}
		free(entry);
	}
}

void dialect_table_destroy(struct dialect_table *table)
{
	if (table) {
		entries_destroy(table->mounts);
		entries_destroy(table->own);
		free(table);
	}
}

const struct mount *dialect_table_own(struct dialect_table *table, const char *listener,
	const char *name, struct problem *problem)
{
	struct entry *entry = NULL;

	if (entry_create(&entry, table, listener, true, name, problem)) {
		return NULL;
	}
	LL_PREPEND(table->own, entry);
	return &entry->mount;
}

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
		if (entry->mount.dialect->http &&
			entry->mount.dialect->http(&entry->mount, request, ret)) {
			return true;
		}
	}
	return false;
}

static void weigh(const struct entry *entries, struct shortage *shortage)
{
	const struct entry *entry;

	LL_FOREACH(entries, entry)
	{
		if (entry->mount.dialect->weigh) {
			entry->mount.dialect->weigh(&entry->mount, shortage);
		}
	}
}

static void adapt(struct entry *entries)
{
	struct entry *entry;

	LL_FOREACH(entries, entry)
	{
		if (entry->mount.dialect->adapt) {
			entry->mount.dialect->adapt(&entry->mount);
		}
	}
}

void dialect_table_adapt(struct dialect_table *table)
{
	adapt(table->mounts);
	adapt(table->own);
}

void dialect_table_weigh(const struct dialect_table *table, struct shortage *shortage)
{
	weigh(table->mounts, shortage);
	weigh(table->own, shortage);
}

static void shed(struct entry *entries, struct shortage *shortage)
{
	struct entry *entry;

	LL_FOREACH(entries, entry)
	{
		if (entry->mount.dialect->shed) {
			entry->mount.dialect->shed(&entry->mount, shortage);
		}
	}
}

void dialect_table_shed(struct dialect_table *table, struct shortage *shortage)
{
	shed(table->mounts, shortage);
	shed(table->own, shortage);
}

static bool give_way(struct entry *entries, const struct address *newcomer)
{
	struct entry *entry;

	LL_FOREACH(entries, entry)
	{
		if (entry->mount.dialect->give_way &&
			entry->mount.dialect->give_way(&entry->mount, newcomer)) {
			return true;
		}
	}
	return false;
}

bool dialect_table_give_way(struct dialect_table *table, const struct address *newcomer)
{
	return give_way(table->mounts, newcomer) || give_way(table->own, newcomer);
}

static void save_entries(const struct entry *entries, struct save *save)
{
	const struct entry *entry;

	LL_FOREACH(entries, entry)
	{
		if (entry->mount.dialect->save) {
			save_begin(save, SAVE_MOUNT);
			save_number(save, !entry->mount.path);
			save_text(save, entry->key);
			save_text(save, entry->mount.dialect->name);
			save_end(save);
			entry->mount.dialect->save(&entry->mount, save);
			save_begin(save, SAVE_MOUNT_END);
			save_end(save);
		}
	}
}

void dialect_table_save(const struct dialect_table *table, struct save *save)
{
	save_entries(table->mounts, save);
	save_entries(table->own, save);
}

/* The mount of which that record is. NULL: there is none like that any more. */
static struct mount *find_saved(const struct dialect_table *table, struct saved *saved)
{
	bool own = saved_number_up_to(saved, 1);
	const char *key = saved_text(saved), *name = saved_text(saved);
	struct entry *entry = own ? table->own : table->mounts;

	saved->bad |= !key || !name;
	for (; entry && !saved->bad; entry = entry->next) {
		if (!strcmp(entry->key, key) && !strcmp(entry->mount.dialect->name, name) &&
			entry->mount.dialect->restore) {
			return &entry->mount;
		}
	}
	return NULL;
}

static void pass_over(struct saved *saved)
{
	while (saved_next(saved) && saved->kind != SAVE_MOUNT_END) {
		saved_skip(saved);
	}
}

static void forget(struct entry *entries)
{
	struct entry *entry;

	LL_FOREACH(entries, entry)
	{
		if (entry->mount.dialect->forget) {
			entry->mount.dialect->forget(&entry->mount);
		}
	}
}

int dialect_table_restore(struct dialect_table *table, struct saved *saved, uint64_t elapsed)
{
	struct mount *mount;
	int error = 0;

	while (!error && saved_next(saved)) {
		saved->bad |= saved->kind != SAVE_MOUNT;
		mount = find_saved(table, saved);
		if (mount) {
			error = mount->dialect->restore(mount, saved, elapsed);
		} else {
			pass_over(saved);
		}
		saved->bad |= !error && saved->kind != SAVE_MOUNT_END;
	}
	error = error ? error : saved->bad ? -EBADMSG : 0;
	if (error) {
		forget(table->mounts);
		forget(table->own);
	}
	return error;
}

#ifdef NAKODO_AUDIT
void dialect_table_audit(const struct dialect_table *table, struct audit *audit)
{
	const struct entry *entry;

	LL_FOREACH(table->mounts, entry)
	{
		mount_audit(&entry->mount, audit);
	}
	LL_FOREACH(table->own, entry)
	{
		mount_audit(&entry->mount, audit);
	}
}
#endif
