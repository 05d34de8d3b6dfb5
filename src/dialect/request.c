/* request: owns nothing; reads what stands in the URL of a client, or else in its mount. */
#include "nakodo/dialect/request.h"

#include <errno.h>
#include <string.h>

#include "nakodo/base/query.h"
#include "nakodo/dialect/dialect.h"

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
