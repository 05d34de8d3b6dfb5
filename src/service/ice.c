/* ice: see the header. The values' grammar has been checked by base/options. */
#include "nakodo/service/ice.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/text.h"
#include "nakodo/service/secret.h"
#include "nakodo/service/token.h"
#include "nakodo/service/turn_key.h"

struct ice {
	uint64_t ttl; /* s */
	char *known; /* the servers that all are told, without brackets; "" */
	char *urls; /* of those that want credentials, a JSON array; "[]" */
	struct secret *key; /* NULL: no turn-secret */
};

static bool add_url(cJSON *urls, const char *url)
{
	cJSON *text = cJSON_CreateString(url);
	bool added = urls && text && cJSON_AddItemToArray(urls, text);

	if (!added) {
		cJSON_Delete(text);
	}
	return added;
}

/* URL or URL|USER|PASSWORD. */
static bool add_server(cJSON *list, const char *value)
{
	char *copy = strdup(value), *rest = copy;
	cJSON *server = cJSON_CreateObject();
	bool added = copy && server && cJSON_AddItemToArray(list, server);

	if (!added) {
		cJSON_Delete(server);
		free(copy);
		return false;
	}
	added = add_url(cJSON_AddArrayToObject(server, "urls"), strsep(&rest, "|"));
	if (added && rest) {
		added = cJSON_AddStringToObject(server, "username", strsep(&rest, "|")) &&
			cJSON_AddStringToObject(server, "credential", rest);
	}
	free(copy);
	return added;
}

/* All values as one array of JSON. NULL: no memory. */
static char *print_all(const struct option_list *values, bool (*add)(cJSON *, const char *))
{
	cJSON *list = cJSON_CreateArray();
	bool added = list;
	char *text;

	for (size_t i = 0; added && i < values->count; i++) {
		added = add(list, values->items[i].value);
	}
	text = added ? cJSON_PrintUnformatted(list) : NULL;
	cJSON_Delete(list);
	return text;
}

static void remove_brackets(char *array)
{
	size_t len = strlen(array);

	memmove(array, array + 1, len);
	array[len - 2] = '\0';
}

static int no_memory(struct problem *problem)
{
	return problem_set(problem, -ENOMEM, "out of memory");
}

static int read_secret(struct ice *ice, const struct options *options, struct problem *problem)
{
	struct problem detail;
	int error =
		*options->turn_secret ? secret_read(&ice->key, options->turn_secret, &detail) : 0;

	return error ? problem_set(problem, error, "%s: turn-secret `%s`: %s",
			       options_where(options, &options->turn_secret), options->turn_secret,
			       detail.text)
		     : 0;
}

int ice_create(struct ice **ret, const struct options *options, struct problem *problem)
{
	struct ice *ice = calloc(1, sizeof(*ice));
	int error;

	if (!ice) {
		return no_memory(problem);
	}
	ice->ttl = options->turn_ttl;
	ice->known = print_all(&options->ice_server, add_server);
	ice->urls = print_all(&options->turn_server, add_url);
	if (!ice->known || !ice->urls) {
		error = no_memory(problem);
	} else {
		remove_brackets(ice->known);
		error = read_secret(ice, options, problem);
	}
	if (error) {
		ice_destroy(ice);
	} else {
		*ret = ice;
	}
	return error;
}

void ice_destroy(struct ice *ice)
{
	if (ice) {
		secret_destroy(ice->key);
		free(ice->known);
		free(ice->urls);
		free(ice);
	}
}

/* The name is when they expire, and something that nobody else has. */
static void print_credentials(const struct ice *ice, struct text *out)
{
	char id[TOKEN_TEXT], username[TOKEN_TEXT + 24], password[TURN_KEY_PASSWORD];
	int64_t expiry = (int64_t)time(NULL) + (int64_t)ice->ttl;

	token_create(id);
	snprintf(username, sizeof(username), "%" PRId64 ":%s", expiry, id);
	if (!turn_key_sign(ice->key, username, password)) {
		out->failed = true;
		return;
	}
	text_print(out, "{\"urls\":%s,\"username\":\"%s\",\"credential\":\"%s\"}", ice->urls,
		username, password);
	meter_add(METER_TURN_CREDENTIALS, 1);
}

void ice_print(const struct ice *ice, struct text *out)
{
	text_add(out, "[");
	if (ice) {
		text_add(out, ice->known);
	}
	if (ice && ice->key) {
		text_add(out, *ice->known ? "," : "");
		print_credentials(ice, out);
	}
	text_add(out, "]");
}

bool ice_is_empty(const struct ice *ice)
{
	return !ice || (!*ice->known && !ice->key);
}

uint64_t ice_renewal(const struct ice *ice)
{
	return ice && ice->key ? ice->ttl * 750 : 0;
}
