/*
 * tls: the certificate and its key, which can be replaced while connections live.
 */
#pragma once

#include <openssl/ssl.h>

struct options;
struct problem;
struct tls;

/* Load what tls-cert and tls-key or tls-self-signed say. *ret is NULL when neither is set.
 * tls-self-signed makes a certificate in its directory if there is none. 0, or -errno with a
 * sentence that names the file and what is wrong with it. */
int tls_create(struct tls **ret, const struct options *options, struct problem *problem);
void tls_destroy(struct tls *tls); /* takes NULL */
/* Read the files again. New connections get the new certificate; on failure all stays as it is. */
int tls_reload(struct tls *tls, struct problem *problem);
/* Make a vhost's context use the certificate: TLS 1.2 and newer, no session cache. */
void tls_attach(struct tls *tls, SSL_CTX *context);
/* The handshake is over: free what only it needed. NULL: a connection without TLS. */
void tls_settle(SSL *ssl);
