/*
 * fuzz admit: the decisions on headers, from lines of an input: Host, Origin, the subprotocols that
 * are offered, X-Forwarded-For. A second opinion is formed here in a simpler way.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nakodo/base/address.h"
#include "nakodo/base/options.h"
#include "nakodo/net/gate/admit.h"
#include "nakodo/net/gate/proxies.h"

#define ITEM(text) {(char *)(text), (char *)"fuzz"}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct option_item subprotocols[] = {ITEM("one"), ITEM("two")};
static struct option_item proxies[] = {ITEM("10.0.0.0/8"), ITEM("fd00::/8")};
static struct option_item names[] = {ITEM("rtc.example")};

/* Not assert(): it must hold in every kind of build. */
static void require(bool truth)
{
	if (!truth) {
		abort();
	}
}

static void check_host(const char *host)
{
	struct option_list list = {names, 1};
	bool own = admit_loopback_host(host, &list);

	if (own && admit_host_is_valid(host)) {
		size_t len = strcspn(host, ":");

		require(*host == '[' || !strncmp(host, "127.", 4) ||
			(len >= 9 && !strncasecmp(host + len - 9, "localhost", 9)) ||
			!strncasecmp(host, "rtc.example", 11));
	}
}

static void check_origin(const char *origin, const char *host)
{
	const char *name = strstr(origin, "://");

	require(admit_origin_one("any", origin, host, ADMIT_NAME));
	require(admit_origin_one("null", origin, host, ADMIT_NAME) == !strcasecmp(origin, "null"));
	if (admit_host_is_valid(host) && admit_origin_one("same-host", origin, host, ADMIT_NAME)) {
		size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

		require(!admit_origin_one("same-host", origin, host, ADMIT_HTTP) ||
			!admit_origin_one("same-host", origin, host, ADMIT_HTTPS));
		require(name && !strncasecmp(name + 3, host, len));
		require(name[3 + len] == '\0' || name[3 + len] == ':' || *host == '[');
	}
}

static void check_subprotocol(const char *offered)
{
	struct option_list list = {subprotocols, 2};
	bool any;
	const char *selected = admit_subprotocol(&list, offered, &any);

	require(any == (offered[strspn(offered, ", \t")] != '\0'));
	require(!selected || (any && strstr(offered, selected)));
}

static bool is_first(const char *forwarded, const struct address *client)
{
	struct options trusting_nobody = {0};
	char *first = strndup(forwarded, strcspn(forwarded, ","));
	struct address address;
	bool found = proxies_find_client(&address, &trusting_nobody, first);

	free(first);
	return found && !memcmp(&address, client, sizeof(address));
}

static void check_forwarded(const char *forwarded)
{
	struct options options = {.trusted_proxy = {proxies, 2}};
	struct address client, last;
	const char *comma = strrchr(forwarded, ',');
	char text[ADDRESS_TEXT];

	if (proxies_find_client(&client, &options, forwarded)) {
		require(address_is_known(&client) || strstr(forwarded, "::"));
		require(!proxies_has(&options, &client) || is_first(forwarded, &client));
		address_format(&client, text);
	}
	/* What stands last and is no proxy is the client, whatever is in front of it. */
	comma = comma ? comma + 1 : forwarded;
	if (address_parse(&last, comma, strlen(comma)) && !proxies_has(&options, &last)) {
		require(proxies_find_client(&client, &options, forwarded));
		require(!memcmp(&client, &last, sizeof(last)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = strndup(size ? (const char *)data : "", size), *rest = copy;
	const char *host = strsep(&rest, "\n"), *origin = strsep(&rest, "\n");
	const char *offered = strsep(&rest, "\n"), *forwarded = strsep(&rest, "\n");

	check_host(host);
	if (origin) {
		check_origin(origin, host);
	}
	if (offered) {
		check_subprotocol(offered);
	}
	if (forwarded) {
		check_forwarded(forwarded);
	}
	free(copy);
	return 0;
}
