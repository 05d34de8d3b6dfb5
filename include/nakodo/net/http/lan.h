/*
 * lan: what the other devices of a local network are told: where the pages are, and how to trust
 * them.
 *
 *   /ca.crt      the local authority's certificate, PEM
 *   /trust.json  {"fingerprint":"AB:CD:…","tls":true,"urls":[…]}: the local authority's, or null;
 *                whether this port speaks TLS; the same URLs as in /lan.json
 *   /lan.json    {"urls":["https://192.168.1.5:3443/",…]}, see urls.h; an empty list for a
 *                client whose address is one of the internet
 *   /qr.svg      ?text=…, at most QR_TEXT_MAX bytes of UTF-8
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct address;
struct listener;
struct qr_cache;
struct reply;
struct tls;

/* The answers to these. `tls` NULL: no certificate. 404 when there is no local authority. */
void lan_authority(const struct tls *tls, struct reply *ret);
void lan_trust(const struct listener *listener, const struct tls *tls, const struct address *client,
	struct reply *ret);
void lan_urls(const struct listener *listener, const struct tls *tls, const struct address *client,
	struct reply *ret);
/* `arguments` of the query, decoded, NULL at the end. `may_draw` false: only what is in the cache.
 * True: the code was drawn for this. */
bool lan_qr(struct qr_cache *cache, const char *const *arguments, uint64_t now, bool may_draw,
	struct reply *ret);

/* On start: the fingerprint, if there is a local authority, and on a terminal a QR code of the
 * first URL, if other machines reach one. */
void lan_announce(const struct listener *listeners, const struct tls *tls, FILE *out);
