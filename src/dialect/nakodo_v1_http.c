/*
 * nakodo_v1_http: who is in a room, for those who think of coming in: GET /v1/ROOM/peers. No name
 * of a room has a slash, so this is no room's own path.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/options.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/nakodo_v1_moderate.h"
#include "nakodo/dialect/nakodo_v1_place.h"
#include "nakodo/dialect/nakodo_v1_visit.h"
#include "nakodo/service/grant.h"

#define NAMED_MAX 50 /* participants; of more only the count is told */

/* The room whose path ends so. */
static bool read_room(const struct mount *mount, const char *path, char ret[HUB_NAME_MAX + 1])
{
	static const char tail[] = "/peers";
	const char *room;
	size_t len;

	if (!mount->dialect->match(mount, path, &room)) {
		return false;
	}
	len = strlen(room);
	if (len < sizeof(tail) || len > HUB_NAME_MAX + sizeof(tail) - 1 ||
		strcmp(room + len - (sizeof(tail) - 1), tail) != 0) {
		return false;
	}
	len -= sizeof(tail) - 1;
	memcpy(ret, room, len);
	ret[len] = '\0';
	return nakodo_v1_is_name(ret);
}

static void print_peer(const struct nakodo_v1_seat *seat, bool first, struct text *out)
{
	text_add(out, first ? "{" : ",{");
	if (seat->name) {
		text_add(out, "\"name\":");
		text_add(out, seat->name);
	}
	if (!seat->peer && !seat->unheard) {
		text_add(out, seat->name ? ",\"away\":true" : "\"away\":true");
	}
	text_add(out, "}");
}

/* `room` NULL: nobody is there. It has place for `most`. */
static void print(
	const struct room *room, const struct address *newcomer, size_t most, struct text *out)
{
	const struct member *member;
	size_t left = NAMED_MAX;

	text_add(out, "{\"peers\":[");
	DL_FOREACH (room ? room->members : NULL, member) {
		if (!left--) {
			break;
		}
		print_peer(nakodo_v1_seat_of(member), member == room->members, out);
	}
	text_print(out, "],\"count\":%zu,\"full\":%s,\"locked\":%s}\n", room ? room->count : 0,
		room && nakodo_v1_is_full(room, newcomer, most) ? "true" : "false",
		nakodo_v1_is_locked(room) ? "true" : "false");
}

bool nakodo_v1_http(const struct mount *mount, const struct dialect_request *request,
	struct dialect_answer *ret)
{
	static const struct address nobody;
	const struct grant *grant = NULL;
	char room[HUB_NAME_MAX + 1];
	struct text text = {0};

	if (!read_room(mount, request->path, room)) {
		return false;
	}
	ret->cors = true;
	ret->type = "application/json";
	if (request->preflight) {
		ret->status = 204;
		return true;
	}
	if (request->may_join && !request->may_join(request->cookie, mount, room, &grant)) {
		return true;
	}
	print(hub_room(mount->space, room), request->address ? request->address : &nobody,
		grant_bound(grant, mount->env->options->room_peers), &text);
	ret->body = ret->owned = text_take(&text, &ret->len);
	ret->status = ret->body ? 200 : 503;
	return true;
}
