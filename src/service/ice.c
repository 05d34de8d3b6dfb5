/* ice: see the header. The values' grammar has been checked by base/options. */
#include "nakodo/service/ice.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/options.h"

static bool add_url(cJSON *server, const char *url)
{
	cJSON *urls = cJSON_AddArrayToObject(server, "urls"), *text = cJSON_CreateString(url);
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
	added = add_url(server, strsep(&rest, "|"));
	if (added && rest) {
		added = cJSON_AddStringToObject(server, "username", strsep(&rest, "|")) &&
			cJSON_AddStringToObject(server, "credential", rest);
	}
	free(copy);
	return added;
}

char *ice_print(const struct option_list *servers)
{
	cJSON *list = cJSON_CreateArray();
	bool added = list;
	char *text;

	for (size_t i = 0; added && i < servers->count; i++) {
		added = add_server(list, servers->items[i].value);
	}
	text = added ? cJSON_PrintUnformatted(list) : NULL;
	cJSON_Delete(list);
	return text;
}
