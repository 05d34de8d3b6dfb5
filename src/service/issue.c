/* issue: owns the arguments of `nakodo token`; the token itself is service/jwt's. */
#include "nakodo/service/issue.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/utf8.h"
#include "nakodo/service/grant.h"
#include "nakodo/service/jwt.h"
#include "nakodo/service/jwt_keys.h"

#define CONFIG "/etc/nakodo/nakodo.conf"
#define TTL 3600 /* seconds */
#define TTL_MAX (365 * 24 * 3600)

struct wish {
	const char *key, *config; /* NULL: not said */
	int64_t ttl; /* seconds; 0: not said */
	cJSON *claims, *rooms;
};

/* Words with commas between them, the claim `can`. */
static int take_rights(struct wish *wish, const char *text, struct problem *problem)
{
	cJSON *rights = cJSON_AddArrayToObject(wish->claims, "can");

	for (size_t len; rights; text += len + 1) {
		char word[16];

		len = strcspn(text, ",");
		snprintf(word, sizeof(word), "%.*s", (int)len, text);
		if (len >= sizeof(word) || !grant_right_of(word)) {
			return problem_set(problem, -EINVAL,
				"--can must be of send, receive, moderate and admin, with commas "
				"between them");
		}
		if (!cJSON_AddItemToArray(rights, cJSON_CreateString(word))) {
			return -ENOMEM;
		}
		if (!text[len]) {
			return 0;
		}
	}
	return -ENOMEM;
}

/* Seconds, or with s, m, h or d behind the number. 0: it is none. */
static int64_t parse_ttl(const char *text)
{
	static const struct {
		const char *unit;
		int64_t seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 24 * 3600}};
	int64_t number = 0;

	while (*text >= '0' && *text <= '9' && number <= TTL_MAX) {
		number = number * 10 + (*text++ - '0');
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (!strcmp(text, units[i].unit)) {
			number *= units[i].seconds;
			return number <= TTL_MAX ? number : 0;
		}
	}
	return 0;
}

static bool is_said(const struct wish *wish, const char *name)
{
	return !strcmp(name, "key")      ? wish->key != NULL
	       : !strcmp(name, "config") ? wish->config != NULL
	       : !strcmp(name, "ttl")    ? wish->ttl != 0
					 : cJSON_HasObjectItem(wish->claims, name);
}

static int take(struct wish *wish, const char *name, const char *value, struct problem *problem)
{
	static const char *const claims[] = {"sub", "name", "iss", "aud"};

	if (!utf8_is_valid(value, strlen(value))) {
		return problem_set(problem, -EINVAL, "what is behind --%s must be UTF-8", name);
	}
	if (is_said(wish, name)) {
		return problem_set(problem, -EINVAL, "--%s may stand once", name);
	}
	if (!strcmp(name, "key")) {
		wish->key = value;
		return 0;
	}
	if (!strcmp(name, "config")) {
		wish->config = value;
		return 0;
	}
	if (!strcmp(name, "ttl")) {
		wish->ttl = parse_ttl(value);
		return wish->ttl ? 0
				 : problem_set(problem, -EINVAL,
					   "--ttl must be a time of up to a year, in seconds or "
					   "with s, m, h or d behind it");
	}
	if (!strcmp(name, "can")) {
		return take_rights(wish, value, problem);
	}
	if (!strcmp(name, "room")) {
		return cJSON_AddItemToArray(wish->rooms, cJSON_CreateString(value)) ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++) {
		if (!strcmp(name, claims[i])) {
			return cJSON_AddStringToObject(wish->claims, name, value) ? 0 : -ENOMEM;
		}
	}
	return problem_set(problem, -EINVAL,
		"`nakodo token` takes --key KID:ALGORITHM:FILE or --config FILE, --room ROOM, "
		"--can "
		"RIGHTS, --sub TEXT, --name TEXT, --ttl TIME, --iss TEXT and --aud TEXT");
}

/* --name VALUE or --name=VALUE. */
static int read_arguments(struct wish *wish, int argc, char *const *argv, struct problem *problem)
{
	int error = 0;

	for (int i = 0; i < argc && !error; i++) {
		size_t len = strcspn(argv[i], "=");
		bool joined = argv[i][len];
		char *name;

		if (strncmp(argv[i], "--", 2) || (!joined && i + 1 == argc)) {
			return problem_set(problem, -EINVAL,
				"`%s` must be an option of `nakodo token` with a value", argv[i]);
		}
		name = strndup(argv[i] + 2, len - 2);
		error = name ? take(wish, name, joined ? argv[i] + len + 1 : argv[i + 1], problem)
			     : -ENOMEM;
		free(name);
		i += !joined;
	}
	return error;
}

/* One room is a text, several are a list. */
static bool add_rest(struct wish *wish, int64_t now)
{
	cJSON *one = cJSON_GetArraySize(wish->rooms) == 1
			     ? cJSON_DetachItemFromArray(wish->rooms, 0)
			     : cJSON_Duplicate(wish->rooms, true);

	if (!one || !cJSON_AddItemToObject(wish->claims, "room", one)) {
		cJSON_Delete(one);
		return false;
	}
	return cJSON_AddNumberToObject(wish->claims, "iat", (double)now) &&
	       cJSON_AddNumberToObject(
		       wish->claims, "exp", (double)(now + (wish->ttl ? wish->ttl : TTL)));
}

/* Would a server understand what it says? */
static int check(const char *text, struct problem *problem)
{
	struct jwt_claims claims = {.len = strlen(text)};
	struct problem detail;
	struct grant *grant;
	int error;

	if (claims.len > sizeof(claims.text)) {
		return -EINVAL; /* which jwt_sign() would say */
	}
	memcpy(claims.text, text, claims.len);
	error = grant_read(&grant, &claims, &detail);
	if (!error) {
		grant_destroy(grant);
	}
	return error == -EACCES ? problem_set(problem, error,
					  "that makes a token which no server would take: it %s",
					  detail.text)
				: error;
}

static int sign(
	char **ret, const struct wish *wish, const struct option_item *key, struct problem *problem)
{
	struct option_item item = *key;
	const struct option_list list = {&item, 1};
	struct jwt_keys *keys;
	char *claims;
	int error = jwt_keys_load(&keys, &list, "", "", problem);

	if (error) {
		return error;
	}
	claims = cJSON_PrintUnformatted(wish->claims);
	error = claims ? check(claims, problem) : -ENOMEM;
	error = error ? error : jwt_sign(ret, jwt_keys_first(keys), claims);
	cJSON_free(claims);
	jwt_keys_destroy(keys);
	if (error == -ENOKEY) {
		return problem_set(problem, -EINVAL,
			"%s: `%s` holds a public key, which signs nothing: name the private one "
			"with --key",
			key->where, key->value);
	}
	return error == -EINVAL ? problem_set(problem, error, "the token would be too long")
				: error;
}

/* Where the daemon's configuration is. NULL: not known. */
static const char *find_config(const struct wish *wish)
{
	const char *named = getenv("NAKODO_CONFIG");

	if (wish->config) {
		return wish->config;
	}
	return named && *named ? named : access(CONFIG, F_OK) ? NULL : CONFIG;
}

static bool add_unless_said(struct wish *wish, const char *name, const char *text)
{
	return !*text || cJSON_HasObjectItem(wish->claims, name) ||
	       cJSON_AddStringToObject(wish->claims, name, text);
}

/* Sign it as the daemon with these options wants it, with a key of the caller's if there is one. */
static int sign_by(
	char **ret, struct wish *wish, const struct options *options, struct problem *problem)
{
	struct option_item named = {(char *)wish->key, (char *)"--key"};

	if (!wish->key && !options->auth_key.count) {
		return problem_set(
			problem, -EINVAL, "the configuration has no auth-key: name one with --key");
	}
	if (!add_unless_said(wish, "iss", options->auth_issuer) ||
		!add_unless_said(wish, "aud", options->auth_audience)) {
		return -ENOMEM;
	}
	return sign(ret, wish, wish->key ? &named : &options->auth_key.items[0], problem);
}

static int sign_by_config(
	char **ret, struct wish *wish, const char *config, struct problem *problem)
{
	char *argv[] = {(char *)"nakodo", (char *)"--config", (char *)config, NULL};
	char *none[] = {NULL};
	struct options options;
	int error = options_load(&options, 3, argv, none, problem);

	if (!error) {
		error = sign_by(ret, wish, &options, problem);
		options_finish(&options);
	}
	return error;
}

static int sign_wish(char **ret, struct wish *wish, struct problem *problem)
{
	struct option_item key = {(char *)wish->key, (char *)"--key"};
	const char *config = wish->key && !wish->config ? NULL : find_config(wish);

	if (config) {
		return sign_by_config(ret, wish, config, problem);
	}
	return wish->key ? sign(ret, wish, &key, problem)
			 : problem_set(problem, -EINVAL,
				   "`nakodo token` needs --key KID:ALGORITHM:FILE, or --config "
				   "FILE, whose first auth-key it takes");
}

int issue_token(char **ret, int argc, char *const *argv, struct problem *problem)
{
	struct wish wish = {.claims = cJSON_CreateObject(), .rooms = cJSON_CreateArray()};
	int error =
		wish.claims && wish.rooms ? read_arguments(&wish, argc, argv, problem) : -ENOMEM;

	if (!error && !cJSON_GetArraySize(wish.rooms)) {
		error = problem_set(problem, -EINVAL,
			"`nakodo token` needs --room ROOM, as in nakodo token --room team --ttl "
			"1h");
	}
	if (!error && !add_rest(&wish, time(NULL))) {
		error = -ENOMEM;
	}
	error = error ? error : sign_wish(ret, &wish, problem);
	cJSON_Delete(wish.claims);
	cJSON_Delete(wish.rooms);
	return error == -ENOMEM ? problem_set(problem, error, "out of memory") : error;
}

void issue_print_help(FILE *out)
{
	fputs("Usage: nakodo token --room ROOM... [OPTION VALUE]...\n"
	      "Print a token for servers with `auth = token` that know the key.\n"
	      "\n"
	      "  --key KID:ALGORITHM:FILE  What signs it, as auth-key has it; of a pair of keys,\n"
	      "                            FILE holds the private one.\n"
	      "  --config FILE             The server's configuration, whose first auth-key signs "
	      "it\n"
	      "                            if there is no --key; default: NAKODO_CONFIG, else\n"
	      "                            " CONFIG "\n"
	      "  --room ROOM               Where it lets in: a room, team-* for all that begin "
	      "so,\n"
	      "                            or * for every one. May stand several times.\n"
	      "  --can RIGHTS              What it allows: of send, receive, moderate and admin,\n"
	      "                            with commas between them. Default: send,receive\n"
	      "  --ttl TIME                How long it is good: seconds, or with s, m, h or d\n"
	      "                            behind the number. Default: 1h\n"
	      "  --sub TEXT                Who its bearer is.\n"
	      "  --name TEXT               What its bearer is called.\n"
	      "  --iss TEXT                Who issues it; default: auth-issuer of --config\n"
	      "  --aud TEXT                Whom it is for; default: auth-audience of --config\n"
	      "\n"
	      "  nakodo token --key main:HS256:secret --room 'team-*' --sub alice --ttl 1h\n",
		out);
}
