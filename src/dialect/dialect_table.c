/*
 * dialect_table: owns the mounts: when each starts and stops. dialect_table_route.c has the way
 * from a URL path to one of them.
 */
#include "nakodo/dialect/dialect_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "dialect_entry.h"
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
	&dialect_pixel_streaming,
	&dialect_relay,
	&dialect_signal,
	&dialect_webtorrent,
	&dialect_y_webrtc,
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

/* The mount of another listener of its own, with which it has space and state in common. NULL:
 * none. */
static struct mount *find_together(
	const struct dialect_table *table, const struct dialect *dialect, const struct entry *but)
{
	struct entry *entry = dialect->own_together ? table->own : NULL;

	while (entry && (entry == but || entry->mount.dialect != dialect)) {
		entry = entry->next;
	}
	return entry ? &entry->mount : NULL;
}

static void space_destroy(const struct mount *mount, const struct mount *together)
{
	if (!together) {
		hub_space_destroy(mount->space);
	}
}

/* `text` is DIALECT[?PARAMETERS]; `key` is the path, or if it is a listener's own mount, that. */
static int entry_create(struct entry **ret, struct dialect_table *table, const char *key, bool own,
	const char *text, struct problem *problem)
{
	size_t name = strcspn(text, "?");
	const struct dialect *dialect = find(text, name);
	size_t size = strlen(text) + 1;
	const struct mount *together;
	struct entry *entry;
	int error;

	if (!dialect) {
		return no_such_dialect(text, name, problem);
	}
	together = own ? find_together(table, dialect, NULL) : NULL;
	entry = calloc(1, sizeof(*entry) + size + strlen(key) + 1);
	if (entry) {
		entry->mount.space = together ? together->space : hub_space_create(table->hub);
		entry->mount.state = together ? together->state : NULL;
	}
	if (!entry || !entry->mount.space) {
		free(entry);
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	memcpy(entry->text, text, size);
	memcpy(entry->text + size, key, strlen(key) + 1);
	entry->table = table;
	entry->key = entry->text + size;
	entry->mount.path = own ? NULL : entry->key;
	entry->mount.dialect = dialect;
	entry->mount.env = table->env;
	entry->mount.parameters = text[name] ? entry->text + name + 1 : "";
	error = dialect->start(&entry->mount, problem);
	if (error) {
		space_destroy(&entry->mount, together);
		free(entry);
		return error;
	}
	*ret = entry;
	return 0;
}

static void entry_destroy(struct entry *entry)
{
	if (entry->mount.dialect->stop) {
		entry->mount.dialect->stop(&entry->mount);
	}
	space_destroy(&entry->mount,
		entry->mount.path ? NULL
				  : find_together(entry->table, entry->mount.dialect, entry));
	free(entry);
}

static struct entry **list_of(struct entry *entry)
{
	return entry->mount.path ? &entry->table->mounts : &entry->table->own;
}

/* It goes when the options do not say it and nobody holds it. */
static void settle(struct entry *entry)
{
	if (!entry->said && !entry->users) {
		LL_DELETE(*list_of(entry), entry);
		entry_destroy(entry);
	}
}

/* The mount that is there by these words already, if only because somebody holds it: who comes back
 * to it finds who stayed. NULL: none. */
static struct entry *find_alike(struct entry *entries, const char *key, const char *text)
{
	struct entry *entry;

	LL_FOREACH(entries, entry)
	{
		if (!strcmp(entry->key, key) && !strcmp(entry->text, text)) {
			break;
		}
	}
	return entry;
}

/* Of the options: what is there stays, what is not is started. */
static int add_mount(
	struct dialect_table *table, const struct option_item *item, struct problem *problem)
{
	const char *equals = strchr(item->value, '=');
	struct entry *entry, *fresh = NULL;
	struct problem detail;
	char *path;
	int error;

	path = equals ? strndup(item->value, (size_t)(equals - item->value)) : NULL;
	if (!path) {
		return problem_set(problem, -EINVAL, "%s: mount `%s` is not PATH=DIALECT",
			item->where, item->value);
	}
	entry = find_alike(table->mounts, path, equals + 1);
	error = entry ? 0 : entry_create(&fresh, table, path, false, equals + 1, &detail);
	free(path);
	if (error) {
		return problem_set(problem, error, "%s: mount `%s`: %s", item->where, item->value,
			detail.text);
	}
	if (fresh) {
		LL_PREPEND(table->mounts, fresh);
		entry = fresh;
	}
	entry->saying = true;
	return 0;
}

int dialect_table_prepare(
	struct dialect_table *table, const struct option_list *mounts, struct problem *problem)
{
	int error = 0;

	for (size_t i = 0; !error && i < mounts->count; i++) {
		error = add_mount(table, &mounts->items[i], problem);
	}
	if (error) {
		dialect_table_settle(table);
	}
	return error;
}

/* The longest names of those that begin alike come first, as in a table made of the same options.
 */
static int compare(const struct entry *a, const struct entry *b)
{
	return strcmp(b->key, a->key);
}

void dialect_table_commit(struct dialect_table *table)
{
	struct entry *entry;

	LL_FOREACH(table->mounts, entry)
	{
		entry->said = entry->saying;
		entry->saying = false;
	}
	LL_SORT(table->mounts, compare);
}

void dialect_table_settle(struct dialect_table *table)
{
	struct entry *entry, *next;

	LL_FOREACH_SAFE(table->mounts, entry, next)
	{
		entry->saying = false;
		settle(entry);
	}
}

void dialect_table_hold(const struct mount *mount)
{
	((struct entry *)mount)->users++;
}

void dialect_table_let_go(const struct mount *mount)
{
	struct entry *entry = (struct entry *)mount;

	entry->users--;
	settle(entry);
}

int dialect_table_create(struct dialect_table **ret, struct hub *hub, const struct dialect_env *env,
	const struct option_list *mounts, struct problem *problem)
{
	struct dialect_table *table = calloc(1, sizeof(*table));
	int error;

	if (!table) {
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	table->hub = hub;
	table->env = env;
	error = dialect_table_prepare(table, mounts, problem);
	if (error) {
		dialect_table_destroy(table);
		return error;
	}
	dialect_table_commit(table);
	*ret = table;
	return 0;
}

static void entries_destroy(struct entry **entries)
{
	struct entry *entry;

	while ((entry = *entries)) {
		*entries = entry->next;
		entry_destroy(entry);
	}
}

void dialect_table_destroy(struct dialect_table *table)
{
	if (table) {
		entries_destroy(&table->mounts);
		entries_destroy(&table->own);
		free(table);
	}
}

const struct mount *dialect_table_own(struct dialect_table *table, const char *listener,
	const char *name, struct problem *problem)
{
	struct entry *entry = find_alike(table->own, listener, name);

	if (!entry) {
		if (entry_create(&entry, table, listener, true, name, problem)) {
			return NULL;
		}
		LL_PREPEND(table->own, entry);
	}
	entry->users++;
	return &entry->mount;
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

const struct mount *dialect_table_at(const struct dialect_table *table, size_t number)
{
	const struct entry *entry;

	LL_FOREACH(table->mounts, entry)
	{
		if (!number--) {
			return &entry->mount;
		}
	}
	LL_FOREACH(table->own, entry)
	{
		if (!number--) {
			return &entry->mount;
		}
	}
	return NULL;
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
		const struct mount *first = find_together(table, entry->mount.dialect, NULL);

		if (!first || first == &entry->mount) {
			mount_audit(&entry->mount, audit);
		}
	}
}
#endif
