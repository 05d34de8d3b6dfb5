/*
 * endpoint: the value of one `listen` option, taken apart.
 *
 *   HOST:PORT  tls:HOST:PORT  proxy:HOST:PORT  unix:PATH  systemd     each with
 * ?origin=…&dialect=…&auth=…
 *
 * `systemd` also takes ?name=…, the FileDescriptorName= of its sockets (systemd.socket(5)).
 * ?metrics has no value, and does not stand beside ?dialect=…. HOST is a name, an IPv4 address, an
 * IPv6 address in brackets (without a zone), or * for every address. Digits and dots alone must be
 * an IPv4 address of four numbers. The parameters' values are percent-decoded; each of them may
 * stand once and must have a value.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct problem;

enum endpoint_kind { ENDPOINT_TCP, ENDPOINT_UNIX, ENDPOINT_SYSTEMD };

struct endpoint {
	enum endpoint_kind kind;
	bool tls;
	bool proxy; /* each connection begins with a PROXY protocol v1 or v2 header */
	uint16_t port; /* 0: the system picks one */
	char host[256]; /* without brackets; empty unless ENDPOINT_TCP */
	char path[108]; /* ENDPOINT_UNIX: as sockaddr_un's sun_path */
	char name[108]; /* ENDPOINT_SYSTEMD: of its sockets; "": of those that no other entry has */
	char origin[256]; /* the listener's own `origin`; "" = the option's */
	char auth[8]; /* the listener's own `auth`, "none" or "token"; "" = the option's */
	char dialect[64]; /* the dialect that owns this listener's whole URL space; "" = mounts */
	bool metrics; /* /metrics is answered there */
};

/* 0, or -EINVAL with a sentence that says what is wrong with `text`; the caller puts in front
 * where it was said and the text itself. `ret` is written only on success. */
int endpoint_parse(struct endpoint *ret, const char *text, struct problem *problem);

/* Can only this machine reach it: loopback addresses, `localhost` and unix sockets.
 * Behind a proxy, or on a socket from systemd, that is not known. */
bool endpoint_is_loopback(const struct endpoint *endpoint);
