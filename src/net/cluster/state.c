/* state: see the header. */
#include "nakodo/net/cluster/state.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nakodo/base/save.h"
#include "nakodo/dialect/changes.h"

struct field {
	const struct redisReply *name, *bytes;
};

static int compare(const void *one, const void *other)
{
	const struct field *a = one, *b = other;

	return strcmp(a->name->str, b->name->str);
}

static bool is_field(const struct redisReply *name, const struct redisReply *bytes)
{
	return name->type == REDIS_REPLY_STRING && bytes->type == REDIS_REPLY_STRING &&
	       changes_kind(name->str, (size_t)name->len) != SAVE_LAST;
}

static size_t sort(const struct redisReply *fields, struct field *ret)
{
	size_t count = 0;

	for (size_t i = 0; i + 1 < fields->elements; i += 2) {
		if (is_field(fields->element[i], fields->element[i + 1])) {
			ret[count++] = (struct field){fields->element[i], fields->element[i + 1]};
		}
	}
	qsort(ret, count, sizeof(*ret), compare);
	return count;
}

static int write_all(FILE *file, const struct field *fields, size_t count)
{
	struct save save;

	save_init(&save, file);
	for (size_t i = 0; i < count; i++) {
		save_begin(&save, changes_kind(fields[i].name->str, (size_t)fields[i].name->len));
		text_add_bytes(&save.record, fields[i].bytes->str, (size_t)fields[i].bytes->len);
		save_end(&save);
	}
	save_begin(&save, SAVE_MOUNT_END);
	save_end(&save);
	return save_finish(&save);
}

static int write_file(const struct field *fields, size_t count)
{
	int fd = memfd_create("nakodo-unit", MFD_CLOEXEC), copy, error;
	FILE *file;

	copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	file = copy < 0 ? NULL : fdopen(copy, "w");
	error = file ? write_all(file, fields, count) : -errno;
	if (file) {
		fclose(file);
	} else if (copy >= 0) {
		close(copy);
	}
	if (error && fd >= 0) {
		close(fd);
	}
	return error ? error : fd;
}

int state_make(const struct redisReply *fields)
{
	struct field *sorted;
	size_t count;
	int fd;

	if (fields->type != REDIS_REPLY_ARRAY || !fields->elements) {
		return -ENOENT;
	}
	sorted = calloc(fields->elements, sizeof(*sorted));
	if (!sorted) {
		return -ENOMEM;
	}
	count = sort(fields, sorted);
	fd = count ? write_file(sorted, count) : -ENOENT;
	free(sorted);
	return fd;
}

uint64_t state_epoch(const struct redisReply *fields)
{
	for (size_t i = 0; fields->type == REDIS_REPLY_ARRAY && i + 1 < fields->elements; i += 2) {
		const struct redisReply *name = fields->element[i], *value = fields->element[i + 1];

		if (name->type == REDIS_REPLY_STRING && value->type == REDIS_REPLY_STRING &&
			!strcmp(name->str, "e")) {
			return strtoull(value->str, NULL, 10);
		}
	}
	return 0;
}
