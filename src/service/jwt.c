/* jwt: see the header. Nothing of a token is read before its signature is known to be right, but
 * the header, which chooses the key. */
#include "nakodo/service/jwt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nakodo/base/base64url.h"
#include "nakodo/base/json.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/text.h"
#include "nakodo/service/jwt_key.h"
#include "nakodo/service/jwt_keys.h"

#define BYTES_MAX (JWT_MAX * 3 / 4)
#define TIME_DIGITS 15 /* of seconds: no sum of two overflows */

struct part {
	const char *at;
	size_t len;
};

enum { HEADER, PAYLOAD, SIGNATURE, PARTS };

static int refuse(struct problem *problem, const char *why)
{
	return problem_set(problem, -EACCES, "%s", why);
}

static bool split(struct part ret[PARTS], const char *token, size_t len)
{
	for (int i = 0; i < PARTS; i++) {
		const char *dot = memchr(token, '.', len);
		size_t part = dot ? (size_t)(dot - token) : len;

		if (!part || !dot != (i == PARTS - 1)) {
			return false;
		}
		ret[i] = (struct part){token, part};
		if (dot) {
			token = dot + 1;
			len -= part + 1;
		}
	}
	return true;
}

static int choose_key(const struct part *header, const struct jwt_keys *keys,
	const struct jwt_key **ret, struct problem *problem)
{
	struct json_member members[] = {
		{.name = "alg"}, {.name = "kid"}, {.name = "crit"}, {.name = "typ"}};
	const struct json_value *type = &members[3].value;
	char text[BYTES_MAX], name[16] = "JWT";
	long len = base64url_decode(header->at, header->len, (unsigned char *)text, sizeof(text));

	if (len < 0 || json_scan(text, (size_t)len, members, 4) != JSON_OK) {
		return refuse(problem, "has no header that can be read");
	}
	if (members[2].value.kind != JSON_ABSENT) {
		return refuse(problem, "has a critical extension, and none is known here");
	}
	if (type->kind != JSON_ABSENT &&
		(json_decode(type, name, sizeof(name)) < 0 ||
			(strcasecmp(name, "JWT") && strcasecmp(name, "at+jwt")))) {
		return refuse(problem, "is for something else, as its `typ` says");
	}
	*ret = jwt_keys_find(keys, &members[1].value);
	if (!*ret) {
		return refuse(problem, "is signed with a key that is not known here");
	}
	return json_equals(&members[0].value, jwt_key_algorithm(*ret))
		       ? 0
		       : refuse(problem, "has another algorithm than its key");
}

static int check_signature(
	const struct part parts[PARTS], const struct jwt_key *key, struct problem *problem)
{
	const struct part *part = &parts[SIGNATURE];
	unsigned char signature[BYTES_MAX];
	size_t signed_len = parts[HEADER].len + 1 + parts[PAYLOAD].len;
	long len = base64url_decode(part->at, part->len, signature, sizeof(signature));

	return len > 0 && jwt_key_verify(key, parts[HEADER].at, signed_len, signature, (size_t)len)
		       ? 0
		       : refuse(problem, "has a wrong signature");
}

/* A NumericDate (RFC 7519 section 2) in whole seconds. */
static bool get_time(const struct json_value *value, int64_t *ret)
{
	size_t digits = 0;
	int64_t time = 0;

	if (value->kind != JSON_NUMBER) {
		return false;
	}
	while (digits < value->len && value->at[digits] >= '0' && value->at[digits] <= '9') {
		if (digits == TIME_DIGITS) {
			return false;
		}
		time = time * 10 + (value->at[digits++] - '0');
	}
	/* An exponent is no way to write a time, and nothing happened before the epoch. */
	if (!digits || memchr(value->at, 'e', value->len) || memchr(value->at, 'E', value->len)) {
		return false;
	}
	*ret = time;
	return true;
}

static bool is_for(const struct json_value *audience, const char *us)
{
	struct json_value item = {0};

	if (json_equals(audience, us)) {
		return true;
	}
	while (json_next(audience, &item)) {
		if (json_equals(&item, us)) {
			return true;
		}
	}
	return false;
}

static int check_claims(struct jwt_claims *claims, int64_t now, const struct jwt_expected *expected,
	struct problem *problem)
{
	struct json_member members[] = {
		{.name = "exp"}, {.name = "nbf"}, {.name = "iss"}, {.name = "aud"}};
	const struct json_value *audience = &members[3].value;
	int64_t begins;

	if (json_scan(claims->text, claims->len, members, 4) != JSON_OK) {
		return refuse(problem, "says nothing that can be read");
	}
	if (!get_time(&members[0].value, &claims->expires)) {
		return refuse(problem, "does not say when it expires");
	}
	if (now >= claims->expires + JWT_LEEWAY) {
		return refuse(problem, "has expired");
	}
	if (members[1].value.kind != JSON_ABSENT &&
		(!get_time(&members[1].value, &begins) || now < begins - JWT_LEEWAY)) {
		return refuse(problem, "is not good yet");
	}
	if (*expected->issuer && !json_equals(&members[2].value, expected->issuer)) {
		return refuse(problem, "is from another issuer");
	}
	if (*expected->audience ? !is_for(audience, expected->audience)
				: audience->kind != JSON_ABSENT) {
		return refuse(problem, "is for another audience");
	}
	return 0;
}

int jwt_verify(const struct jwt_keys *keys, const char *token, size_t len, int64_t now,
	const struct jwt_expected *expected, struct jwt_claims *ret, struct problem *problem)
{
	struct part parts[PARTS];
	const struct jwt_key *key;
	long bytes;
	int error;

	if (len > JWT_MAX) {
		return refuse(problem, "is too long");
	}
	if (!split(parts, token, len)) {
		return refuse(problem, "is no signed token");
	}
	error = choose_key(&parts[HEADER], keys, &key, problem);
	error = error ? error : check_signature(parts, key, problem);
	if (error) {
		return error;
	}
	bytes = base64url_decode(parts[PAYLOAD].at, parts[PAYLOAD].len, (unsigned char *)ret->text,
		sizeof(ret->text));
	if (bytes < 0) {
		return refuse(problem, "says nothing that can be read");
	}
	ret->len = (size_t)bytes;
	return check_claims(ret, now, expected, problem);
}

static void add_base64url(struct text *text, const void *bytes, size_t len)
{
	char encoded[BASE64URL_TEXT(BYTES_MAX)];

	text_add_bytes(text, encoded, base64url_encode(bytes, len, encoded));
}

static void add_header(struct text *text, const struct jwt_key *key)
{
	char id[JSON_QUOTED(JWT_KEY_ID)];
	struct text header = {0};
	char *whole;
	size_t len;

	text_print(&header, "{\"alg\":\"%s\",\"typ\":\"JWT\"", jwt_key_algorithm(key));
	if (*jwt_key_id(key) && json_quote(jwt_key_id(key), id, sizeof(id)) > 0) {
		text_print(&header, ",\"kid\":%s", id);
	}
	text_add(&header, "}");
	whole = text_take(&header, &len);
	text->failed |= !whole;
	add_base64url(text, whole ? whole : "", whole ? len : 0);
	free(whole);
}

int jwt_sign(char **ret, const struct jwt_key *key, const char *claims)
{
	unsigned char signature[JWT_SIGNATURE];
	struct text text = {0};
	size_t len = strlen(claims);
	long signed_len;

	if (len > BYTES_MAX / 2) {
		return -EINVAL;
	}
	add_header(&text, key);
	text_add(&text, ".");
	add_base64url(&text, claims, len);
	signed_len = text.failed ? -ENOMEM : jwt_key_sign(key, text.at, text.len, signature);
	if (signed_len >= 0) {
		text_add(&text, ".");
		add_base64url(&text, signature, (size_t)signed_len);
	}
	*ret = text_take(&text, NULL);
	if (signed_len < 0) {
		free(*ret);
		return (int)signed_len;
	}
	return *ret ? 0 : -ENOMEM;
}
