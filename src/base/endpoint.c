/*
 * endpoint: owns the grammar of the `listen` option; opens nothing and resolves nothing. Sentences
 * do not repeat the text they are about: it is of any length and any bytes, and the caller has it.
 */
#include "nakodo/base/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "nakodo/base/chars.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/query.h"

#define METRICS "metrics"
#define DIGITS "0123456789"
#define NAME_BYTES DIGITS "-._abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static int parse_port(struct endpoint *endpoint, const char *text, struct problem *problem)
{
	unsigned long port = 0;

	for (size_t i = 0; text[i] >= '0' && text[i] <= '9' && port <= UINT16_MAX; i++) {
		port = port * 10 + (unsigned long)(text[i] - '0');
	}
	if (*text == '\0' || text[strspn(text, DIGITS)] != '\0' || port > UINT16_MAX) {
		return problem_set(problem, -EINVAL,
			"the port must be a number from 0 to 65535, as in localhost:3000");
	}
	endpoint->port = (uint16_t)port;
	return 0;
}

/* [ADDRESS]:PORT */
static int parse_bracketed(struct endpoint *endpoint, const char *text, struct problem *problem)
{
	size_t len = strcspn(text + 1, "]");
	const char *behind = text + 1 + len;
	struct in6_addr address;

	if (!chars_take_prefix(&behind, "]:")) {
		return problem_set(problem, -EINVAL,
			"behind the IPv6 address a bracket and the port are missing, as in "
			"[::1]:3000");
	}
	if (len < sizeof(endpoint->host)) {
		memcpy(endpoint->host, text + 1, len);
	}
	if (inet_pton(AF_INET6, endpoint->host, &address) != 1) {
		return problem_set(problem, -EINVAL,
			"what stands in brackets must be an IPv6 address, as in [::1]:3000");
	}
	return parse_port(endpoint, behind, problem);
}

static bool is_host(const char *host)
{
	struct in_addr address;

	if (host[strspn(host, DIGITS ".")] == '\0') {
		/* getaddrinfo() would read 127.1 and 010.0.0.1 in ways that few people expect */
		return inet_pton(AF_INET, host, &address) == 1;
	}
	return strcmp(host, "*") == 0 || host[strspn(host, NAME_BYTES)] == '\0';
}

/* HOST:PORT; prefixes are taken off. */
static int parse_tcp(struct endpoint *endpoint, const char *text, struct problem *problem)
{
	size_t len = strcspn(text, ":");

	if (*text == '[') {
		return parse_bracketed(endpoint, text, problem);
	}
	if (text[len] == '\0') {
		return problem_set(problem, -EINVAL,
			"the host or the port is missing: write HOST:PORT, as in localhost:3000");
	}
	if (strchr(text + len + 1, ':')) {
		return problem_set(problem, -EINVAL,
			"there are too many colons: write HOST:PORT, as in localhost:3000, and an "
			"IPv6 address in brackets, as in [::1]:3000");
	}
	if (len == 0) {
		return problem_set(problem, -EINVAL,
			"the host is missing: write * for every address, as in *:3000");
	}
	if (len < sizeof(endpoint->host)) {
		memcpy(endpoint->host, text, len);
	}
	if (!is_host(endpoint->host)) {
		return problem_set(problem, -EINVAL,
			"the host must be a name, an IPv4 address, an IPv6 address in brackets or "
			"*, as in localhost:3000");
	}
	return parse_port(endpoint, text + len + 1, problem);
}

static int parse_unix(struct endpoint *endpoint, const char *path, struct problem *problem)
{
	size_t len = strlen(path);

	if (len == 0) {
		return problem_set(problem, -EINVAL,
			"the path is missing: write unix:PATH, as in unix:/run/nakodo/socket");
	}
	if (len >= sizeof(endpoint->path)) {
		return problem_set(problem, -EINVAL,
			"the path is longer than the %zu bytes that the system allows for a "
			"socket: take a short one, as in unix:/run/nakodo/socket",
			sizeof(endpoint->path) - 1);
	}
	endpoint->kind = ENDPOINT_UNIX;
	memcpy(endpoint->path, path, len);
	return 0;
}

/* A host may be called `proxy`: then its port ends the text. */
static bool is_prefixed_again(const char *text)
{
	return (chars_take_prefix(&text, "tls:") || chars_take_prefix(&text, "proxy:") ||
		       chars_take_prefix(&text, "unix:")) &&
	       text[strspn(text, DIGITS)] != '\0';
}

static int parse_place(struct endpoint *endpoint, const char *text, struct problem *problem)
{
	if (strcmp(text, "systemd") == 0) {
		endpoint->kind = ENDPOINT_SYSTEMD;
		return 0;
	}
	if (chars_take_prefix(&text, "unix:")) {
		return parse_unix(endpoint, text, problem);
	}
	endpoint->kind = ENDPOINT_TCP;
	endpoint->tls = chars_take_prefix(&text, "tls:");
	endpoint->proxy = !endpoint->tls && chars_take_prefix(&text, "proxy:");
	if ((endpoint->tls || endpoint->proxy) && is_prefixed_again(text)) {
		return problem_set(problem, -EINVAL,
			"only one of tls:, proxy: and unix: can stand in front, as in "
			"tls:localhost:3443");
	}
	return parse_tcp(endpoint, text, problem);
}

/* `metrics` at the head of `text`, which has no value. */
static int parse_metrics(struct endpoint *endpoint, const char *text, struct problem *problem)
{
	if (text[strlen(METRICS)] == '=') {
		return problem_set(problem, -EINVAL,
			"the parameter metrics has no value, as in localhost:3001?metrics");
	}
	endpoint->metrics = true;
	return 0;
}

/* One name=value at the head of `text`. */
static int parse_parameter(struct endpoint *endpoint, const char *text, struct problem *problem)
{
	const struct {
		const char *name;
		char *buf;
		size_t size;
	} known[] = {
		{"dialect", endpoint->dialect, sizeof(endpoint->dialect)},
		{"origin", endpoint->origin, sizeof(endpoint->origin)},
		{"auth", endpoint->auth, sizeof(endpoint->auth)},
		{"name", endpoint->name, sizeof(endpoint->name)},
	};
	size_t count = sizeof(known) / sizeof(*known) - (endpoint->kind != ENDPOINT_SYSTEMD);
	size_t len = strcspn(text, "=&");

	if (len == strlen(METRICS) && !memcmp(text, METRICS, len)) {
		return parse_metrics(endpoint, text, problem);
	}
	for (size_t i = 0; i < count; i++) {
		if (len != strlen(known[i].name) || memcmp(text, known[i].name, len) != 0) {
			continue;
		}
		if (known[i].buf[0]) {
			return problem_set(problem, -EINVAL,
				"the parameter %s stands twice: write it once, as in "
				"localhost:3000?origin=any&dialect=relay",
				known[i].name);
		}
		/* The first parameter of that name in `text` is this one. */
		if (query_get(text, known[i].name, known[i].buf, known[i].size) <= 0) {
			return problem_set(problem, -EINVAL,
				"the parameter %s must have a value of at most %zu bytes, in which "
				"%% stands before two hex digits, as in "
				"localhost:3000?origin=any&dialect=relay",
				known[i].name, known[i].size - 1);
		}
		return 0;
	}
	return problem_set(problem, -EINVAL,
		"only the parameters auth, dialect, origin and metrics are known, as in "
		"localhost:3000?origin=any&dialect=relay");
}

static int parse_parameters(struct endpoint *endpoint, const char *text, struct problem *problem)
{
	while (*text) {
		int error = *text == '&' ? 0 : parse_parameter(endpoint, text, problem);

		if (error) {
			return error;
		}
		text += strcspn(text, "&");
		text += *text == '&';
	}
	if (endpoint->metrics && *endpoint->dialect) {
		return problem_set(problem, -EINVAL,
			"a listener for one dialect has no pages: give metrics another one, as in "
			"localhost:3001?metrics");
	}
	return 0;
}

int endpoint_parse(struct endpoint *ret, const char *text, struct problem *problem)
{
	struct endpoint endpoint = {0};
	size_t len = strcspn(text, "?");
	char place[512];
	int error;

	if (len >= sizeof(place)) {
		return problem_set(problem, -EINVAL,
			"it is too long to be an address: write HOST:PORT, as in localhost:3000");
	}
	memcpy(place, text, len);
	place[len] = '\0';
	error = parse_place(&endpoint, place, problem);
	if (!error && text[len] == '?') {
		error = parse_parameters(&endpoint, text + len + 1, problem);
	}
	if (!error && *endpoint.auth && strcmp(endpoint.auth, "none") &&
		strcmp(endpoint.auth, "token")) {
		error = problem_set(problem, -EINVAL,
			"the parameter auth must be none or token, as in *:3000?auth=token");
	}
	if (!error) {
		*ret = endpoint;
	}
	return error;
}

bool endpoint_is_loopback(const struct endpoint *endpoint)
{
	const char *host = endpoint->host, *dot = strrchr(host, '.');
	struct in6_addr v6;
	struct in_addr v4;

	if (endpoint->kind != ENDPOINT_TCP || endpoint->proxy) {
		return endpoint->kind == ENDPOINT_UNIX;
	}
	if (inet_pton(AF_INET, host, &v4) == 1) {
		return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	if (inet_pton(AF_INET6, host, &v6) == 1) {
		return IN6_IS_ADDR_LOOPBACK(&v6);
	}
	return strcasecmp(dot ? dot + 1 : host, "localhost") == 0;
}
