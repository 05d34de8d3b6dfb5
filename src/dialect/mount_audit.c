/* mount_audit: see the header. A dialect that keeps anything of its own has its line in here. */
#include "nakodo/dialect/mount_audit.h"

#ifdef NAKODO_AUDIT

#include <string.h>
#include <utlist.h>

#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/gstreamer.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/peerjs.h"
#include "nakodo/dialect/webtorrent_swarm.h"
#include "nakodo/hub/audit.h"

static size_t length(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static void audit_v1_seat(struct audit *audit, const struct nakodo_v1_seat *seat)
{
	audit_seat(audit, seat->member);
	if (nakodo_v1_seat_of(seat->member) != seat ||
		(seat->peer && seat->peer->state_of_dialect != seat)) {
		audit_fault(audit, "a session is not that of its seat or of its connection");
	}
	audit_bytes(audit, MEMORY_ROOMS,
		sizeof(*seat) + length(seat->name) + length(seat->meta) + length(seat->user) +
			length(seat->snapshot));
	audit_outbox(audit, &seat->session.kept);
	nakodo_v1_waiting_audit(&seat->waiting, audit);
	audit->awaited += seat->placed;
	if (seat->placed && seat->peer) {
		audit_fault(audit, "a place is kept for one who is there");
	}
	if (seat->locked && seat->member->room->members != seat->member) {
		audit_fault(audit, "a seat that is not its room's first says that it is locked");
	}
}

static void audit_v1(struct audit *audit, const struct nakodo_v1 *v1)
{
	const struct nakodo_v1_seat *seat;
	size_t rooms = 0, kept = 0;

	DL_FOREACH (v1->seats, seat) {
		audit_v1_seat(audit, seat);
		rooms += seat->member->room->members == seat->member;
	}
	DL_FOREACH2(v1->away, seat, away_next)
	{
		kept++;
	}
	nakodo_v1_history_audit(v1, audit);
	nakodo_v1_token_audit(v1, audit);
	if (rooms != v1->rooms || kept < v1->kept.used) {
		audit_fault(audit, "%zu rooms and %zu kept seats are counted, %zu and %zu found",
			v1->rooms, v1->kept.used, rooms, kept);
	}
}

static void audit_gstreamer(struct audit *audit, const struct mount *mount)
{
	const struct room *room = hub_room(mount->space, GSTREAMER_PEERS);
	const struct gstreamer *state = mount->state;
	size_t listed[GSTREAMER_LISTENER] = {0};
	const struct member *member;

	DL_FOREACH (room ? room->members : NULL, member) {
		const struct gstreamer_peer *peer = member->peer->state_of_dialect;

		audit_bytes(audit, MEMORY_ROOMS, peer->meta_len);
		for (int i = 0; i < GSTREAMER_LISTENER; i++) {
			listed[i] += peer->listed[i];
			if (!peer->listed[i] != !peer->seats[i]) {
				audit_fault(audit, "a list has not whom its role has");
			}
		}
	}
	for (int i = 0; i < GSTREAMER_LISTENER; i++) {
		if (listed[i] != state->lists[i].used) {
			audit_fault(audit, "a list counts %zu bytes and has %zu",
				state->lists[i].used, listed[i]);
		}
	}
}

static void audit_y_webrtc(struct audit *audit, const struct mount *mount)
{
	const struct room *room = hub_first_room(mount->space);

	for (; room; room = room->hh.next) {
		y_webrtc_topic_audit(room, audit);
	}
}

void mount_audit(const struct mount *mount, struct audit *audit)
{
	if (mount->dialect == &dialect_nakodo_v1) {
		audit_v1(audit, mount->state);
	} else if (mount->dialect == &dialect_gstreamer) {
		audit_gstreamer(audit, mount);
	} else if (mount->dialect == &dialect_peerjs) {
		peerjs_queue_audit(((const struct peerjs_realm *)mount->state)->queue, audit);
	} else if (mount->dialect == &dialect_webtorrent) {
		webtorrent_swarm_audit(mount->state, audit);
	} else if (mount->dialect == &dialect_y_webrtc) {
		audit_y_webrtc(audit, mount);
	}
}

#endif
