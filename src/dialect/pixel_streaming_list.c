/* pixel_streaming_list: owns who is listed under which id, and who gives way when the list is full.
 * See the header. */
#include <errno.h>
#include <stdio.h>

#include "nakodo/base/json.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/event.h"
#include "nakodo/dialect/pixel_streaming.h"
#include "nakodo/dialect/silence.h"
#include "nakodo/service/grant.h"

#define ID_MAX 120 /* bytes; digits may come behind */
#define NUMBERS_MAX 1000 /* streamers with the same id but for those digits */
#define LIST_MAX 65536 /* bytes of all ids, as they are listed */

void pixel_streaming_list_leave(struct pixel_streaming_peer *streamer, const char *reason)
{
	char quoted[JSON_QUOTED(HUB_NAME_MAX)];

	if (streamer->listed) {
		event_leave(streamer->mount, streamer->listed->room, streamer->peer,
			streamer->listed->id, reason);
		pixel_streaming_peer_give(streamer, &pixel_streaming_peer_realm(streamer)->list,
			(size_t)json_quote(streamer->listed->id, quoted, sizeof(quoted)) + 1);
		hub_leave(streamer->listed);
		streamer->listed = NULL;
	}
}

static const struct member *first_streamer(const struct pixel_streaming *all)
{
	const struct room *room = hub_room(all->space, PIXEL_STREAMING_LIST);

	return room ? room->members : NULL;
}

static struct pixel_streaming_peer *find(const struct pixel_streaming *all, const char *id)
{
	const struct room *room = hub_room(all->space, PIXEL_STREAMING_LIST);
	const struct member *member = room ? hub_find(room, id) : NULL;

	return member ? member->peer->state_of_dialect : NULL;
}

/* Put a number behind the id if another one has it and is not silent. False: there are too many
 * like that. */
static bool make_unique(const struct pixel_streaming_peer *self, char id[HUB_NAME_MAX + 1])
{
	const struct pixel_streaming *all = pixel_streaming_peer_realm(self);
	const struct pixel_streaming_peer *other = find(all, id);
	size_t len = strlen(id);

	if (other && silence_is_long(other->peer, all->options)) {
		return true;
	}
	for (int i = 1; other && i < NUMBERS_MAX; i++) {
		snprintf(id + len, HUB_NAME_MAX + 1 - len, "%d", i);
		other = find(all, id);
	}
	return !other;
}

/* Does the list hold so many bytes more? Whose address has too many gives way. */
static bool make_room(struct pixel_streaming_peer *self, size_t size)
{
	struct pixel_streaming *all = pixel_streaming_peer_realm(self);
	size_t most = hub_outbox_bytes(self->peer->hub) / 4;
	struct address group;

	most = most < LIST_MAX ? most : LIST_MAX;
	if (all->list.used + size > most &&
		share_yielding(&all->list, &self->address, size) < all->list.used + size - most) {
		return false;
	}
	while (all->list.used + size > most) {
		struct peer *other = NULL;

		if (share_find_yielding(&all->list, &self->address, size, &group)) {
			other = pixel_streaming_peer_last_of(
				hub_room(all->space, PIXEL_STREAMING_LIST), &group);
		}
		if (!other) {
			return false;
		}
		meter_add(METER_ENTRIES_YIELDED, 1);
		hub_close(other, 4413, "there are too many streamers, and most are of its address");
	}
	return true;
}

/* Under that id; who has it gives it up. False: it has been closed. */
static bool list(struct pixel_streaming_peer *self, const char *id)
{
	struct pixel_streaming *all = pixel_streaming_peer_realm(self);
	const struct pixel_streaming_peer *silent = find(all, id);
	char quoted[JSON_QUOTED(HUB_NAME_MAX)];
	size_t size = (size_t)json_quote(id, quoted, sizeof(quoted)) + 1;

	if (silent) {
		hub_close(silent->peer, 4409, "the id was taken by a newer connection");
	}
	if (!make_room(self, size)) {
		meter_add(METER_ENTRIES_REFUSED, 1);
		hub_close(self->peer, 4413, "there are too many streamers");
		return false;
	}
	if (pixel_streaming_peer_take(self, &all->list, size)) {
		hub_close(self->peer, 1011, "out of memory");
		return false;
	}
	if (hub_join(all->space, PIXEL_STREAMING_LIST, self->peer, id, &self->listed)) {
		pixel_streaming_peer_give(self, &all->list, size);
		hub_close(self->peer, 1011, "out of memory");
		return false;
	}
	event_join(self->mount, self->listed->room, self->peer, id);
	return true;
}

static void confirm(const struct pixel_streaming_peer *self, bool renamed)
{
	struct room *players = pixel_streaming_peer_players(self);
	char quoted[JSON_QUOTED(HUB_NAME_MAX)];
	struct iovec parts[] = {PART("{\"type\":\"endpointIdConfirm\",\"committedId\":"),
		PART_BYTES(quoted, (size_t)json_quote(self->listed->id, quoted, sizeof(quoted))),
		PART("}")};

	hub_send_text(self->peer, parts, 3);
	if (renamed && players) {
		parts[0] = PART("{\"type\":\"streamerIdChanged\",\"newID\":");
		hub_publish_text(players, parts, 3, NULL);
	}
}

void pixel_streaming_list_enter(const struct pixel_streaming_call *call)
{
	struct pixel_streaming_peer *self = call->self;
	char id[HUB_NAME_MAX + 1];
	long len = json_decode(&call->members[PIXEL_STREAMING_ID].value, id, ID_MAX + 1);
	bool renamed = self->listed;

	if (len == -ENOSPC) {
		hub_close(self->peer, 4400, "an id has at most 120 bytes");
		return;
	}
	if (len < 0) {
		pixel_streaming_peer_pass_over();
		return;
	}
	if (!len) {
		snprintf(id, sizeof(id), "UnknownStreamer");
	}
	pixel_streaming_list_leave(self, EVENT_MOVED); /* it may keep its id */
	if (!make_unique(self, id)) {
		meter_add(METER_ENTRIES_REFUSED, 1);
		hub_close(self->peer, 4413, "there are too many streamers of that id");
	} else if (!grant_may_join(self->peer->grant, id)) {
		hub_close(self->peer, 4403, "the token does not let in under this id");
	} else if (list(self, id)) {
		confirm(self, renamed);
	}
}

void pixel_streaming_list_send(const struct pixel_streaming_call *call)
{
	const struct pixel_streaming_peer *self = call->self;
	const struct member *member;
	struct text text = {0};
	const char *comma = "";

	text_add(&text, "{\"type\":\"streamerList\",\"ids\":[");
	for (member = first_streamer(pixel_streaming_peer_realm(self)); member;
		member = member->next) {
		char quoted[JSON_QUOTED(HUB_NAME_MAX)];

		if (grant_may_join(self->peer->grant, member->id)) {
			json_quote(member->id, quoted, sizeof(quoted));
			text_add(&text, comma);
			text_add(&text, quoted);
			comma = ",";
		}
	}
	text_add(&text, "]}");
	pixel_streaming_peer_send(self, &text);
}

struct pixel_streaming_peer *pixel_streaming_list_find(
	const struct pixel_streaming_peer *self, const char *id)
{
	return grant_may_join(self->peer->grant, id) ? find(pixel_streaming_peer_realm(self), id)
						     : NULL;
}

struct pixel_streaming_peer *pixel_streaming_list_first(const struct pixel_streaming_peer *self)
{
	const struct member *member = first_streamer(pixel_streaming_peer_realm(self));

	while (member && !grant_may_join(self->peer->grant, member->id)) {
		member = member->next;
	}
	return member ? member->peer->state_of_dialect : NULL;
}
