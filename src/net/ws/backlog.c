/* backlog: see the header. */
#include "nakodo/net/ws/backlog.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/memory.h"

/* NULL: no memory. */
static struct held *add(struct held **backlog, const char *data, size_t len)
{
	struct held *held = malloc(sizeof(*held) + len);

	if (!held) {
		return NULL;
	}
	memory_take(MEMORY_RECEIVED, sizeof(*held) + len);
	held->len = len;
	held->binary = false;
	held->fault = 0;
	if (len) {
		memcpy(held->data, data, len);
	}
	DL_APPEND(*backlog, held);
	return held;
}

bool backlog_add(struct held **backlog, const char *data, size_t len, bool binary)
{
	struct held *held = add(backlog, data, len);

	if (held) {
		held->binary = binary;
	}
	return held;
}

bool backlog_add_fault(struct held **backlog, unsigned short code, const char *reason)
{
	struct held *held = add(backlog, reason, strlen(reason) + 1);

	if (held) {
		held->fault = code;
	}
	return held;
}

struct held *backlog_take(struct held **backlog)
{
	struct held *held = *backlog;

	DL_DELETE(*backlog, held);
	return held;
}

void backlog_drop(struct held **backlog, struct held *held)
{
	DL_DELETE(*backlog, held);
	held_free(held);
}

void backlog_clear(struct held **backlog)
{
	while (*backlog) {
		held_free(backlog_take(backlog));
	}
}

size_t backlog_bytes(const struct held *backlog)
{
	const struct held *held;
	size_t bytes = 0;

	DL_FOREACH (backlog, held) {
		bytes += sizeof(*held) + held->len;
	}
	return bytes;
}

void held_free(struct held *held)
{
	memory_give(MEMORY_RECEIVED, sizeof(*held) + held->len);
	free(held);
}
