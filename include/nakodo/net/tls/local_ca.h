/*
 * local_ca: a certificate authority for one machine and the certificates that it issues; X.509
 * alone, no files.
 *
 * People install it on their phones, so it is bound to be of little use to a thief: name
 * constraints (RFC 5280 section 4.2.1.10, critical) allow it localhost, names below .local, this
 * machine's full name and those below it, and addresses that are nobody's on the internet:
 * loopback, RFC 1918, link-local, IPv6 unique local, and 100.64.0.0/10 (RFC 6598), which overlay
 * networks such as Tailscale give to machines.
 */
#pragma once

#include <openssl/x509.h>
#include <stdbool.h>

struct address;
struct machine;

struct local_ca {
	X509 *cert;
	EVP_PKEY *key; /* NULL: not needed, or not there */
};

/* ECDSA P-256, for the host's name as it is now ("" for none). 0 or -ENOMEM. */
int local_ca_make(struct local_ca *ret, const char *host);
void local_ca_finish(struct local_ca *ca);

/* Is the address one of those that are nobody's on the internet? */
bool local_ca_is_private(const struct address *address);

/* The names that a certificate of this machine has, in the form of x509v3_config(5), and those that
 * the authority may not vouch for, separated by blanks ("" for none). Always the same for the same
 * machine. 0 or -ENOMEM; the caller frees both. */
int local_ca_names(
	const X509 *ca, const struct machine *machine, char **ret_names, char **ret_left_out);

/* A server's certificate for that key and those names, for 824 days at most. NULL: no memory. */
X509 *local_ca_issue(const struct local_ca *ca, EVP_PKEY *key, const char *names);
/* Is it issued by this authority, for exactly these names and that key? */
bool local_ca_fits(const X509 *ca, X509 *cert, EVP_PKEY *key, const char *names);
/* Will it have ended in so many days, or has it not even begun (a clock was wrong)? */
bool local_ca_ends(const X509 *cert, int days);
/* Did nakodo make it: this authority, an earlier one, or a version that had none? */
bool local_ca_is_ours(const X509 *cert);
