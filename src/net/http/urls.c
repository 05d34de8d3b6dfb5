/* urls: see the header. IPv6 addresses are left to those who bind one: nobody types them. */
#include "nakodo/net/http/urls.h"

#include <string.h>
#include <utlist.h>

#include "nakodo/base/machine.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/tls/tls.h"

typedef void host_fn(void *cookie, const char *host, unsigned port);

static void each_address(unsigned port, host_fn *fn, void *cookie)
{
	struct machine machine;
	char host[ADDRESS_TEXT];

	machine_look(&machine);
	for (size_t i = 0; i < machine.count; i++) {
		address_format(&machine.addresses[i], host);
		if (!strchr(host, ':')) {
			fn(cookie, host, port);
		}
	}
}

struct printer {
	const char *scheme;
	FILE *out;
};

static void print(void *cookie, const char *host, unsigned port)
{
	const struct printer *printer = cookie;
	bool six = strchr(host, ':');

	fprintf(printer->out, "  %s://%s%s%s:%u/\n", printer->scheme, six ? "[" : "", host,
		six ? "]" : "", port);
}

void urls_print(const struct listener *listener, FILE *out)
{
	const struct endpoint *endpoint = &listener->endpoint;
	struct printer printer = {endpoint->tls ? "https" : "http", out};

	if (endpoint->kind != ENDPOINT_TCP) {
		return;
	}
	if (strcmp(endpoint->host, "*") && strcmp(endpoint->host, "::") &&
		strcmp(endpoint->host, "0.0.0.0")) {
		print(&printer, endpoint->host, endpoint->port);
		return;
	}
	print(&printer, "localhost", endpoint->port);
	each_address(endpoint->port, print, &printer);
}

/* The URLs whose address the certificate has, or those whose it has not. */
struct teller {
	const struct listener *listeners;
	const struct tls *tls;
	bool covered;
	urls_fn *fn;
	void *cookie;
};

static void tell(void *cookie, const char *host, unsigned port)
{
	const struct teller *teller = cookie;
	bool six = strchr(host, ':');
	char url[URLS_TEXT];

	if (tls_covers(teller->tls, host) == teller->covered) {
		snprintf(url, sizeof(url), "https://%s%s%s:%u/", six ? "[" : "", host,
			six ? "]" : "", port);
		teller->fn(teller->cookie, url);
	}
}

static bool is_any(const struct address *address)
{
	struct address four;

	address_parse(&four, "0.0.0.0", strlen("0.0.0.0"));
	return !address_is_known(address) || !memcmp(address, &four, sizeof(four));
}

static void each_lan_host(const struct listener *listener, host_fn *fn, void *cookie)
{
	const struct sockaddr *bound = (const struct sockaddr *)&listener->address;
	struct address address;
	char host[ADDRESS_TEXT];

	if (!address_from_sockaddr(&address, bound)) {
		return;
	}
	if (is_any(&address)) {
		each_address(listener->endpoint.port, fn, cookie);
	} else {
		fn(cookie, address_format(&address, host), listener->endpoint.port);
	}
}

/* Where another process accepts, its socket is not open here. */
static bool is_open(const struct listener *listener)
{
	return listener->fd >= 0 || !listener->sockets->accepts;
}

static void tell_all(struct teller *teller)
{
	const struct listener *listener;

	LL_FOREACH(teller->listeners, listener)
	{
		if (listener->endpoint.tls && !listener->loopback && !listener->own &&
			is_open(listener)) {
			each_lan_host(listener, tell, teller);
		}
	}
}

void urls_lan(const struct listener *listeners, const struct tls *tls, urls_fn *fn, void *cookie)
{
	struct teller covered = {listeners, tls, true, fn, cookie};
	struct teller others = {listeners, tls, false, fn, cookie};

	tell_all(&covered);
	tell_all(&others);
}
