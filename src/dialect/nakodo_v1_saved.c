/* nakodo_v1_saved: see the header. */
#include "nakodo/dialect/nakodo_v1_saved.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/json.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/saved.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/event.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/nakodo_v1_history.h"
#include "nakodo/dialect/nakodo_v1_mount.h"
#include "nakodo/dialect/nakodo_v1_seat.h"
#include "nakodo/dialect/nakodo_v1_visit.h"
#include "nakodo/hub/frame_book.h"

#define WAIT_MOST (UINT64_C(3600) * 1000) /* ms */
#define CONNECTED (WAIT_MOST + 1) /* in place of that: it has a connection */

/* Seats that have been read, and how long each may still take. */
struct awaited {
	struct awaited_one {
		struct nakodo_v1_seat *seat;
		uint64_t wait; /* ms */
	} *all;
	size_t count, room;
};

static uint64_t resume_time(const struct nakodo_v1 *v1)
{
	return v1->mount->env->options->resume_seconds * 1000;
}

/* ms until it leaves; with a connection, as if that were lost now. */
static uint64_t left(const struct nakodo_v1_seat *seat)
{
	uint64_t now = hub_now(seat->mount->hub);

	if (seat->peer) {
		return resume_time(seat->mount);
	}
	if (seat->unheard) {
		return seat->wait;
	}
	return seat->gone.due > now ? seat->gone.due - now : 0;
}

/* Messages that may come at no cost. */
static uint64_t granted(const struct nakodo_v1_seat *seat)
{
	const struct options *options = seat->mount->mount->env->options;
	uint64_t since = hub_now(seat->mount->hub) - seat->granted;
	uint64_t grant = seat->grant + since * options->message_rate / 1000;

	return grant < options->resume_messages ? grant : options->resume_messages;
}

static void save_key(struct save *save, const struct nakodo_v1_key *key)
{
	save_bytes(save, key->hash, key->seat ? sizeof(key->hash) : 0);
}

void nakodo_v1_save_seat(const struct nakodo_v1_seat *seat, const struct frame_book *book,
	struct save *save, bool lasting)
{
	const struct options *options = seat->mount->mount->env->options;

	save_text(save, seat->member->room->name);
	save_text(save, seat->member->id);
	save_number(save, seat->locked);
	save_text(save, seat->name);
	save_text(save, lasting ? NULL : seat->meta);
	save_text(save, seat->user);
	save_text(save, lasting ? NULL : seat->snapshot);
	save_bytes(save, &seat->address, sizeof(seat->address));
	save_number(save, !lasting                      ? left(seat)
			  : seat->peer || seat->unheard ? CONNECTED
							: seat->wait);
	save_number(save, lasting ? options->resume_messages : granted(seat));
	save_key(save, &seat->confirmed);
	save_key(save, &seat->issued);
	save_key(save, &seat->nonce);
	session_save(&seat->session, book, save);
	nakodo_v1_waiting_save(&seat->waiting, book, save);
	if (lasting) {
		save_number(save, seat->attempt);
	}
}

void nakodo_v1_save_self(const struct nakodo_v1_seat *seat, struct save *save)
{
	save_text(save, seat->member->id);
	save_text(save, seat->meta);
	save_text(save, seat->snapshot);
}

void nakodo_v1_save(const struct mount *mount, struct save *save)
{
	const struct room *room = hub_first_room(mount->space);
	struct frame_book book = {0};
	const struct member *member;

	for (; room; room = room->hh.next) {
		DL_FOREACH (room->members, member) {
			const struct nakodo_v1_seat *seat = nakodo_v1_seat_of(member);

			if (session_save_frames(&seat->session, &book, save)) {
				save->error = save->error ? save->error : -ENOMEM;
			}
			save_begin(save, SAVE_SEAT);
			nakodo_v1_save_seat(seat, &book, save, false);
			save_end(save);
			meter_add(METER_SESSIONS_SAVED, 1);
		}
	}
	nakodo_v1_history_save(mount->state, save);
	frame_book_finish(&book);
}

/* Is the text a JSON value of that kind, and nothing beside it? */
static bool is_json(const char *text, enum json_kind kind)
{
	struct json_member member = {.name = "x"};
	struct text whole = {0};
	char *at;
	size_t len;
	bool is;

	text_print(&whole, "{\"x\":%s}", text);
	at = text_take(&whole, &len);
	is = at && json_scan(at, len, &member, 1) == JSON_OK && member.value.kind == kind &&
	     member.value.len == strlen(text);
	free(at);
	return is;
}

/* Members of an object, without its braces. */
static bool are_members(const char *text)
{
	struct text whole = {0};
	char *at;
	size_t len;
	bool are;

	text_print(&whole, "{%s}", text);
	at = text_take(&whole, &len);
	are = at && json_scan(at, len, NULL, 0) == JSON_OK;
	free(at);
	return are;
}

static bool is_id(const char *id)
{
	return id && strlen(id) == NAKODO_V1_ID - 1 &&
	       strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
		       NAKODO_V1_ID - 1;
}

/* A copy of the text that stands next in the record; what is not right makes all bad. NULL: there
 * is none, or there is no memory for it. */
static char *take_text(struct saved *saved, enum json_kind kind, int *error)
{
	const char *text = saved_text(saved);
	char *copy = NULL;

	if (text && !(kind == JSON_ABSENT ? are_members(text) : is_json(text, kind))) {
		saved->bad = true;
	} else if (text) {
		copy = strdup(text);
		*error = copy ? *error : -ENOMEM;
	}
	return copy;
}

static int restore_key(struct nakodo_v1_seat *seat, struct nakodo_v1_key *key, struct saved *saved)
{
	size_t len;
	const void *hash = saved_bytes(saved, &len);

	saved->bad |= len && len != sizeof(key->hash);
	if (saved->bad || !len) {
		return 0;
	}
	memcpy(key->hash, hash, sizeof(key->hash));
	return nakodo_v1_key_enter_hash(seat, key);
}

static int restore_keys(struct nakodo_v1_seat *seat, struct saved *saved)
{
	int error = restore_key(seat, &seat->confirmed, saved);

	error = error ? error : restore_key(seat, &seat->issued, saved);
	return error ? error : restore_key(seat, &seat->nonce, saved);
}

/* What stands behind the seat's room and id. */
static int fill_seat(struct nakodo_v1_seat *seat, const struct frame_book *book,
	struct saved *saved, uint64_t *ret_wait)
{
	int error = 0;

	seat->locked = saved_number_up_to(saved, 1);
	saved->bad |= seat->locked && seat->member->room->members != seat->member;
	seat->name = take_text(saved, JSON_STRING, &error);
	seat->meta = take_text(saved, JSON_OBJECT, &error);
	seat->user = take_text(saved, JSON_STRING, &error);
	seat->snapshot = take_text(saved, JSON_ABSENT, &error);
	nakodo_v1_seat_count(seat);
	saved_copy(saved, &seat->address, sizeof(seat->address));
	*ret_wait = saved_number_up_to(saved, CONNECTED);
	seat->grant = saved_number_up_to(saved, UINT32_MAX);
	error = error ? error : restore_keys(seat, saved);
	error = error ? error : session_restore(&seat->session, book, saved);
	nakodo_v1_waiting_begin(&seat->waiting, &seat->session);
	error = error ? error : nakodo_v1_waiting_restore(&seat->waiting, book, saved);
	if (*ret_wait == CONNECTED) { /* from now on it is away */
		nakodo_v1_waiting_end(&seat->waiting);
		nakodo_v1_waiting_begin(&seat->waiting, &seat->session);
	}
	if (seat->mount->only) {
		seat->attempt = (uint32_t)saved_number_up_to(saved, UINT32_MAX);
	}
	return error;
}

static int note_awaited(struct awaited *awaited, struct nakodo_v1_seat *seat, uint64_t wait)
{
	size_t room = awaited->room ? awaited->room * 2 : 64;
	struct awaited_one *all = awaited->all;

	if (awaited->count == awaited->room) {
		all = reallocarray(all, room, sizeof(*all));
		if (!all) {
			return -ENOMEM;
		}
		awaited->all = all;
		awaited->room = room;
	}
	all[awaited->count++] = (struct awaited_one){seat, wait};
	return 0;
}

static int restore_seat(struct nakodo_v1 *v1, const struct frame_book *book, struct saved *saved,
	struct awaited *awaited)
{
	const char *room = saved_text(saved), *id = saved_text(saved);
	struct nakodo_v1_seat *seat;
	uint64_t wait;
	int error;

	if (!room || !nakodo_v1_is_name(room) || !is_id(id) ||
		(v1->only && strcmp(room, v1->only) != 0)) {
		return -EBADMSG;
	}
	if (!mount_serves(v1->mount, room)) {
		saved_skip(saved);
		return 0;
	}
	error = nakodo_v1_seat_restore(&seat, v1, room, id);
	if (error) {
		return error == -ENOMEM ? error : -EBADMSG;
	}
	error = fill_seat(seat, book, saved, &wait);
	return error ? error : note_awaited(awaited, seat, wait);
}

/* Of a seat that was read before. */
static int restore_self(const struct nakodo_v1 *v1, struct saved *saved)
{
	const struct room *room = v1->only ? hub_room(v1->mount->space, v1->only) : NULL;
	const char *id = saved_text(saved);
	struct member *member = room && id ? hub_find(room, id) : NULL;
	struct nakodo_v1_seat *seat = member ? nakodo_v1_seat_of(member) : NULL;
	int error = 0;

	if (v1->only && !room) {
		saved_skip(saved);
		return 0; /* it is not served here */
	}
	if (!seat || seat->meta || seat->snapshot) {
		return -EBADMSG;
	}
	seat->meta = take_text(saved, JSON_OBJECT, &error);
	seat->snapshot = take_text(saved, JSON_ABSENT, &error);
	nakodo_v1_seat_count(seat);
	return error;
}

static bool lacks_snapshot(const struct awaited *awaited)
{
	for (size_t i = 0; i < awaited->count; i++) {
		const struct nakodo_v1_seat *seat = awaited->all[i].seat;

		if (seat->nonce.seat && !seat->snapshot && !seat->confirmed.seat) {
			return true;
		}
	}
	return false;
}

static int compare(const void *one, const void *other)
{
	uint64_t a = ((const struct awaited_one *)one)->wait;
	uint64_t b = ((const struct awaited_one *)other)->wait;

	return a < b ? -1 : a > b;
}

/* In the order in which they lost their connections. */
static void await_all(struct awaited *awaited, uint64_t elapsed, uint64_t most)
{
	if (!awaited->count) {
		return; /* qsort(3) takes no NULL */
	}
	qsort(awaited->all, awaited->count, sizeof(*awaited->all), compare);
	for (size_t i = 0; i < awaited->count; i++) {
		uint64_t wait = awaited->all[i].wait;
		bool connected = wait == CONNECTED;

		wait = wait < most ? wait : most;
		wait = wait > elapsed ? wait - elapsed : 0;
		if (connected) {
			nakodo_v1_seat_miss(awaited->all[i].seat, wait);
		} else {
			nakodo_v1_seat_await(awaited->all[i].seat, wait);
		}
		meter_add(METER_SESSIONS_RESTORED, 1);
	}
}

static void tell_member(const struct nakodo_v1 *v1, const struct member *member)
{
	const struct nakodo_v1_seat *seat = nakodo_v1_seat_of(member);
	const char *text = seat->user; /* JSON */
	size_t len = text ? strlen(text) : 0;
	const struct json_value value = {.kind = JSON_STRING, .at = text, .len = len};
	char *user = text ? malloc(len + 1) : NULL;

	if (user && json_decode(&value, user, len + 1) < 0) {
		*user = '\0';
	}
	event_restore(v1->mount, member, &seat->address, user);
	free(user);
}

static void tell_rooms(const struct nakodo_v1 *v1, const struct awaited *awaited)
{
	const struct member *member;

	for (size_t i = 0; i < awaited->count; i++) {
		const struct member *own = awaited->all[i].seat->member;

		if (own == own->room->members) {
			DL_FOREACH (own->room->members, member) {
				tell_member(v1, member);
			}
		}
	}
}

static int restore_record(
	struct nakodo_v1 *v1, struct frame_book *book, struct saved *saved, struct awaited *awaited)
{
	switch (saved->kind) {
	case SAVE_FRAME:
		return frame_book_read(book, saved);
	case SAVE_NUMBERED:
		return frame_book_read_numbered(book, saved);
	case SAVE_SEAT:
		return restore_seat(v1, book, saved, awaited);
	case SAVE_HISTORY:
		return nakodo_v1_history_restore(v1, saved);
	case SAVE_SEAT_SELF:
		return restore_self(v1, saved);
	default:
		return -EBADMSG;
	}
}

static int restore(struct mount *mount, struct saved *saved, uint64_t elapsed)
{
	struct nakodo_v1 *v1 = mount->state;
	const struct options *options = mount->env->options;
	struct frame_book book = {0};
	struct awaited awaited = {0};
	int error = 0;

	v1->untold = true;
	/* Who was let in stays in, whatever the limits are now. */
	hub_space_set_room_members(mount->space, SIZE_MAX);
	while (!error && saved_next(saved) && saved->kind != SAVE_MOUNT_END) {
		error = restore_record(v1, &book, saved, &awaited);
	}
	hub_space_set_room_members(mount->space, options->room_peers);
	error = error ? error : saved->bad || lacks_snapshot(&awaited) ? -EBADMSG : 0;
	if (!error) {
		v1->untold = false;
		tell_rooms(v1, &awaited);
		await_all(&awaited, elapsed, resume_time(v1));
	}
	free(awaited.all);
	frame_book_finish(&book);
	return error;
}

int nakodo_v1_restore(struct mount *mount, struct saved *saved, uint64_t elapsed)
{
	return restore(mount, saved, elapsed);
}

static void forget_room(struct nakodo_v1 *v1, const char *name)
{
	struct room *room;

	v1->silent = true;
	while ((room = hub_room(v1->mount->space, name))) {
		struct nakodo_v1_seat *seat = nakodo_v1_seat_of(room->members);
		struct peer *peer = seat->peer;

		if (!v1->untold) {
			event_leave_member(v1->mount, seat->member, &seat->address, EVENT_GONE);
		}
		nakodo_v1_seat_destroy(seat);
		if (peer) {
			hub_close(peer, 1012, "another node has this room now");
		}
	}
	v1->untold = v1->silent = false;
}

void nakodo_v1_give_up_room(struct mount *mount, const char *name)
{
	struct nakodo_v1 *v1 = mount->state;

	v1->untold = true; /* who has the room tells of them */
	forget_room(v1, name);
}

/* Who comes back with more than is known here cannot go on. */
static void limit_known(const struct room *room)
{
	const struct member *member;

	DL_FOREACH (room ? room->members : NULL, member) {
		struct nakodo_v1_seat *seat = nakodo_v1_seat_of(member);

		seat->known = seat->session.sent;
	}
}

int nakodo_v1_restore_room(
	struct mount *mount, const char *name, struct saved *saved, uint64_t elapsed, bool stale)
{
	struct nakodo_v1 *v1 = mount->state;
	const struct room *room = hub_room(mount->space, name);
	int error;

	if (room && (!stale || !nakodo_v1_is_deserted(room))) {
		return 0;
	}
	forget_room(v1, name);
	if (!saved || elapsed >= resume_time(v1)) {
		return 0; /* they have all left by now */
	}
	v1->only = name;
	error = restore(mount, saved, elapsed);
	v1->only = NULL;
	if (error) {
		forget_room(v1, name);
	}
	limit_known(hub_room(mount->space, name));
	return error;
}

void nakodo_v1_forget(struct mount *mount)
{
	struct nakodo_v1 *v1 = mount->state;
	struct nakodo_v1_seat *seat, *next;

	v1->silent = true;
	DL_FOREACH_SAFE (v1->seats, seat, next) {
		if (!v1->untold) {
			event_leave_member(mount, seat->member, &seat->address, EVENT_GONE);
		}
		nakodo_v1_seat_destroy(seat);
	}
	v1->untold = v1->silent = false;
}
