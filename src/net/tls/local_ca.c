/* local_ca: see the header. */
#include "nakodo/net/tls/local_ca.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nakodo/base/address.h"
#include "nakodo/base/machine.h"
#include "nakodo/base/text.h"

#define DAY 86400L
#define BACKDATED 3600 /* seconds, for clocks that are behind */
#define CA_DAYS 3650
#define LEAF_DAYS 824 /* with BACKDATED below 825, the longest that Apple's systems accept */

/* In the forms of address_range_parse() and of x509v3_config(5). */
static const struct {
	const char *range, *constraint;
} permitted[] = {
	{"127.0.0.0/8", "127.0.0.0/255.0.0.0"},
	{"10.0.0.0/8", "10.0.0.0/255.0.0.0"},
	{"172.16.0.0/12", "172.16.0.0/255.240.0.0"},
	{"192.168.0.0/16", "192.168.0.0/255.255.0.0"},
	{"169.254.0.0/16", "169.254.0.0/255.255.0.0"},
	{"100.64.0.0/10", "100.64.0.0/255.192.0.0"},
	{"::1", "::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"fc00::/7", "fc00::/fe00::"},
	{"fe80::/10", "fe80::/ffc0::"},
};

#define PERMITTED (sizeof(permitted) / sizeof(*permitted))

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool added;

	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	added = extension && X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
	return added;
}

static bool set_serial(X509 *cert)
{
	unsigned char serial[16];
	BIGNUM *number;
	bool done;

	if (RAND_bytes(serial, sizeof(serial)) != 1) {
		return false;
	}
	serial[0] &= 0x7f; /* RFC 5280 section 4.1.2.2: positive */
	number = BN_bin2bn(serial, sizeof(serial), NULL);
	done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);
	return done;
}

/* What all certificates have but for issuer, extensions and signature. */
static X509 *begin(EVP_PKEY *key, const char *common_name, long days)
{
	X509 *cert = X509_new();

	if (cert && set_serial(cert) && X509_set_version(cert, X509_VERSION_3) &&
		X509_gmtime_adj(X509_getm_notBefore(cert), -BACKDATED) &&
		X509_gmtime_adj(X509_getm_notAfter(cert), days * DAY) &&
		X509_set_pubkey(cert, key) &&
		X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
			(const unsigned char *)common_name, -1, -1, 0)) {
		return cert;
	}
	X509_free(cert);
	return NULL;
}

/* A dNSName constraint is a name and all below it: the one of a machine called `dev` would be a
 * whole top-level domain. */
static char *constraints(const char *host)
{
	bool whole = strchr(host, '.');
	char *text = NULL, *longer;
	int len = asprintf(&text, "critical,permitted;DNS:localhost,permitted;DNS:local%s%s",
		whole ? ",permitted;DNS:" : "", whole ? host : "");

	for (size_t i = 0; len >= 0 && i < PERMITTED; i++) {
		len = asprintf(&longer, "%s,permitted;IP:%s", text, permitted[i].constraint);
		free(text);
		text = longer;
	}
	return len < 0 ? NULL : text;
}

int local_ca_make(struct local_ca *ret, const char *host)
{
	unsigned char mark[3] = {
		0}; /* two authorities of one host are to be told apart in a list */
	char name[64], *limits = constraints(host);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = NULL;

	RAND_bytes(mark, sizeof(mark));
	snprintf(name, sizeof(name), "nakodo local CA %.32s%s%02x%02x%02x", host, *host ? " " : "",
		mark[0], mark[1], mark[2]);
	if (limits && key) {
		cert = begin(key, name, CA_DAYS);
	}
	if (cert && X509_set_issuer_name(cert, X509_get_subject_name(cert)) &&
		add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
		add_extension(cert, cert, NID_key_usage, "critical,keyCertSign") &&
		/* Where name constraints say nothing, as for mail and programs, it is no use. */
		add_extension(cert, cert, NID_ext_key_usage, "serverAuth") &&
		add_extension(cert, cert, NID_name_constraints, limits) &&
		add_extension(cert, cert, NID_subject_key_identifier, "hash") &&
		X509_sign(cert, key, EVP_sha256())) {
		free(limits);
		*ret = (struct local_ca){cert, key};
		return 0;
	}
	free(limits);
	X509_free(cert);
	EVP_PKEY_free(key);
	return -ENOMEM;
}

void local_ca_finish(struct local_ca *ca)
{
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);
	*ca = (struct local_ca){NULL, NULL};
}

bool local_ca_is_private(const struct address *address)
{
	struct address_range range;

	for (size_t i = 0; i < PERMITTED; i++) {
		if (address_range_parse(&range, permitted[i].range) &&
			address_in_range(address, &range)) {
			return true;
		}
	}
	return false;
}

static bool is_below(const char *host, const ASN1_IA5STRING *base)
{
	size_t len = strlen(host), tail = (size_t)ASN1_STRING_length(base);
	const char *name = (const char *)ASN1_STRING_get0_data(base);

	return len >= tail && !strncasecmp(host + len - tail, name, tail) &&
	       (len == tail || host[len - tail - 1] == '.');
}

/* The host's name may have changed since the authority was made. */
static bool is_permitted_host(const X509 *ca, const char *host)
{
	NAME_CONSTRAINTS *limits = X509_get_ext_d2i(ca, NID_name_constraints, NULL, NULL);
	bool found = false;

	for (int i = 0; limits && i < sk_GENERAL_SUBTREE_num(limits->permittedSubtrees); i++) {
		const GENERAL_NAME *base =
			sk_GENERAL_SUBTREE_value(limits->permittedSubtrees, i)->base;

		found = found || (base->type == GEN_DNS && is_below(host, base->d.dNSName));
	}
	NAME_CONSTRAINTS_free(limits);
	return found;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct address));
}

static void write_host(const X509 *ca, const char *host, struct text *names, struct text *left_out)
{
	char local[sizeof(((struct machine *)NULL)->host) + sizeof(".local")];

	if (!*host) {
		return;
	}
	if (is_permitted_host(ca, host)) {
		text_print(names, ",DNS:%s", host);
	} else if (strchr(host, '.')) {
		text_add(left_out, host);
	}
	/* By which multicast DNS knows it. */
	snprintf(local, sizeof(local), "%.*s.local", (int)strcspn(host, "."), host);
	if (strcasecmp(local, host)) {
		text_print(names, ",DNS:%s", local);
	}
}

int local_ca_names(
	const X509 *ca, const struct machine *machine, char **ret_names, char **ret_left_out)
{
	struct machine sorted = *machine;
	struct text names = {0}, left_out = {0};
	char text[ADDRESS_TEXT];

	qsort(sorted.addresses, sorted.count, sizeof(*sorted.addresses), compare);
	text_add(&names, "DNS:localhost,IP:127.0.0.1,IP:::1");
	write_host(ca, machine->host, &names, &left_out);
	for (size_t i = 0; i < sorted.count; i++) {
		bool allowed = local_ca_is_private(&sorted.addresses[i]);

		text_print(allowed ? &names : &left_out,
			allowed        ? ",IP:%s"
			: left_out.len ? " %s"
				       : "%s",
			address_format(&sorted.addresses[i], text));
	}
	*ret_names = text_take(&names, NULL);
	*ret_left_out = text_take(&left_out, NULL);
	if (!*ret_names || !*ret_left_out) {
		free(*ret_names);
		free(*ret_left_out);
		return -ENOMEM;
	}
	return 0;
}

X509 *local_ca_issue(const struct local_ca *ca, EVP_PKEY *key, const char *names)
{
	X509 *cert = begin(key, "nakodo", LEAF_DAYS);
	const ASN1_TIME *end = X509_get0_notAfter(ca->cert);

	if (cert && ASN1_TIME_compare(X509_get0_notAfter(cert), end) > 0) {
		X509_set1_notAfter(cert, end);
	}
	if (cert && X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)) &&
		add_extension(cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
		add_extension(cert, ca->cert, NID_key_usage, "critical,digitalSignature") &&
		add_extension(cert, ca->cert, NID_ext_key_usage, "serverAuth") &&
		add_extension(cert, ca->cert, NID_authority_key_identifier, "keyid") &&
		add_extension(cert, ca->cert, NID_subject_alt_name, names) &&
		X509_sign(cert, ca->key, EVP_sha256())) {
		return cert;
	}
	X509_free(cert);
	return NULL;
}

static bool has_names(const X509 *cert, const char *names)
{
	int at = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1);
	X509_EXTENSION *wanted;
	X509V3_CTX context;
	bool same;

	X509V3_set_ctx(&context, NULL, NULL, NULL, NULL, 0);
	wanted = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, names);
	same = wanted && at >= 0 &&
	       !ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(wanted),
		       X509_EXTENSION_get_data(X509_get_ext(cert, at)));
	X509_EXTENSION_free(wanted);
	return same;
}

bool local_ca_fits(const X509 *ca, X509 *cert, EVP_PKEY *key, const char *names)
{
	bool fits = X509_verify(cert, X509_get0_pubkey(ca)) == 1 &&
		    X509_check_private_key(cert, key) == 1 && has_names(cert, names);

	ERR_clear_error();
	return fits;
}

bool local_ca_ends(const X509 *cert, int days)
{
	int left, seconds;

	return X509_cmp_current_time(X509_get0_notBefore(cert)) > 0 ||
	       !ASN1_TIME_diff(&left, &seconds, NULL, X509_get0_notAfter(cert)) || left < days;
}

bool local_ca_is_ours(const X509 *cert)
{
	char name[65] = "";

	X509_NAME_get_text_by_NID(X509_get_issuer_name(cert), NID_commonName, name, sizeof(name));
	return !strncmp(name, "nakodo local CA ", strlen("nakodo local CA ")) ||
	       !strcmp(name, "nakodo self-signed");
}
