/*
 * options_check: owns the grammar of single values. What two options mean together is looked at in
 * options.c, and what only the world can tell (does the file exist) by those who use the value.
 */
#include "options_check.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "nakodo/base/address.h"
#include "nakodo/base/chars.h"
#include "nakodo/base/endpoint.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/redis_url.h"

#define CLUSTER_NAME_MAX 48
#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* RFC 1123 section 2.1, and the underscore that is met in the wild. */
static bool is_name(const char *text, size_t len)
{
	size_t label = 0;

	for (size_t i = 0; i < len; i++) {
		bool dot = text[i] == '.';

		if (dot ? !label || text[i - 1] == '-'
			: !strchr(DIGITS LOWER UPPER "-_", text[i])) {
			return false;
		}
		if (text[i] == '-' && !label) {
			return false;
		}
		label = dot ? 0 : label + 1;
		if (label > 63) {
			return false;
		}
	}
	return label && len <= 253 && text[len - 1] != '-';
}

/* A name, an IPv4 address, or an IPv6 address in brackets; how long it is, 0 if it is none. */
static size_t host_length(const char *text)
{
	struct address address;
	size_t len = strcspn(text, ":/?|");

	if (*text == '[') {
		len = strcspn(text, "]");
		return text[len] && memchr(text, ':', len) && address_parse(&address, text, len + 1)
			       ? len + 1
			       : 0;
	}
	if (strspn(text, DIGITS ".") >= len) {
		return address_parse(&address, text, len) ? len : 0;
	}
	return is_name(text, len) ? len : 0;
}

/* Leave HOST[:PORT] behind; false if it does not stand here. */
static bool take_host_port(const char **at)
{
	size_t len = host_length(*at), digits;
	unsigned port = 0;

	*at += len;
	if (!len || **at != ':') {
		return len;
	}
	++*at;
	digits = strspn(*at, DIGITS);
	for (size_t i = 0; i < digits && port <= 65535; i++) {
		port = port * 10 + (unsigned)((*at)[i] - '0');
	}
	*at += digits;
	return port >= 1 && port <= 65535;
}

static void take_transport(const char **at)
{
	if (!chars_take_prefix(at, "?transport=udp")) {
		chars_take_prefix(at, "?transport=tcp");
	}
}

int options_check_ice_server(const char *text, struct problem *problem)
{
	const char *at = text;
	bool stun = chars_take_prefix(&at, "stun:") || chars_take_prefix(&at, "stuns:");
	bool turn = !stun && (chars_take_prefix(&at, "turn:") || chars_take_prefix(&at, "turns:"));
	bool good = (stun || turn) && take_host_port(&at);

	if (good && turn) {
		size_t user;

		take_transport(&at);
		good = chars_take_prefix(&at, "|");
		user = strcspn(at, "|");
		good = good && user && at[user] && at[user + 1];
	} else if (*at) {
		good = false;
	}
	return good ? 0
		    : problem_set(problem, -EINVAL,
			      "must be stun:HOST[:PORT] or turn:HOST[:PORT]|USER|PASSWORD, with "
			      "stuns: or turns: for TLS, and behind a turn server's port perhaps "
			      "?transport=udp or ?transport=tcp");
}

int options_check_listen(const char *text, struct problem *problem)
{
	struct problem detail;
	struct endpoint endpoint;
	int error = endpoint_parse(&endpoint, text, problem);

	if (!error && *endpoint.origin && options_check_origin(endpoint.origin, &detail)) {
		return problem_set(problem, -EINVAL, "the origin in it %s", detail.text);
	}
	return error;
}

int options_check_mount(const char *text, struct problem *problem)
{
	size_t path = strcspn(text, "=");
	bool good = *text == '/' && text[path] && text[path + 1] && text[path + 1] != '?' &&
		    strcspn(text, " \t?#") > path;

	for (size_t i = 1; good && i < path; i++) {
		/* No client's path would ever match an empty segment. */
		good = text[i - 1] != '/' || text[i] != '/';
	}
	if (good && (path == 1 || text[path - 1] != '/')) {
		return 0;
	}
	return problem_set(problem, -EINVAL,
		"must be PATH=DIALECT or PATH=off, as in /chat=chat; PATH begins with / and has no "
		"white space, ?, #, empty segment or / at its end");
}

int options_check_origin(const char *text, struct problem *problem)
{
	const char *at = text + strspn(text, LOWER DIGITS "+-.");
	bool scheme = strchr(LOWER, *text) && chars_take_prefix(&at, "://");

	if (strcmp(text, "same-host") == 0 || strcmp(text, "null") == 0 ||
		strcmp(text, "any") == 0) {
		return 0;
	}
	if (scheme && !strpbrk(at, UPPER) && take_host_port(&at) && !*at) {
		return 0;
	}
	return problem_set(problem, -EINVAL,
		"must be same-host, null, any, or exactly what the browser sends: "
		"SCHEME://HOST[:PORT] in lower case and without a path, as in https://example.org");
}

int options_check_ctl(const char *text, struct problem *problem)
{
	return strlen(text) < sizeof(((struct sockaddr_un *)NULL)->sun_path)
		       ? 0
		       : problem_set(problem, -EINVAL,
				 "the path is longer than the system allows for a socket: take a "
				 "short one, as in /run/nakodo/ctl");
}

int options_check_server_name(const char *text, struct problem *problem)
{
	return is_name(text, strlen(text)) ? 0
					   : problem_set(problem, -EINVAL,
						     "must be a host name without scheme and port, "
						     "as in rtc.example.org");
}

/* RFC 9110 section 5.6.2 */
int options_check_subprotocol(const char *text, struct problem *problem)
{
	return text[strspn(text, DIGITS LOWER UPPER "!#$%&'*+-.^_`|~")] == '\0'
		       ? 0
		       : problem_set(problem, -EINVAL,
				 "must be one word of letters, digits and !#$%%&'*+-.^_`|~");
}

int options_check_trusted_proxy(const char *text, struct problem *problem)
{
	struct address_range range;

	return !strcmp(text, "unix") || address_range_parse(&range, text)
		       ? 0
		       : problem_set(problem, -EINVAL,
				 "must be ADDRESS, ADDRESS/BITS or unix, as in 192.0.2.1, "
				 "10.0.0.0/8 or fd00::/8");
}

int options_check_webhook(const char *text, struct problem *problem)
{
	const char *at = text;
	bool good = chars_take_prefix(&at, "http://") || chars_take_prefix(&at, "https://");

	good = good && take_host_port(&at) && (!*at || *at == '/' || *at == '?');
	for (; good && *at; at++) {
		good = (unsigned char)*at > ' ' && (unsigned char)*at < 0x7f && *at != '#';
	}
	return good || !*text
		       ? 0
		       : problem_set(problem, -EINVAL,
				 "must be http://HOST[:PORT][/PATH] or https://, in ASCII and "
				 "without name, password, white space and #");
}

int options_check_turn_server(const char *text, struct problem *problem)
{
	const char *at = text;
	bool good = chars_take_prefix(&at, "turn:") || chars_take_prefix(&at, "turns:");

	good = good && take_host_port(&at);
	take_transport(&at);
	return good && !*at ? 0
			    : problem_set(problem, -EINVAL,
				      "must be turn:HOST[:PORT], or turns: for TLS, with perhaps "
				      "?transport=udp or ?transport=tcp behind it; a server with a "
				      "name and a password of its own is an ice-server");
}

int options_check_cluster(const char *text, struct problem *problem)
{
	struct redis_url url;

	return *text ? redis_url_parse(&url, text, problem) : 0;
}

/* It stands in keys of Redis between braces. */
int options_check_cluster_name(const char *text, struct problem *problem)
{
	size_t len = strlen(text);

	return len && len <= CLUSTER_NAME_MAX &&
			       text[strspn(text, DIGITS LOWER UPPER "-_.")] == '\0'
		       ? 0
		       : problem_set(problem, -EINVAL, "must be up to %d letters, digits and -_.",
				 CLUSTER_NAME_MAX);
}

int options_check_cluster_listen(const char *text, struct problem *problem)
{
	struct endpoint endpoint = {.kind = ENDPOINT_UNIX};
	struct address address;

	if (!*text || (!endpoint_parse(&endpoint, text, problem) && endpoint.kind == ENDPOINT_TCP &&
			      !endpoint.tls && !endpoint.proxy && !strchr(text, '?') &&
			      (!strcmp(endpoint.host, "*") || address_parse(&address, endpoint.host,
								      strlen(endpoint.host))))) {
		return 0;
	}
	return problem_set(problem, -EINVAL,
		"must be an address of this machine and a port, as in 10.0.0.1:3001");
}
