/* urls: see the header. IPv6 addresses are left to those who bind one: nobody types them. */
#include "nakodo/net/urls.h"

#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

#include "nakodo/net/listener.h"
#include "nakodo/net/machine.h"
#include "nakodo/net/server.h"

static void write_url(char buf[URLS_TEXT], const char *scheme, const char *host, unsigned port)
{
	bool six = strchr(host, ':');

	snprintf(buf, URLS_TEXT, "%s://%s%s%s:%u/", scheme, six ? "[" : "", host, six ? "]" : "",
		port);
}

static void each_address(unsigned port, const char *scheme, urls_fn *fn, void *cookie)
{
	struct machine machine;
	char host[ADDRESS_TEXT], url[URLS_TEXT];

	machine_look(&machine);
	for (size_t i = 0; i < machine.count; i++) {
		address_format(&machine.addresses[i], host);
		if (!strchr(host, ':')) {
			write_url(url, scheme, host, port);
			fn(cookie, url);
		}
	}
}

static void print(void *cookie, const char *url)
{
	fprintf(cookie, "  %s\n", url);
}

void urls_print(const struct listener *listener, FILE *out)
{
	const struct endpoint *endpoint = &listener->endpoint;
	const char *scheme = endpoint->tls ? "https" : "http";
	bool six = strchr(endpoint->host, ':');

	if (endpoint->kind != ENDPOINT_TCP) {
		return;
	}
	if (strcmp(endpoint->host, "*") && strcmp(endpoint->host, "::") &&
		strcmp(endpoint->host, "0.0.0.0")) {
		fprintf(out, "  %s://%s%s%s:%u/\n", scheme, six ? "[" : "", endpoint->host,
			six ? "]" : "", endpoint->port);
		return;
	}
	fprintf(out, "  %s://localhost:%u/\n", scheme, endpoint->port);
	each_address(endpoint->port, scheme, print, out);
}

static bool is_any(const struct address *address)
{
	struct address four;

	address_parse(&four, "0.0.0.0", strlen("0.0.0.0"));
	return !address_is_known(address) || !memcmp(address, &four, sizeof(four));
}

static void each_lan_url(const struct listener *listener, urls_fn *fn, void *cookie)
{
	struct sockaddr_storage bound = {0};
	socklen_t size = sizeof(bound);
	struct address address;
	char host[ADDRESS_TEXT], url[URLS_TEXT];

	if (getsockname(listener->fd, (struct sockaddr *)&bound, &size) ||
		!address_from_sockaddr(&address, (struct sockaddr *)&bound)) {
		return;
	}
	if (is_any(&address)) {
		each_address(listener->endpoint.port, "https", fn, cookie);
	} else {
		write_url(url, "https", address_format(&address, host), listener->endpoint.port);
		fn(cookie, url);
	}
}

void urls_lan(const struct server *server, urls_fn *fn, void *cookie)
{
	const struct listener *listener;

	LL_FOREACH(server->listeners, listener)
	{
		if (listener->endpoint.tls && !listener->loopback && !listener->own &&
			listener->fd >= 0) {
			each_lan_url(listener, fn, cookie);
		}
	}
}
