/* jwt_keys: owns the list, and what is asked of the files. */
#include "nakodo/service/jwt_keys.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "nakodo/base/file.h"
#include "nakodo/base/json.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/service/jwk.h"
#include "nakodo/service/jwt_key.h"

#define FILE_MAX (256 << 10) /* bytes */

struct jwt_keys {
	size_t count;
	struct jwt_key *keys[JWT_KEYS_MAX];
};

/* KID:ALGORITHM:FILE, taken apart. */
struct named_file {
	char id[JWT_KEY_ID + 1], algorithm[16];
	const char *path;
};

/* Copy what stands before a colon, and go behind it. */
static bool take(const char **at, char *buf, size_t size)
{
	size_t len = strcspn(*at, ":");

	if (!len || len >= size || !(*at)[len]) {
		return false;
	}
	memcpy(buf, *at, len);
	buf[len] = '\0';
	*at += len + 1;
	return true;
}

static bool parse(struct named_file *ret, const char *text)
{
	ret->path = text;
	return take(&ret->path, ret->id, sizeof(ret->id)) &&
	       take(&ret->path, ret->algorithm, sizeof(ret->algorithm)) &&
	       jwt_key_knows(ret->algorithm) && *ret->path;
}

int jwt_keys_check(const char *text, struct problem *problem)
{
	struct named_file file;

	return parse(&file, text)
		       ? 0
		       : problem_set(problem, -EINVAL,
				 "must be KID:ALGORITHM:FILE, as in "
				 "main:EdDSA:/etc/nakodo/key.pem; "
				 "ALGORITHM is HS256, HS384, HS512, RS256, PS256, ES256 or EdDSA");
}

struct jwt_keys *jwt_keys_create(void)
{
	return calloc(1, sizeof(struct jwt_keys));
}

void jwt_keys_destroy(struct jwt_keys *keys)
{
	for (size_t i = 0; keys && i < keys->count; i++) {
		jwt_key_destroy(keys->keys[i]);
	}
	free(keys);
}

int jwt_keys_add(struct jwt_keys *keys, struct jwt_key *key, struct problem *problem)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (!strcmp(jwt_key_id(keys->keys[i]), jwt_key_id(key))) {
			jwt_key_destroy(key);
			return problem_set(problem, -EINVAL, "another key has its name already");
		}
	}
	if (keys->count == JWT_KEYS_MAX) {
		jwt_key_destroy(key);
		return problem_set(problem, -EINVAL, "that is more than %d keys", JWT_KEYS_MAX);
	}
	keys->keys[keys->count++] = key;
	return 0;
}

static int add_one(struct jwt_keys *keys, const struct json_value *item, struct problem *problem)
{
	struct problem detail;
	struct jwt_key *key;
	int error = jwk_read(&key, item->at, item->len, &detail);

	if (error == -ENOTSUP) {
		return 0;
	}
	return error ? problem_set(problem, error, "a key in it: %s", detail.text)
		     : jwt_keys_add(keys, key, problem);
}

int jwt_keys_add_set(struct jwt_keys *keys, const char *text, size_t len, struct problem *problem)
{
	struct json_member member = {.name = "keys"};
	struct json_value item = {0};
	size_t before = keys->count;
	int error = 0;

	if (json_scan(text, len, &member, 1) != JSON_OK || member.value.kind != JSON_ARRAY) {
		return problem_set(
			problem, -EINVAL, "it is no JWK set, a JSON object with an array `keys`");
	}
	while (!error && json_next(&member.value, &item)) {
		error = add_one(keys, &item, problem);
	}
	if (!error && keys->count == before) {
		error = problem_set(
			problem, -EINVAL, "it has no key that tokens can be checked with");
	}
	return error;
}

/* Could others have put their own key there, or read what signs? */
static int check_mode(
	const struct jwt_keys *keys, size_t first, mode_t mode, struct problem *problem)
{
	if (mode & S_IWOTH) {
		return problem_set(problem, -EINVAL,
			"everybody may write to it (mode %04o): chmod o-w", mode & 07777);
	}
	for (size_t i = first; i < keys->count; i++) {
		if (jwt_key_is_secret(keys->keys[i]) && mode & S_IROTH) {
			return problem_set(problem, -EINVAL,
				"it holds a secret that everybody may read (mode %04o): chmod o-r",
				mode & 07777);
		}
	}
	return 0;
}

/* `file` NULL: a set. */
static int read_file(struct jwt_keys *keys, const struct named_file *file, const char *path,
	struct problem *problem)
{
	size_t len, first = keys->count;
	struct jwt_key *key;
	mode_t mode;
	char *text = file_read(path, FILE_MAX, &len, &mode);
	int error;

	if (!text) {
		return problem_set(problem, -EINVAL, "%s", file_error_text(errno));
	}
	if (file) {
		error = jwt_key_create(&key, file->id, file->algorithm, text, len, problem);
		error = error ? error : jwt_keys_add(keys, key, problem);
	} else {
		error = jwt_keys_add_set(keys, text, len, problem);
	}
	OPENSSL_cleanse(text, len);
	free(text);
	return error ? error : check_mode(keys, first, mode, problem);
}

static int add_item(struct jwt_keys *keys, const struct option_item *item, struct problem *problem)
{
	struct named_file file;
	struct problem detail;
	int error = jwt_keys_check(item->value, &detail);

	if (!error) {
		parse(&file, item->value);
		error = read_file(keys, &file, file.path, &detail);
	}
	return error ? problem_set(problem, error, "%s: auth-key `%s`: %s", item->where,
			       item->value, detail.text)
		     : 0;
}

int jwt_keys_load(struct jwt_keys **ret, const struct option_list *keys, const char *set,
	const char *set_where, struct problem *problem)
{
	struct jwt_keys *made = jwt_keys_create();
	struct problem detail;
	int error = made ? 0 : problem_set(problem, -ENOMEM, "out of memory");

	for (size_t i = 0; !error && i < keys->count; i++) {
		error = add_item(made, &keys->items[i], problem);
	}
	if (!error && *set) {
		error = read_file(made, NULL, set, &detail);
		if (error) {
			problem_set(problem, error, "%s: auth-jwks `%s`: %s", set_where, set,
				detail.text);
		}
	}
	if (error) {
		jwt_keys_destroy(made);
		return error;
	}
	*ret = made;
	return 0;
}

const struct jwt_key *jwt_keys_find(const struct jwt_keys *keys, const struct json_value *id)
{
	if (id->kind == JSON_ABSENT && keys->count == 1) {
		return keys->keys[0];
	}
	for (size_t i = 0; i < keys->count; i++) {
		const char *own = jwt_key_id(keys->keys[i]);

		if (id->kind == JSON_ABSENT ? !*own : *own && json_equals(id, own)) {
			return keys->keys[i];
		}
	}
	return NULL;
}

const struct jwt_key *jwt_keys_first(const struct jwt_keys *keys)
{
	return keys->count ? keys->keys[0] : NULL;
}
