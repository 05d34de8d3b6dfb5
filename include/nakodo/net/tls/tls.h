/*
 * tls: the certificate and its key, which can be replaced while connections live.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#define TLS_MESSAGES 40 /* of a handshake, from a client: so many end its connection */

struct options;
struct problem;
struct tls;

/* Load what tls-cert and tls-key or tls-self-signed say. *ret is NULL when neither is set.
 * tls-self-signed makes what its directory lacks (self_signed.h), but not for --check. 0, or -errno
 * with a sentence that names the place in the options, the file and what is wrong with it. The
 * options must outlive it. */
int tls_create(struct tls **ret, const struct options *options, struct problem *problem);
void tls_destroy(struct tls *tls); /* takes NULL */
/* Renew what is ours to renew and read the files again. New connections get the new certificate; on
 * failure all stays as it is. */
int tls_reload(struct tls *tls, struct problem *problem);
/* Should tls_reload() be called, since a certificate of our own has to be renewed? */
bool tls_is_due(const struct tls *tls);
/* The local authority's certificate, in PEM, and its SHA-256 fingerprint, "AB:CD:…". NULL: there is
 * none. `tls` may be NULL; the text lives until the next reload. */
const char *tls_ca_pem(const struct tls *tls);
const char *tls_ca_fingerprint(const struct tls *tls);
/* Does the certificate in use have this IP address among its names? */
bool tls_covers(const struct tls *tls, const char *address);
/* Does it have this host name, perhaps by a wildcard? `tls` may be NULL. */
bool tls_has_name(const struct tls *tls, const char *name);
/* When the certificate in use, or one of its chain, ends first: seconds since 1970. 0: there is
 * none. `tls` may be NULL. */
int64_t tls_expiry(const struct tls *tls);
/* Make a vhost's context use the certificate that is in `*tls` at each handshake, which fails if
 * that is NULL: TLS 1.2 and newer, no resumption. */
void tls_attach(struct tls **tls, SSL_CTX *context);
/* Of the protocols that a client offers (RFC 7301) choose http/1.1, or none. */
void tls_speak_http1(SSL_CTX *context);
/* The handshake is over: free what only it needed. NULL: a connection without TLS. */
void tls_settle(SSL *ssl);
/* Is this message of ours, as of SSL_set_msg_callback(), the one with which what is costly of a
 * handshake goes out? A HelloRetryRequest, after which that is still to come, has none; and TLS 1.2
 * makes the keys when the client has answered. */
bool tls_has_cost(int version, int type, const void *bytes, size_t len);
