/*
 * nakodo_v1_join: what a client's URL says, and what it gets for it: its old seat, a fresh one, or
 * a refusal. Owns the count of wrong tokens from each address.
 */
#include "nakodo/dialect/nakodo_v1_join.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/hash.h"
#include "nakodo/base/json.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/text.h"
#include "nakodo/base/utf8.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/event.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/nakodo_v1_history.h"
#include "nakodo/dialect/nakodo_v1_ice.h"
#include "nakodo/dialect/nakodo_v1_moderate.h"
#include "nakodo/dialect/nakodo_v1_place.h"
#include "nakodo/service/grant.h"

#define CLOSE_BAD_ROOM 4400
#define CLOSE_LOCKED 4403
#define CLOSE_ELSEWHERE 4409
#define CLOSE_ROOM_FULL 4413
#define CLOSE_TOO_MANY 4429
/* Who comes back after we were restarted presents a token that is not known. All whom an address
 * may have must be able to, and a few times in a row. */
#define WRONG_RATE 20 /* per second */
#define WRONG_TIMES 4

#define SESSION "/" /* scope of the tokens that we issue; a nonce's is its room */

/* What the URL says. */
struct call {
	const struct request *request;
	const struct grant *grant; /* NULL: no token is asked for */
	struct nakodo_v1 *v1;
	struct nakodo_v1_seat *old; /* whose token was presented */
	struct nakodo_v1_key *shown; /* the token */
	char name[HUB_NAME_MAX + 1]; /* "": none */
	char nonce[TOKEN_TEXT]; /* the same */
	bool lost; /* a session was presented that cannot be resumed */
	bool inside; /* it replaces one who was in the room */
	bool locked; /* which was locked then */
};

bool nakodo_v1_is_name(const char *text)
{
	size_t len = strlen(text);

	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		/* C0 and DEL; C1, which is U+0080 to U+009F */
		if (*at < 0x20 || *at == 0x7f || *at == '/' ||
			(at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f)) {
			return false;
		}
	}
	return len && len <= HUB_NAME_MAX && utf8_is_valid(text, len);
}

static void send_first(struct peer *peer, const char *text)
{
	struct iovec part = {(void *)text, text ? strlen(text) : 0};
	struct frame *frame = text ? frame_create(FRAME_TEXT, &part, 1) : NULL;

	hub_send_first(peer, frame);
	frame_unref(frame);
}

/* "" for none; false: it is not as it should be. */
static bool read_nonce(const struct request *request, char ret[TOKEN_TEXT])
{
	long len = request_get(request, "nonce", ret, TOKEN_TEXT);

	if (len == -ENOENT) {
		*ret = '\0';
		return true;
	}
	return len >= 0 && token_is_valid(ret);
}

/* Why it cannot be; NULL: all is well. */
static const char *read_names(struct call *call)
{
	bool named = call->grant && *call->grant->name;
	long len;

	if (named) {
		len = snprintf(call->name, sizeof(call->name), "%s", call->grant->name);
	} else {
		len = request_get(call->request, "name", call->name, sizeof(call->name));
	}
	if (!nakodo_v1_is_name(call->request->room)) {
		return "A room's name stands behind the path, as in /v1/ROOM, and has 1 to 128 "
		       "bytes of UTF-8 without control characters and slashes.";
	}
	if (len == -ENOENT) {
		*call->name = '\0';
	} else if (len < 0 || !nakodo_v1_is_name(call->name)) {
		return "A participant's name has 1 to 128 bytes of UTF-8 without control "
		       "characters and slashes.";
	}
	if (!read_nonce(call->request, call->nonce)) {
		return "A nonce has 22 characters of base64url.";
	}
	return NULL;
}

/* False: this address has presented too many of them. */
static bool may_be_wrong(struct nakodo_v1 *v1, const struct address *address)
{
	const struct options *options = v1->mount->env->options;
	uint64_t most = options->max_peers_per_address ? options->max_peers_per_address
						       : options->max_peers;
	struct address group;
	size_t slots = sizeof(v1->wrong) / sizeof(*v1->wrong);
	struct nakodo_v1_wrong *wrong;
	struct limit next;

	if (!address || !address_is_known(address)) {
		return true;
	}
	group = address_group(address);
	wrong = &v1->wrong[hash_bytes(&group, sizeof(group)) % slots];
	if (memcmp(&wrong->address, &group, sizeof(group))) {
		/* Whoever had the slot is forgotten: nobody is turned away for another. */
		*wrong = (struct nakodo_v1_wrong){.address = group};
	}
	next = wrong->limit;
	if (limit_spend(&next, hub_now(v1->hub), WRONG_RATE, most * WRONG_TIMES)) {
		return false;
	}
	wrong->limit = next;
	return true;
}

/* 0: there is none; 1: it is in `call`; -EPERM: it is wrong. */
static int find_old(struct call *call, const char *argument)
{
	char token[TOKEN_TEXT];
	long len = request_get(call->request, argument, token, sizeof(token));

	if (len == -ENOENT) {
		return 0;
	}
	call->old = len < 0 ? NULL : nakodo_v1_key_find(call->v1, SESSION, token, &call->shown);
	return call->old ? 1 : -EPERM;
}

/* Is it the same person's, as far as tokens say who that is? */
static bool is_of(const struct call *call, const struct nakodo_v1_seat *seat)
{
	char quoted[JSON_QUOTED(GRANT_NAME)];

	if (!call->grant || !*call->grant->subject) {
		return !seat->user;
	}
	json_quote(call->grant->subject, quoted, sizeof(quoted));
	return seat->user && !strcmp(seat->user, quoted);
}

/* What `n` in the URL says, if the session can be resumed there. */
static bool read_count(const struct call *call, uint64_t *ret)
{
	char text[20];
	long len = request_get(call->request, "n", text, sizeof(text));

	if (len < 1 || strspn(text, "0123456789") != (size_t)len) {
		return false;
	}
	*ret = strtoull(text, NULL, 10);
	return session_can_resume(&call->old->session, *ret);
}

static bool issue(struct nakodo_v1_seat *seat, char ret[TOKEN_TEXT])
{
	token_create(ret);
	return !nakodo_v1_key_enter(seat, &seat->issued, SESSION, ret);
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

static void sit(struct call *call, struct nakodo_v1_seat *seat, struct peer *peer)
{
	struct peer *before = nakodo_v1_seat_attach(seat, peer);

	seat->address = address_of(call->request);
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

static void resume(struct call *call, struct peer *peer, uint64_t n)
{
	struct nakodo_v1_seat *seat = call->old;
	bool was_away = !seat->peer;
	char token[TOKEN_TEXT], *text;

	/* Before anything is counted, nothing comes from the old connection any more. */
	sit(call, seat, peer);
	if (call->shown == &seat->issued) {
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
		text_print(out, "%s,\"owner\":%s}", other->peer ? "" : ",\"away\":true",
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

static char *print_welcome(const struct call *call, struct nakodo_v1_seat *seat, const char *token)
{
	const struct options *options = call->v1->mount->env->options;
	char room[JSON_QUOTED(HUB_NAME_MAX)];
	struct text text = {0};

	json_quote(call->request->room, room, sizeof(room));
	text_print(&text,
		"{\"type\":\"welcome\",\"id\":\"%s\",\"room\":%s,\"session\":\"%s\"%s,%s,",
		seat->member->id, room, token, call->lost ? ",\"recovered\":false" : "",
		seat->snapshot);
	nakodo_v1_moderate_print(seat, &text);
	text_add(&text, ",");
	nakodo_v1_ice_print(seat, &text);
	text_print(&text,
		",\"resumeSeconds\":%" PRIu64 ",\"limits\":{\"message\":%" PRIu64
		",\"peers\":%zu}}",
		options->resume_seconds, options->max_message,
		grant_bound(call->grant, options->room_peers));
	return text_take(&text, NULL);
}

static void welcome(struct call *call, struct nakodo_v1_seat *seat, struct peer *peer)
{
	char token[TOKEN_TEXT], *text;

	nakodo_v1_seat_keep(seat, seat->snapshot ? seat->snapshot : print_snapshot(seat));
	text = seat->snapshot && issue(seat, token) ? print_welcome(call, seat, token) : NULL;
	send_first(peer, text);
	free(text);
}

/* The client lost its first welcome: it gets that again, and all that it was sent since. */
static void join_again(struct call *call, struct nakodo_v1_seat *seat, struct peer *peer)
{
	bool was_away = !seat->peer;

	sit(call, seat, peer);
	hub_clear_timer(seat->mount->hub, &seat->ack);
	session_restart_received(&seat->session);
	welcome(call, seat, peer);
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
static void replace_old(struct call *call)
{
	const struct room *room = call->old->member->room;

	call->inside = !strcmp(room->name, call->request->room) && is_of(call, call->old);
	call->locked = call->inside && nakodo_v1_is_locked(room);
	nakodo_v1_seat_leave(call->old, "gone", CLOSE_ELSEWHERE);
}

static bool is_locked_out(const struct call *call)
{
	return !call->inside && !nakodo_v1_is_moderator(call->grant) &&
	       nakodo_v1_is_locked(hub_room(call->v1->mount->space, call->request->room));
}

static void join_fresh(struct call *call, struct peer *peer)
{
	const char *subject = call->grant ? call->grant->subject : "";
	char *name = quote(call->name), *user = quote(subject);
	struct address address = address_of(call->request);
	struct nakodo_v1_seat *seat;
	size_t most = grant_bound(call->grant, call->v1->mount->env->options->room_peers);
	int error = (*call->name && !name) || (*subject && !user) ? -ENOMEM : 0;

	error = error ? error
		      : nakodo_v1_place_take(&seat, call->v1, call->request->room, &address, most);
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
	seat->locked = call->locked && seat->member->room->members == seat->member;
	nakodo_v1_seat_count(seat);
	sit(call, seat, peer);
	event_join(call->request->mount, seat->member->room, peer, seat->member->id);
	if (*call->nonce) {
		nakodo_v1_key_enter(seat, &seat->nonce, call->request->room, call->nonce);
	}
	welcome(call, seat, peer);
	announce(seat);
}

void nakodo_v1_join(struct peer *peer, const struct request *request)
{
	struct call call = {.request = request, .grant = peer->grant, .v1 = request->mount->state};
	const char *fault = read_names(&call);
	struct nakodo_v1_seat *before;
	int found;
	uint64_t n;

	if (fault) {
		nakodo_v1_refuse(peer, "bad-room", fault, CLOSE_BAD_ROOM);
		return;
	}
	found = find_old(&call, "session");
	if (found > 0 && !strcmp(call.old->member->room->name, request->room) &&
		is_of(&call, call.old) && read_count(&call, &n)) {
		resume(&call, peer, n);
		return;
	}
	call.lost = found;
	found = found ? found : find_old(&call, "replaces");
	if (found > 0) {
		replace_old(&call);
	} else if (found < 0 && !may_be_wrong(call.v1, request->address)) {
		hub_close(peer, CLOSE_TOO_MANY, "too many wrong sessions");
		return;
	}
	before = *call.nonce ? nakodo_v1_key_find(call.v1, request->room, call.nonce, NULL) : NULL;
	if (before && !is_of(&call, before)) {
		*call.nonce = '\0';
		before = NULL;
	}
	if (before) {
		join_again(&call, before, peer);
	} else if (is_locked_out(&call)) {
		meter_add(METER_LOCKED_OUT, 1);
		nakodo_v1_refuse(peer, "room-locked", "This room is locked.", CLOSE_LOCKED);
	} else {
		join_fresh(&call, peer);
	}
}

bool nakodo_v1_is_awaited(const struct mount *mount, const struct request *request)
{
	struct call call = {.request = request, .v1 = mount->state};

	int found = find_old(&call, "session");

	/* As in a join: after a session that is wrong nobody is replaced. */
	found = found ? found : find_old(&call, "replaces");
	if (found <= 0 && read_nonce(request, call.nonce) && *call.nonce) {
		call.old = nakodo_v1_key_find(call.v1, request->room, call.nonce, NULL);
	}
	/* Its place, kept or still in use, is free again in a moment. */
	return call.old && (call.old->peer || call.old->placed);
}
