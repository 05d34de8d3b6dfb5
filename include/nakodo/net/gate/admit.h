/*
 * admit: decisions on single header values.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct option_list;

/* Does Host name a loopback address, localhost, or one of the server names? A page of a foreign
 * site whose name resolves to 127.0.0.1 (DNS rebinding) does not. */
bool admit_loopback_host(const char *host, const struct option_list *server_names);
/* Is it an IP address? Nobody can make a name of their own out of it. */
bool admit_host_is_address(const char *host);

/* What an origin has to have in common with the Host header to be same-host. The name always. */
enum admit_match {
	ADMIT_NAME, /* nothing else */
	ADMIT_PORT, /* the port, too; the scheme is not known to us, but to a proxy */
	ADMIT_HTTP, /* the port, and http is the scheme */
	ADMIT_HTTPS, /* the port, and https is the scheme */
	ADMIT_NONE, /* there is no such origin: Host is not ours */
};

/* May a page of that origin come in? `origin` NULL: no such header (not a browser).
 * `policy` is one of same-host, null, any, or an exact origin; `policies` a list of them. */
bool admit_origin_one(
	const char *policy, const char *origin, const char *host, enum admit_match match);
bool admit_origin(const struct option_list *policies, const char *origin, const char *host,
	enum admit_match match);

/* Is it a usable Host header at all: one name or address, perhaps with a port? */
bool admit_host_is_valid(const char *host);
/* Does a valid one name a port? */
bool admit_host_has_port(const char *host);

/* The first of the offered WebSocket subprotocols ("a, b") that is known, or NULL; *ret_offered
 * tells whether any was offered. */
const char *admit_subprotocol(
	const struct option_list *known, const char *offered, bool *ret_offered);

/* What a client's query may say can stand among its subprotocols, where no log of a proxy shows it:
 * "nakodo.NAME.VALUE". Take each VALUE out of the list `offered`, so that nobody who logs or
 * answers what is left of it tells a secret; `ret` points at the first `most` of them as
 * "NAME=VALUE", in `buf`, which is as large as the list. Returns how many. */
size_t admit_take_arguments(char *offered, char *buf, const char **ret, size_t most);
