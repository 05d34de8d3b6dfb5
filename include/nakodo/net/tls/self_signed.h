/*
 * self_signed: the directory of tls-self-signed, where this machine's certificates are kept:
 *
 *   ca.pem, ca-key.pem   the local authority (local_ca.h), made once
 *   cert.pem, key.pem    the server's certificate, issued by it
 *
 * Keys have mode 0600. A file is replaced in one step, and key.pem stays what it is, so a
 * certificate and its key belong together whenever they are read. Daemons that share a directory
 * take turns.
 */
#pragma once

#include <openssl/x509.h>
#include <stdbool.h>

struct problem;

#define SELF_SIGNED_RENEW 30 /* days before a certificate's end */

struct self_signed {
	X509 *ca; /* NULL: cert.pem is none of ours and is used as it is */
	char *names; /* for which cert.pem is good, as of local_ca_names() */
};

/* See to it that the directory has all four, and cert.pem the names that this machine has now. What
 * is made, replaced or left out is logged. 0, or -errno with a sentence. */
int self_signed_update(const char *directory, struct self_signed *ret, struct problem *problem);
/* Is it time for another update: has the machine other names now, or `cert`, which is the cert.pem
 * that is in use, little time left? Cheap; never for somebody's own certificate. */
bool self_signed_is_due(const struct self_signed *self_signed, const X509 *cert);
void self_signed_finish(struct self_signed *self_signed);
