/* nakodo_v1_token: owns the guests. See the header. */
#include "nakodo/dialect/nakodo_v1_token.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "nakodo/base/json.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/mount_audit.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/nakodo_v1_call.h"
#include "nakodo/dialect/nakodo_v1_join.h"
#include "nakodo/dialect/nakodo_v1_moderate.h"
#include "nakodo/dialect/nakodo_v1_seat.h"
#include "nakodo/hub/audit.h"
#include "nakodo/service/grant.h"
#include "nakodo/service/jwt.h"

#define GUEST_WAIT 10000 /* ms; a page may have to ask its own server for a token */
#define UNAUTHORIZED 4401
#define FORBIDDEN 4403

struct nakodo_v1_guest {
	struct nakodo_v1_party party; /* first: it is turned back by a cast */
	struct wheel_timer timer;
	struct nakodo_v1 *mount;
	struct peer *peer;
	struct request *request; /* a copy */
	struct nakodo_v1_guest *prev, *next; /* of the mount (utlist DL) */
};

static size_t weight(const struct nakodo_v1_guest *guest)
{
	return sizeof(*guest) + request_size(guest->request);
}

/* Returns what it asked for, to be freed. */
static struct request *guest_end(struct nakodo_v1_guest *guest)
{
	struct request *request = guest->request;

	hub_clear_timer(guest->mount->hub, &guest->timer);
	DL_DELETE(guest->mount->guests, guest);
	guest->peer->state_of_dialect = NULL;
	memory_give(MEMORY_CONNECTIONS, weight(guest));
	free(guest);
	return request;
}

static void on_late(struct wheel_timer *timer)
{
	size_t offset = offsetof(struct nakodo_v1_guest, timer);
	struct nakodo_v1_guest *guest = (void *)((char *)timer - offset);

	hub_close(guest->peer, UNAUTHORIZED, "no token has come");
}

void nakodo_v1_token_ask(struct peer *peer)
{
	hub_send_text(peer, &PART("{\"type\":\"token\"}"), 1);
}

void nakodo_v1_token_await(struct peer *peer, const struct request *request)
{
	struct nakodo_v1_guest *guest = calloc(1, sizeof(*guest));

	if (!guest || !(guest->request = request_copy(request))) {
		free(guest);
		hub_close(peer, 1011, "out of memory");
		return;
	}
	guest->party.guest = true;
	guest->mount = request->mount->state;
	guest->peer = peer;
	DL_APPEND(guest->mount->guests, guest);
	memory_take(MEMORY_CONNECTIONS, weight(guest));
	peer->state_of_dialect = guest;
	hub_set_timer(guest->mount->hub, &guest->timer, GUEST_WAIT, on_late);
	nakodo_v1_token_ask(peer);
}

void nakodo_v1_token_leave(struct peer *peer)
{
	if (peer->state_of_dialect) {
		free(guest_end(peer->state_of_dialect));
	}
}

/* What the token allows; NULL: it is not good, and `fault` says why. `buf` keeps the sentence. */
static struct grant *read_token(const struct dialect_env *env, const struct json_value *value,
	char *buf, size_t size, struct nakodo_v1_fault *fault)
{
	char token[JWT_MAX + 1];
	struct grant *grant;
	const char *why = "is too long";
	long len = json_decode(value, token, sizeof(token));

	if (len >= 0 && !env->read_token(env->cookie, token, (size_t)len, &grant, &why)) {
		return grant;
	}
	snprintf(buf, size, "The token %s.", why);
	*fault = (struct nakodo_v1_fault){"unauthorized", buf};
	return NULL;
}

static const struct nakodo_v1_fault forbidden = {
	"forbidden", "The token does not let into this room."};

struct request *nakodo_v1_token_hear(struct peer *peer, const char *data, size_t len)
{
	struct nakodo_v1_guest *guest = peer->state_of_dialect;
	struct json_member members[] = {{.name = "type"}, {.name = "token"}};
	struct nakodo_v1_fault fault = {"unauthorized", "A token is needed here."};
	struct grant *grant = NULL;
	const struct dialect_env *env;
	char buf[128];

	if (!guest) {
		return NULL;
	}
	env = guest->mount->mount->env;
	if (json_scan(data, len, members, 2) == JSON_OK &&
		json_equals(&members[0].value, "token") && members[1].value.kind == JSON_STRING) {
		grant = read_token(env, &members[1].value, buf, sizeof(buf), &fault);
	}
	if (grant && !grant_may_join(grant, guest->request->room)) {
		grant_destroy(grant);
		grant = NULL;
		fault = forbidden;
	}
	if (!grant) {
		nakodo_v1_refuse(peer, fault.code, fault.message,
			fault.code == forbidden.code ? FORBIDDEN : UNAUTHORIZED);
		return NULL;
	}
	env->take_grant(env->cookie, peer, grant);
	return guest_end(guest);
}

/* Numbered, as every error that a participant is told, but of no numbered message. */
static void refuse(struct nakodo_v1_seat *seat, const struct nakodo_v1_fault *fault)
{
	const struct iovec parts[] = {
		PART("{\"type\":\"error\",\"code\":\""),
		PART_OF(fault->code),
		PART("\",\"message\":\""),
		PART_OF(fault->message),
		PART("\"}"),
	};

	nakodo_v1_seat_send(seat, parts, 5);
}

static void say_taken(struct nakodo_v1_seat *seat, const struct grant *grant)
{
	int64_t left = grant->expires - time(NULL);
	struct text text = {0};
	struct iovec part;

	text_print(&text, "{\"type\":\"token\",\"seconds\":%" PRId64 ",", left > 0 ? left : 0);
	nakodo_v1_moderate_print(seat, &text);
	text_add(&text, "}");
	part.iov_base = text_take(&text, &part.iov_len);
	if (part.iov_base) {
		nakodo_v1_seat_tell(seat, &part, 1);
		free(part.iov_base);
	}
}

bool nakodo_v1_token_take(const struct nakodo_v1_call *call)
{
	const struct json_value *value = &call->members[CALL_TOKEN].value;
	struct nakodo_v1_seat *seat = call->seat;
	const struct dialect_env *env = seat->mount->mount->env;
	const struct grant *old = seat->peer->grant;
	struct nakodo_v1_fault fault;
	struct grant *grant;
	char buf[128];

	if (!json_equals(&call->members[CALL_TYPE].value, "token") || value->kind != JSON_STRING ||
		!old) {
		return false;
	}
	grant = read_token(env, value, buf, sizeof(buf), &fault);
	if (grant && (strcmp(grant->subject, old->subject) != 0 ||
			     !grant_may_join(grant, seat->member->room->name))) {
		grant_destroy(grant);
		grant = NULL;
		fault = (struct nakodo_v1_fault){
			"forbidden", "The token is not for this room, or somebody else's."};
	}
	if (grant) {
		env->take_grant(env->cookie, seat->peer, grant);
		say_taken(seat, grant);
	} else {
		refuse(seat, &fault);
	}
	return true;
}

#ifdef NAKODO_AUDIT
void nakodo_v1_token_audit(const struct nakodo_v1 *v1, struct audit *audit)
{
	const struct nakodo_v1_guest *guest;

	DL_FOREACH (v1->guests, guest) {
		audit_bytes(audit, MEMORY_CONNECTIONS, weight(guest));
	}
}
#endif
