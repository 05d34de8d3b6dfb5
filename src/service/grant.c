/* grant: see the header. */
#include "nakodo/service/grant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/json.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/text.h"
#include "nakodo/service/jwt.h"

#define MAX_DIGITS 7 /* of `max` */

enum { SUBJECT, NAME, ROOM, CAN, MAX, COUNT };

static int refuse(struct problem *problem, const char *why)
{
	return problem_set(problem, -EACCES, "%s", why);
}

/* Put a text behind what is there, with its NUL; *at is moved behind it. */
static bool add_text(const struct json_value *value, char **at)
{
	long len = json_decode(value, *at, GRANT_NAME + 1);

	if (len < 0) {
		return false;
	}
	*at += len + 1;
	return true;
}

/* Of one that need not be there. */
static bool add_optional(const struct json_value *value, char **at, const char **ret)
{
	*ret = *at;
	if (value->kind != JSON_ABSENT) {
		return add_text(value, at);
	}
	*(*at)++ = '\0';
	return true;
}

static bool add_rooms(struct grant *grant, const struct json_value *rooms, char **at)
{
	struct json_value item = {0};

	if (rooms->kind == JSON_STRING) {
		grant->rooms = 1;
		return add_text(rooms, at);
	}
	while (json_next(rooms, &item)) {
		if (grant->rooms++ == GRANT_ROOMS || !add_text(&item, at)) {
			return false;
		}
	}
	return grant->rooms;
}

static const struct {
	const char *word;
	enum grant_right right;
} rights_known[] = {{"send", GRANT_SEND}, {"receive", GRANT_RECEIVE}, {"moderate", GRANT_MODERATE},
	{"admin", GRANT_ADMIN}};

#define RIGHTS (sizeof(rights_known) / sizeof(*rights_known))

unsigned grant_right_of(const char *word)
{
	for (size_t i = 0; i < RIGHTS; i++) {
		if (!strcmp(word, rights_known[i].word)) {
			return rights_known[i].right;
		}
	}
	return 0;
}

static bool read_rights(struct grant *grant, const struct json_value *rights)
{
	struct json_value item = {0};

	if (rights->kind == JSON_ABSENT) {
		grant->can = GRANT_SEND | GRANT_RECEIVE;
		return true;
	}
	while (json_next(rights, &item)) {
		for (size_t i = 0; i < RIGHTS; i++) {
			grant->can |= json_equals(&item, rights_known[i].word)
					      ? rights_known[i].right
					      : 0;
		}
	}
	return rights->kind == JSON_ARRAY;
}

static bool read_max(struct grant *grant, const struct json_value *max)
{
	if (max->kind == JSON_ABSENT) {
		return true;
	}
	for (size_t i = 0; i < max->len && i < MAX_DIGITS; i++) {
		if (max->at[i] < '0' || max->at[i] > '9') {
			return false;
		}
		grant->max = grant->max * 10 + (unsigned)(max->at[i] - '0');
	}
	return grant->max && max->len <= MAX_DIGITS;
}

static int fill(
	struct grant *grant, const struct jwt_claims *claims, char *at, struct problem *problem)
{
	struct json_member members[COUNT] = {
		[SUBJECT] = {.name = "sub"},
		[NAME] = {.name = "name"},
		[ROOM] = {.name = "room"},
		[CAN] = {.name = "can"},
		[MAX] = {.name = "max"},
	};

	if (json_scan(claims->text, claims->len, members, COUNT) != JSON_OK) {
		return refuse(problem, "says nothing that can be read");
	}
	if (!add_rooms(grant, &members[ROOM].value, &at)) {
		return refuse(problem, "names no rooms as they can be");
	}
	if (!add_optional(&members[SUBJECT].value, &at, &grant->subject) ||
		!add_optional(&members[NAME].value, &at, &grant->name)) {
		return refuse(
			problem, "has a `sub` or `name` that is no text of 128 bytes at most");
	}
	if (!read_rights(grant, &members[CAN].value) || !read_max(grant, &members[MAX].value)) {
		return refuse(problem, "has a `can` or `max` that cannot be read");
	}
	return 0;
}

int grant_read(struct grant **ret, const struct jwt_claims *claims, struct problem *problem)
{
	/* Decoding makes nothing longer, and each text has quotes in place of the NUL; what is not
	 * there takes a NUL, too. The last text may be looked at for GRANT_NAME bytes. */
	size_t size = sizeof(struct grant) + claims->len + 2 + GRANT_NAME + 1;
	struct grant *grant = calloc(1, size);
	int error;

	if (!grant) {
		return problem_set(problem, -ENOMEM, "cannot be read: out of memory");
	}
	memory_take(MEMORY_CONNECTIONS, size);
	grant->size = size;
	grant->expires = claims->expires;
	error = fill(grant, claims, grant->text, problem);
	if (error) {
		grant_destroy(grant);
		return error;
	}
	*ret = grant;
	return 0;
}

static bool is_said(const struct json_value *value)
{
	return value->kind != JSON_ABSENT && value->kind != JSON_NULL;
}

/* What the token said, or if there is none, the least. */
static void add_known(struct text *out, const struct grant *token, int member)
{
	const char *room = token ? token->text : "*";

	switch (member) {
	case SUBJECT:
		text_quote(out, token ? token->subject : "");
		break;
	case NAME:
		text_quote(out, token ? token->name : "");
		break;
	case ROOM:
		for (unsigned i = 0; i < (token ? token->rooms : 1); i++) {
			text_add(out, i ? "," : "[");
			text_quote(out, room);
			room += strlen(room) + 1;
		}
		text_add(out, "]");
		break;
	default:
		text_add(out, "[\"\"");
		for (size_t i = 0; i < RIGHTS; i++) {
			if ((token ? token->can : GRANT_SEND | GRANT_RECEIVE) &
				rights_known[i].right) {
				text_print(out, ",\"%s\"", rights_known[i].word);
			}
		}
		text_add(out, "]");
	}
}

/* The claims of a token that says so. */
static void add_claims(
	struct text *out, const struct grant *token, const struct json_member *members)
{
	static const char *const names[COUNT] = {
		"{\"sub\":", ",\"name\":", ",\"room\":", ",\"can\":", ",\"max\":"};

	for (int i = 0; i < MAX; i++) {
		const struct json_value *value = &members[i].value;

		text_add(out, names[i]);
		if (is_said(value) && !(token && (i == SUBJECT || i == ROOM))) {
			text_add_bytes(out, value->at, value->len);
		} else {
			add_known(out, token, i);
		}
	}
	if (is_said(&members[MAX].value)) {
		text_add(out, names[MAX]);
		text_add_bytes(out, members[MAX].value.at, members[MAX].value.len);
	} else if (token && token->max) {
		text_print(out, "%s%u", names[MAX], token->max);
	}
	text_add(out, "}");
}

int grant_answer(struct grant **ret, const struct grant *token, const char *text, size_t len,
	struct problem *problem)
{
	struct json_member members[COUNT] = {
		[SUBJECT] = {.name = "user"},
		[NAME] = {.name = "name"},
		[ROOM] = {.name = "room"},
		[CAN] = {.name = "can"},
		[MAX] = {.name = "max"},
	};
	struct jwt_claims claims = {.expires = token ? token->expires : INT64_MAX};
	struct text said = {0};
	bool any = false;
	char *made;

	if (json_scan(text, len, members, COUNT) != JSON_OK) {
		return refuse(problem, "cannot be read");
	}
	for (int i = 0; i < COUNT; i++) {
		any |= is_said(&members[i].value);
	}
	*ret = NULL;
	if (!any) {
		return 0;
	}
	add_claims(&said, token, members);
	made = text_take(&said, &claims.len);
	if (made && claims.len <= sizeof(claims.text)) {
		memcpy(claims.text, made, claims.len);
	}
	free(made);
	if (!made) {
		return problem_set(problem, -ENOMEM, "cannot be read: out of memory");
	}
	return claims.len <= sizeof(claims.text) ? grant_read(ret, &claims, problem)
						 : refuse(problem, "is too long");
}

void grant_destroy(struct grant *grant)
{
	if (grant) {
		memory_give(MEMORY_CONNECTIONS, grant->size);
		free(grant);
	}
}

void grant_print(const struct grant *grant, struct text *out)
{
	if (grant) {
		text_add(out, ",\"user\":");
		text_quote(out, grant->subject);
	}
	if (grant && *grant->name) {
		text_add(out, ",\"name\":");
		text_quote(out, grant->name);
	}
}

size_t grant_bound(const struct grant *grant, size_t most)
{
	return grant && grant->max && grant->max < most ? grant->max : most;
}

bool grant_may_join(const struct grant *grant, const char *room)
{
	const unsigned both = GRANT_SEND | GRANT_RECEIVE;
	const char *pattern;

	if (!grant) {
		return true;
	}
	pattern = grant->text;
	for (unsigned i = 0; i < grant->rooms && (grant->can & both) == both; i++) {
		size_t len = strlen(pattern);
		bool prefix = len && pattern[len - 1] == '*';

		if (prefix ? !strncmp(pattern, room, len - 1) : !strcmp(pattern, room)) {
			return true;
		}
		pattern += len + 1;
	}
	return false;
}
