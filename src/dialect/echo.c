/*
 * echo: every message back to its sender alone, behind `?prefix=` if that was asked for.
 * docs/protocols/plain.md is the page for users.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/problem.h"
#include "nakodo/base/query.h"
#include "nakodo/base/utf8.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/plain.h"

#define PREFIX_MAX 64 /* bytes */

/* `len` is what query_get() or request_get() said. The prefix becomes part of text messages, which
 * must be UTF-8 (RFC 6455 section 8.1). */
static bool is_usable(const char *prefix, long len)
{
	return len == -ENOENT || (len >= 0 && utf8_is_valid(prefix, (size_t)len));
}

static int echo_start(struct mount *mount, struct problem *problem)
{
	char prefix[PREFIX_MAX + 1];
	long len = query_get(mount->parameters, "prefix", prefix, sizeof(prefix));

	if (!is_usable(prefix, len)) {
		return problem_set(
			problem, -EINVAL, "prefix must be at most %d bytes of UTF-8", PREFIX_MAX);
	}
	return plain_check(mount, (const char *const[]){"frames", "prefix", NULL}, problem);
}

static void echo_open(struct peer *peer, const struct request *request)
{
	char prefix[PREFIX_MAX + 1];
	long len = request_get(request, "prefix", prefix, sizeof(prefix));

	if (!is_usable(prefix, len)) {
		hub_close(peer, PLAIN_CLOSE_BAD_REQUEST, "prefix has at most 64 bytes of UTF-8");
		return;
	}
	if (len > 0) {
		peer->state_of_dialect = strdup(prefix);
		if (!peer->state_of_dialect) {
			hub_close(peer, 1011, "out of memory");
			return;
		}
	}
	plain_choose_frames(peer, request); /* it needs no room: nobody else hears it */
}

static void echo_message(struct peer *peer, const char *data, size_t len, bool binary)
{
	const char *prefix = peer->state_of_dialect;
	struct iovec parts[2] = {
		PART_BYTES(prefix, prefix ? strlen(prefix) : 0),
		PART_BYTES(data, len),
	};
	struct message message;

	message_init(&message, parts, 2, binary, false);
	hub_send(peer, &message);
	message_finish(&message);
}

static void echo_close(struct peer *peer)
{
	free(peer->state_of_dialect);
	peer->state_of_dialect = NULL;
}

const struct dialect dialect_echo = {
	.name = "echo",
	.subprotocols = true,
	.room_in_path = true,
	.start = echo_start,
	.open = echo_open,
	.message = echo_message,
	.close = echo_close,
};
