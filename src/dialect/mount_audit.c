/* mount_audit: see the header. A dialect that keeps anything of its own has its line in here. */
#include "nakodo/dialect/mount_audit.h"

#ifdef NAKODO_AUDIT

#include <string.h>
#include <utlist.h>

#include "nakodo/base/json.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/gstreamer.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/peerjs.h"
#include "nakodo/dialect/pixel_streaming.h"
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
	nakodo_v1_journal_audit(seat, audit);
	nakodo_v1_record_audit(seat, audit);
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

static void audit_pixel_streaming(struct audit *audit, const struct mount *mount)
{
	const struct room *room = hub_room(mount->space, PIXEL_STREAMING_LIST);
	const struct pixel_streaming *all = mount->state;
	const struct member *member;
	size_t listed = 0;

	audit_bytes(audit, MEMORY_ROOMS,
		all->peers * sizeof(struct pixel_streaming_peer) + share_size(&all->list) -
			sizeof(all->list));
	DL_FOREACH (room ? room->members : NULL, member) {
		const struct pixel_streaming_peer *streamer = member->peer->state_of_dialect;
		const struct room *players = pixel_streaming_peer_players(streamer);
		char quoted[JSON_QUOTED(HUB_NAME_MAX)];

		audit_bytes(audit, MEMORY_ROOMS,
			share_size(&streamer->players) - sizeof(streamer->players));
		listed += (size_t)json_quote(member->id, quoted, sizeof(quoted)) + 1;
		if (streamer->listed != member ||
			streamer->players.used != (players ? players->count : 0)) {
			audit_fault(audit, "a streamer is listed twice, or has other players");
		}
	}
	if (listed != all->list.used) {
		audit_fault(audit, "a list of streamers counts %zu bytes and has %zu",
			all->list.used, listed);
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
	} else if (mount->dialect == &dialect_pixel_streaming) {
		audit_pixel_streaming(audit, mount);
	} else if (mount->dialect == &dialect_webtorrent) {
		webtorrent_swarm_audit(mount->state, audit);
	} else if (mount->dialect == &dialect_y_webrtc) {
		audit_y_webrtc(audit, mount);
	}
}

#endif
