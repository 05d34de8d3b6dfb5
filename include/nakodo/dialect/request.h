/*
 * request: what a client asked for when it connected.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nakodo/hub/hub.h"

struct address;
struct mount;

/* The strings live during the open call only. */
struct request {
	const struct mount *mount;
	const char *room; /* from /PATH/ROOM, decoded; "" when not said */
	/* Decoded "name=value", NULL at the end: of `nakodo.NAME.VALUE` among the subprotocols,
	 * then of the URL's query. */
	const char *const *arguments;
	const struct address *address; /* of the client; NULL: not known */
	const char *origin; /* of the page; NULL: not said */
	bool asks_token; /* for a dialect with token_in_message: it lets in only who has a grant */
};

/* A copy that owns its strings, in one block of so many bytes; the caller frees it. NULL: no
 * memory. The mount and the address stay the caller's. */
struct request *request_copy(const struct request *request);
size_t request_size(const struct request *request);
/* The room that its URL names: in the path, else, where the dialect looks there, in the query; cut
 * to what is no room's name any more. "": none, and then it is the one without a name. */
void request_room(const struct request *request, char ret[HUB_NAME_MAX + 2]);
/* A setting of the client or, if it said nothing, of the mount. Returns as query_get(). */
long request_get(const struct request *request, const char *name, char *buf, size_t size);
