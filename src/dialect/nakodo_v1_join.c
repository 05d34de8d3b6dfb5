/* nakodo_v1_join: what a client gets for its URL: its old seat, a fresh one, or a refusal. */
#include "nakodo/dialect/nakodo_v1_join.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/json.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/event.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/nakodo_v1_history.h"
#include "nakodo/dialect/nakodo_v1_ice.h"
#include "nakodo/dialect/nakodo_v1_moderate.h"
#include "nakodo/dialect/nakodo_v1_place.h"
#include "nakodo/dialect/nakodo_v1_seat.h"
#include "nakodo/dialect/nakodo_v1_visit.h"
#include "nakodo/dialect/nakodo_v1_wrong.h"
#include "nakodo/service/grant.h"

#define CLOSE_BAD_ROOM 4400
#define CLOSE_LOCKED 4403
#define CLOSE_ELSEWHERE 4409
#define CLOSE_ROOM_FULL 4413
#define CLOSE_TOO_MANY 4429

static void send_first(struct peer *peer, const char *text)
{
	struct iovec part = {(void *)text, text ? strlen(text) : 0};
	struct frame *frame = text ? frame_create(FRAME_TEXT, &part, 1) : NULL;

	hub_send_first(peer, frame);
	frame_unref(frame);
}

static bool issue(struct nakodo_v1_seat *seat, char ret[TOKEN_TEXT])
{
	token_create(ret);
	return !nakodo_v1_key_enter(seat, &seat->issued, NAKODO_V1_SESSION, ret);
}

/* What the client sends again costs no message-rate. Which messages these are only it knows, so
 * that there are no more than it may have sent at that rate since it came, or was granted some. */
static void grant(struct nakodo_v1_seat *seat)
{
	const struct options *options = seat->mount->mount->env->options;
	uint64_t now = hub_now(seat->mount->hub);
	uint64_t most = seat->grant + (now - seat->granted) * options->message_rate / 1000;

	most = most < options->resume_messages ? most : options->resume_messages;
	seat->granted = now;
	seat->grant = 0;
	seat->peer->unmetered = (unsigned)most;
}

static struct address address_of(const struct request *request)
{
	static const struct address unknown;

	return request->address ? *request->address : unknown;
}

static void sit(struct nakodo_v1_visit *visit, struct nakodo_v1_seat *seat, struct peer *peer)
{
	struct peer *before = nakodo_v1_seat_attach(seat, peer);

	seat->address = address_of(visit->request);
	seat->attempt = visit->attempt;
	if (before) {
		hub_close(before, CLOSE_ELSEWHERE, "resumed or replaced elsewhere");
	}
}

static void say_back(struct nakodo_v1_seat *seat)
{
	const struct iovec parts[] = {
		PART("{\"type\":\"peer-back\",\"id\":\""),
		PART_OF(seat->member->id),
		PART("\"}"),
	};

	nakodo_v1_seat_publish(seat, NAKODO_V1_TURNED, parts, 3);
}

static void replay(struct nakodo_v1_seat *seat)
{
	for (unsigned i = 0; i < seat->session.kept.count; i++) {
		hub_send_first(seat->peer, session_kept(&seat->session, i));
	}
}

static char *print_resumed(struct nakodo_v1_seat *seat, const char *token)
{
	struct text text = {0};

	text_print(&text,
		"{\"type\":\"resumed\",\"id\":\"%s\",\"session\":\"%s\",\"n\":%" PRIu64 ",",
		seat->member->id, token, session_tell(&seat->session));
	nakodo_v1_moderate_print(seat, &text);
	text_add(&text, ",");
	nakodo_v1_ice_print(seat, &text);
	text_add(&text, "}");
	return text_take(&text, NULL);
}

static void resume(struct nakodo_v1_visit *visit, struct peer *peer, uint64_t n)
{
	struct nakodo_v1_seat *seat = visit->old;
	bool was_away = !seat->peer && !seat->unheard;
	char token[TOKEN_TEXT], *text;

	/* Before anything is counted, nothing comes from the old connection any more. */
	sit(visit, seat, peer);
	if (visit->shown == &seat->issued) {
		nakodo_v1_seat_confirm(seat);
	}
	hub_clear_timer(seat->mount->hub, &seat->ack);
	session_ack(&seat->session, n);
	text = issue(seat, token) ? print_resumed(seat, token) : NULL;
	send_first(peer, text);
	free(text);
	replay(seat);
	grant(seat);
	if (was_away) {
		say_back(seat);
	}
}

static void print_peers(const struct nakodo_v1_seat *seat, struct text *out)
{
	const struct member *member;
	const char *comma = "";

	DL_FOREACH (seat->member->room->members, member) {
		const struct nakodo_v1_seat *other = nakodo_v1_seat_of(member);
		bool owner = true;

		if (other == seat) {
			continue;
		}
		for (const struct member *at = seat->member; at; at = at->next) {
			owner = owner && at != member; /* it came after us */
		}
		text_print(out, "%s{", comma);
		nakodo_v1_seat_print(other, out);
		text_print(out, "%s,\"owner\":%s}",
			other->peer || other->unheard ? "" : ",\"away\":true",
			owner ? "true" : "false");
		comma = ",";
	}
}

/* The room as it is now. */
static char *print_snapshot(const struct nakodo_v1_seat *seat)
{
	struct text text = {0};

	text_add(&text, "\"peers\":[");
	print_peers(seat, &text);
	text_add(&text, "],\"history\":");
	nakodo_v1_history_print(seat->member->room, &text);
	return text_take(&text, NULL);
}

static char *print_welcome(
	const struct nakodo_v1_visit *visit, struct nakodo_v1_seat *seat, const char *token)
{
	const struct options *options = visit->v1->mount->env->options;
	char room[JSON_QUOTED(HUB_NAME_MAX)];
	struct text text = {0};

	json_quote(visit->request->room, room, sizeof(room));
	text_print(&text,
		"{\"type\":\"welcome\",\"id\":\"%s\",\"room\":%s,\"session\":\"%s\"%s,%s,",
		seat->member->id, room, token, visit->lost ? ",\"recovered\":false" : "",
		seat->snapshot);
	nakodo_v1_moderate_print(seat, &text);
	text_add(&text, ",");
	nakodo_v1_ice_print(seat, &text);
	text_print(&text,
		",\"resumeSeconds\":%" PRIu64 ",\"limits\":{\"message\":%" PRIu64
		",\"peers\":%zu}}",
		options->resume_seconds, options->max_message,
		grant_bound(visit->grant, options->room_peers));
	return text_take(&text, NULL);
}

static void welcome(struct nakodo_v1_visit *visit, struct nakodo_v1_seat *seat, struct peer *peer)
{
	char token[TOKEN_TEXT], *text;

	nakodo_v1_seat_keep(seat, seat->snapshot ? seat->snapshot : print_snapshot(seat));
	text = seat->snapshot && issue(seat, token) ? print_welcome(visit, seat, token) : NULL;
	send_first(peer, text);
	free(text);
}

/* The client lost its first welcome: it gets that again, and all that it was sent since. */
static void join_again(
	struct nakodo_v1_visit *visit, struct nakodo_v1_seat *seat, struct peer *peer)
{
	bool was_away = !seat->peer && !seat->unheard;

	sit(visit, seat, peer);
	hub_clear_timer(seat->mount->hub, &seat->ack);
	session_restart_received(&seat->session);
	welcome(visit, seat, peer);
	replay(seat);
	if (was_away) {
		say_back(seat);
	}
}

static void announce(struct nakodo_v1_seat *seat)
{
	struct text text = {0};

	text_add(&text, "{\"type\":\"peer-joined\",\"peer\":{");
	nakodo_v1_seat_print(seat, &text);
	text_add(&text, ",\"owner\":false}}"); /* whoever comes later is the owner */
	nakodo_v1_seat_publish_text(seat, NAKODO_V1_CAME, &text);
}

/* The text as JSON, to be freed; NULL for "", or for want of memory. */
static char *quote(const char *text)
{
	char quoted[JSON_QUOTED(HUB_NAME_MAX)];

	if (!*text) {
		return NULL;
	}
	json_quote(text, quoted, sizeof(quoted));
	return strdup(quoted);
}

/* The one who was there leaves, so that nobody ever sees both. */
static void replace_old(struct nakodo_v1_visit *visit)
{
	const struct room *room = visit->old->member->room;

	visit->inside = !strcmp(room->name, visit->request->room) &&
			nakodo_v1_visit_is_of(visit, visit->old);
	visit->locked = visit->inside && nakodo_v1_is_locked(room);
	nakodo_v1_seat_leave(visit->old, "gone", CLOSE_ELSEWHERE);
}

static bool is_locked_out(const struct nakodo_v1_visit *visit)
{
	return !visit->inside && !nakodo_v1_is_moderator(visit->grant) &&
	       nakodo_v1_is_locked(hub_room(visit->v1->mount->space, visit->request->room));
}

static void join_fresh(struct nakodo_v1_visit *visit, struct peer *peer)
{
	const char *subject = visit->grant ? visit->grant->subject : "";
	char *name = quote(visit->name), *user = quote(subject);
	struct address address = address_of(visit->request);
	struct nakodo_v1_seat *seat;
	size_t most = grant_bound(visit->grant, visit->v1->mount->env->options->room_peers);
	int error = (*visit->name && !name) || (*subject && !user) ? -ENOMEM : 0;

	error = error ? error
		      : nakodo_v1_place_take(
				&seat, visit->v1, visit->request->room, &address, most);
	if (error) {
		free(name);
		free(user);
		if (error == -ENOSPC) {
			nakodo_v1_refuse(peer, "room-full", "There is no place left in this room.",
				CLOSE_ROOM_FULL);
		} else {
			hub_close(peer, 1011, "out of memory");
		}
		return;
	}
	seat->name = name;
	seat->user = user;
	/* It was alone, and its lock outlives its page's reload. */
	seat->locked = visit->locked && seat->member->room->members == seat->member;
	nakodo_v1_seat_count(seat);
	sit(visit, seat, peer);
	event_join(visit->request->mount, seat->member->room, peer, seat->member->id);
	if (*visit->nonce) {
		nakodo_v1_key_enter(seat, &seat->nonce, visit->request->room, visit->nonce);
	}
	welcome(visit, seat, peer);
	announce(seat);
}

/* Whose first welcome got lost. NULL: nobody's; a nonce that is another's stays with that one. */
static struct nakodo_v1_seat *take_nonce(struct nakodo_v1_visit *visit)
{
	struct nakodo_v1_seat *seat = nakodo_v1_visit_seat(visit);

	if (seat && (!seat->snapshot || !nakodo_v1_visit_is_of(visit, seat))) {
		*visit->nonce = '\0';
		return NULL;
	}
	return seat;
}

void nakodo_v1_join(struct peer *peer, const struct request *request)
{
	struct nakodo_v1_visit visit = {
		.request = request, .grant = peer->grant, .v1 = request->mount->state};
	const char *fault = nakodo_v1_visit_read(&visit);
	struct nakodo_v1_seat *before;
	int found;
	uint64_t n;

	if (fault) {
		nakodo_v1_refuse(peer, "bad-room", fault, CLOSE_BAD_ROOM);
		return;
	}
	found = nakodo_v1_visit_find(&visit, "session");
	if (nakodo_v1_visit_is_late(&visit)) {
		hub_close(peer, CLOSE_ELSEWHERE, "a later try is in the room");
		return;
	}
	if (found > 0 && !strcmp(visit.old->member->room->name, request->room) &&
		nakodo_v1_visit_is_of(&visit, visit.old) &&
		nakodo_v1_visit_read_count(&visit, &n)) {
		resume(&visit, peer, n);
		return;
	}
	visit.lost = found;
	found = found ? found : nakodo_v1_visit_find(&visit, "replaces");
	if (found > 0) {
		replace_old(&visit);
	} else if (found < 0 && !nakodo_v1_may_be_wrong(visit.v1, request->address)) {
		hub_close(peer, CLOSE_TOO_MANY, "too many wrong sessions");
		return;
	}
	before = take_nonce(&visit);
	if (before) {
		join_again(&visit, before, peer);
	} else if (is_locked_out(&visit)) {
		meter_add(METER_LOCKED_OUT, 1);
		nakodo_v1_refuse(peer, "room-locked", "This room is locked.", CLOSE_LOCKED);
	} else {
		join_fresh(&visit, peer);
	}
}

bool nakodo_v1_is_awaited(const struct mount *mount, const struct request *request)
{
	struct nakodo_v1_visit visit = {.request = request, .v1 = mount->state};

	int found = nakodo_v1_visit_find(&visit, "session");

	/* As in a join: after a session that is wrong nobody is replaced. */
	found = found ? found : nakodo_v1_visit_find(&visit, "replaces");
	if (found <= 0 && nakodo_v1_visit_read_nonce(&visit)) {
		visit.old = nakodo_v1_visit_seat(&visit);
		visit.old = visit.old && visit.old->snapshot ? visit.old : NULL;
	}
	/* Its place, kept or still in use, is free again in a moment. */
	return visit.old && (visit.old->peer || visit.old->placed);
}
