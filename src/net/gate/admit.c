/* admit: see the header. Nothing here knows a socket or libwebsockets. */
#include "nakodo/net/gate/admit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nakodo/base/address.h"
#include "nakodo/base/options.h"

/* The length of HOST in HOST[:PORT], brackets included. */
static size_t name_length(const char *host)
{
	const char *end = *host == '[' ? strchr(host, ']') : NULL;

	return end ? (size_t)(end + 1 - host) : strcspn(host, ":");
}

static bool is_name(const char *text, size_t len, const char *name)
{
	return len == strlen(name) && !strncasecmp(text, name, len);
}

/* Nothing, or a colon and a port. */
static bool is_port(const char *text)
{
	return !*text || (*text == ':' && strspn(text + 1, "0123456789") == strlen(text + 1));
}

bool admit_host_is_valid(const char *host)
{
	size_t len = name_length(host);
	struct address address;

	if (len == 0 || len > 255) {
		return false;
	}
	if (*host == '[') {
		if (!address_parse(&address, host, len)) {
			return false;
		}
	} else {
		for (size_t i = 0; i < len; i++) {
			if (!isalnum((unsigned char)host[i]) && !strchr("-._", host[i])) {
				return false;
			}
		}
	}
	return is_port(host + len);
}

bool admit_host_has_port(const char *host)
{
	return host[name_length(host)] == ':' && host[name_length(host) + 1];
}

bool admit_loopback_host(const char *host, const struct option_list *server_names)
{
	static const char suffix[] = ".localhost";
	size_t len = name_length(host), tail = sizeof(suffix) - 1;
	struct address address;

	if (is_name(host, len, "localhost") ||
		(len > tail && !strncasecmp(host + len - tail, suffix, tail))) {
		return true;
	}
	if (address_parse(&address, host, len) && address_is_loopback(&address)) {
		return true;
	}
	for (size_t i = 0; i < server_names->count; i++) {
		if (is_name(host, len, server_names->items[i].value)) {
			return true;
		}
	}
	return false;
}

bool admit_host_is_address(const char *host)
{
	struct address address;

	return address_parse(&address, host, name_length(host));
}

/* Behind a name; `standard` where there is none. */
static unsigned long port_of(const char *text, unsigned long standard)
{
	return *text == ':' && text[1] ? strtoul(text + 1, NULL, 10) : standard;
}

static bool is_same_host(const char *origin, const char *host, enum admit_match match)
{
	const char *name = strstr(origin, "://");
	size_t len = name_length(host);
	bool https = !strncasecmp(origin, "https:", strlen("https:"));
	bool http = !strncasecmp(origin, "http:", strlen("http:"));
	unsigned long standard = https ? 443 : 80;

	if (!name || match == ADMIT_NONE) {
		return false;
	}
	name += 3;
	if (name_length(name) != len || !is_port(name + len) || strncasecmp(name, host, len)) {
		return false;
	}
	if (match == ADMIT_NAME) {
		return true;
	}
	if (match == ADMIT_HTTP ? !http : match == ADMIT_HTTPS ? !https : !http && !https) {
		return false;
	}
	return port_of(name + len, standard) == port_of(host + len, standard);
}

bool admit_origin_one(
	const char *policy, const char *origin, const char *host, enum admit_match match)
{
	if (!origin || !strcmp(policy, "any")) {
		return true;
	}
	if (!strcmp(policy, "same-host")) {
		return is_same_host(origin, host, match);
	}
	return !strcasecmp(policy, origin); /* "null" or an exact origin */
}

bool admit_origin(const struct option_list *policies, const char *origin, const char *host,
	enum admit_match match)
{
	for (size_t i = 0; i < policies->count; i++) {
		if (admit_origin_one(policies->items[i].value, origin, host, match)) {
			return true;
		}
	}
	return !origin;
}

const char *admit_subprotocol(
	const struct option_list *known, const char *offered, bool *ret_offered)
{
	*ret_offered = false;
	while (*(offered += strspn(offered, ", \t"))) {
		size_t len = strcspn(offered, ", \t");

		*ret_offered = true;
		for (size_t i = 0; i < known->count; i++) {
			const char *name = known->items[i].value;

			if (strlen(name) == len && !memcmp(name, offered, len)) {
				return name;
			}
		}
		offered += len;
	}
	return NULL;
}

size_t admit_take_arguments(char *offered, char *buf, const char **ret, size_t most)
{
	static const char prefix[] = "nakodo.";
	size_t count = 0;

	for (char *at = offered; *(at += strspn(at, ", \t"));) {
		char *name = at + strlen(prefix), *end = at + strcspn(at, ", \t"), *dot;

		dot = strncmp(at, prefix, strlen(prefix)) ? NULL
							  : memchr(name, '.', (size_t)(end - name));
		at = end;
		if (!dot) {
			continue;
		}
		if (count < most) {
			ret[count++] = buf;
			memcpy(buf, name, (size_t)(end - name));
			buf[dot - name] = '=';
			buf[end - name] = '\0';
			buf += end - name + 1;
		}
		at = dot + 1;
		memmove(at, end, strlen(end) + 1);
	}
	return count;
}
