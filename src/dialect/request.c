/* request: owns nothing; reads what stands in the URL of a client, or else in its mount. */
#include "nakodo/dialect/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/query.h"
#include "nakodo/dialect/dialect.h"

static size_t argument_count(const struct request *request)
{
	size_t count = 0;

	while (request->arguments && request->arguments[count]) {
		count++;
	}
	return count;
}

size_t request_size(const struct request *request)
{
	size_t count = argument_count(request);
	size_t size = sizeof(*request) + (count + 1) * sizeof(char *) + strlen(request->room) + 1;

	size += request->origin ? strlen(request->origin) + 1 : 0;
	for (size_t i = 0; i < count; i++) {
		size += strlen(request->arguments[i]) + 1;
	}
	return size;
}

/* Returns where the copy ends. */
static char *put(char *to, const char *text)
{
	size_t size = strlen(text) + 1;

	memcpy(to, text, size);
	return to + size;
}

struct request *request_copy(const struct request *request)
{
	size_t count = argument_count(request);
	struct request *copy = malloc(request_size(request));
	const char **arguments;
	char *text;

	if (!copy) {
		return NULL;
	}
	arguments = (const char **)(copy + 1);
	text = (char *)(arguments + count + 1);
	*copy = *request;
	copy->arguments = arguments;
	for (size_t i = 0; i < count; i++) {
		arguments[i] = text;
		text = put(text, request->arguments[i]);
	}
	arguments[count] = NULL;
	copy->room = text;
	text = put(text, request->room);
	if (request->origin) {
		copy->origin = text;
		put(text, request->origin);
	}
	return copy;
}

long request_get(const struct request *request, const char *name, char *buf, size_t size)
{
	size_t len = strlen(name);

	for (const char *const *at = request->arguments; at && *at; at++) {
		if (!strncmp(*at, name, len) && ((*at)[len] == '=' || !(*at)[len])) {
			const char *value = *at + len + ((*at)[len] == '=');
			size_t bytes = strlen(value);

			if (bytes >= size) {
				return -ENOSPC;
			}
			memcpy(buf, value, bytes + 1);
			return (long)bytes;
		}
	}
	return query_get(request->mount->parameters, name, buf, size);
}

void request_room(const struct request *request, char ret[HUB_NAME_MAX + 2])
{
	*ret = '\0';
	if (*request->room || !request->mount->dialect->room_in_query) {
		snprintf(ret, HUB_NAME_MAX + 2, "%s", request->room);
	} else if (request_get(request, "room", ret, HUB_NAME_MAX + 2) < 0) {
		*ret = '\0';
	}
}
