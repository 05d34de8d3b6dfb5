/*
 * lan: what the other devices of a local network are told: where the pages are, and how to trust
 * them.
 *
 *   /ca.crt      the local authority's certificate, PEM
 *   /trust.json  {"fingerprint":"AB:CD:…","tls":true,"urls":[…]}: null when there is no local
 *                authority; is TLS spoken at this very port; as in /lan.json
 *   /lan.json    {"urls":["https://192.168.1.5:3443/",…]}, see urls.h; none for a client whose
 *                address is one of the internet
 *   /qr.svg      ?text=…, at most QR_TEXT_MAX bytes of UTF-8
 */
#pragma once

#include <stdbool.h>

struct address;
struct listener;
struct server;
struct site_reply;

/* Answer the decoded `path`, one of those above; `arguments` as conn_read_arguments() has them.
 * False: it is none of them, or there is no such thing; `ret` is as it was. */
bool lan_find(const struct listener *listener, const struct address *client, const char *path,
	const char *const *arguments, struct site_reply *ret);
/* Is the path for this server's own pages alone? */
bool lan_is_private(const char *path);
/* Is it answered without TLS also where TLS is due, for devices that do not trust us yet? */
bool lan_is_open(const char *path);
/* On start: the fingerprint, if there is a local authority, and on a terminal a QR code of the
 * first URL, if other machines reach one. */
void lan_announce(const struct server *server);
