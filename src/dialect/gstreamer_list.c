/* gstreamer_list: what the lists of producers and of consumers hold, and who gives way when one of
 * them is full. See the header. */
#include <errno.h>
#include <stdlib.h>

#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/gstreamer.h"

#define ENTRY 64 /* bytes of a list's entry, and more, without the meta */

static const char *const names[] = {"producer", "consumer"}; /* of the rooms */

static struct share *list_of(const struct gstreamer_peer *self, enum gstreamer_role role)
{
	struct gstreamer *state = self->mount->state;

	return &state->lists[role];
}

static const struct member *first_of(const struct gstreamer_peer *self, enum gstreamer_role role)
{
	const struct room *room = hub_room(self->mount->space, names[role]);

	return room ? room->members : NULL;
}

/* How much longer the list becomes. */
static size_t growth(const struct gstreamer_peer *self, enum gstreamer_role role, size_t meta_len)
{
	size_t own = self->listed[role], size = ENTRY + meta_len;

	return size > own ? size - own : 0;
}

/* By how much is it too long then? */
static size_t lacking(const struct gstreamer_peer *self, enum gstreamer_role role, size_t meta_len)
{
	size_t max = hub_outbox_bytes(self->peer->hub) / 2;
	size_t size = list_of(self, role)->used + growth(self, role, meta_len);

	return size > max ? size - max : 0;
}

bool gstreamer_list_fits(
	const struct gstreamer_peer *self, enum gstreamer_role role, size_t meta_len)
{
	return !lacking(self, role, meta_len);
}

struct gstreamer_peer *gstreamer_list_find_yielding(
	const struct gstreamer_peer *self, enum gstreamer_role role, size_t meta_len)
{
	const struct share *list = list_of(self, role);
	size_t amount = growth(self, role, meta_len);
	struct gstreamer_peer *largest = NULL;
	struct address group;

	if (share_yielding(list, &self->address, amount) < lacking(self, role, meta_len) ||
		!share_find_yielding(list, &self->address, amount, &group)) {
		return NULL;
	}
	for (const struct member *at = first_of(self, role); at; at = at->next) {
		struct gstreamer_peer *peer = at->peer->state_of_dialect;

		if (share_is_same(&peer->address, &group) &&
			(!largest || peer->listed[role] > largest->listed[role])) {
			largest = peer;
		}
	}
	return largest;
}

int gstreamer_list_enter(struct gstreamer_peer *self)
{
	for (int i = 0; i < GSTREAMER_LISTENER; i++) {
		size_t size = ENTRY + self->meta_len;

		if (self->seats[i] && !self->listed[i]) {
			if (share_add(list_of(self, i), &self->address, size)) {
				return -ENOMEM;
			}
			self->listed[i] = size;
		}
	}
	return 0;
}

void gstreamer_list_leave(struct gstreamer_peer *self)
{
	for (int i = 0; i < GSTREAMER_LISTENER; i++) {
		share_remove(list_of(self, i), &self->address, self->listed[i]);
		self->listed[i] = 0;
	}
}

struct iovec gstreamer_list_meta(const struct gstreamer_peer *self)
{
	return self->meta ? PART_BYTES(self->meta, self->meta_len) : PART("null");
}

void gstreamer_list_send(const struct gstreamer_peer *self, enum gstreamer_role role)
{
	const struct member *first = first_of(self, role);
	struct text text = {0}, *out = &text;
	struct iovec part;

	text_add(out, role == GSTREAMER_PRODUCER ? "{\"type\":\"list\",\"producers\":["
						 : "{\"type\":\"listConsumers\",\"consumers\":[");
	for (const struct member *at = first; at; at = at->next) {
		const struct gstreamer_peer *peer = at->peer->state_of_dialect;
		struct iovec meta = gstreamer_list_meta(peer);

		text_add(out, at == first ? "{\"id\":\"" : ",{\"id\":\"");
		text_add(out, peer->id);
		text_add(out, "\",\"meta\":");
		text_add_bytes(out, meta.iov_base, meta.iov_len);
		text_add(out, "}");
	}
	text_add(out, "]}");
	part.iov_base = text_take(out, &part.iov_len);
	if (part.iov_base) {
		hub_send_text(self->peer, &part, 1);
	} else {
		hub_close(self->peer, 1011, "out of memory");
	}
	free(part.iov_base);
}
