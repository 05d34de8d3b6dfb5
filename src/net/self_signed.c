/* self_signed: see the header. Two files are written, each under a name of its own first. */
#include "nakodo/net/self_signed.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <libgen.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nakodo/base/address.h"
#include "nakodo/base/problem.h"

#define DAYS 825 /* the longest that Apple's systems accept */

static char *names_of_this_machine(void)
{
	struct ifaddrs *interfaces = NULL, *at;
	char host[256] = "", text[ADDRESS_TEXT], *names = NULL, *longer;
	struct address address;

	gethostname(host, sizeof(host) - 1);
	if (asprintf(&names, "DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1%s%s%s%s%s",
		    *host ? ",DNS:" : "", host, *host && !strchr(host, '.') ? ",DNS:" : "",
		    *host && !strchr(host, '.') ? host : "",
		    *host && !strchr(host, '.') ? ".local" : "") < 0) {
		return NULL;
	}
	getifaddrs(&interfaces);
	for (at = interfaces; at && names; at = at->ifa_next) {
		if (at->ifa_addr && address_from_sockaddr(&address, at->ifa_addr) &&
			!address_is_loopback(&address)) {
			if (asprintf(&longer, "%s,IP:%s", names, address_format(&address, text)) <
				0) {
				longer = NULL;
			}
			free(names);
			names = longer;
		}
	}
	freeifaddrs(interfaces);
	return names;
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool added;

	X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	added = extension && X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
	return added;
}

static bool fill(X509 *cert, EVP_PKEY *key, const char *names)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	unsigned char serial[16];
	BIGNUM *number;
	bool done;

	if (RAND_bytes(serial, sizeof(serial)) != 1) {
		return false;
	}
	serial[0] &= 0x7f; /* RFC 5280 section 4.1.2.2: positive */
	number = BN_bin2bn(serial, sizeof(serial), NULL);
	done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) &&
	       X509_set_version(cert, X509_VERSION_3) &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), DAYS * 86400L) &&
	       X509_set_pubkey(cert, key) &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		       (const unsigned char *)"nakodo self-signed", -1, -1, 0) &&
	       X509_set_issuer_name(cert, subject) &&
	       add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(cert, NID_ext_key_usage, "serverAuth") &&
	       add_extension(cert, NID_subject_alt_name, names) &&
	       X509_sign(cert, key, EVP_sha256());
	BN_free(number);
	return done;
}

/* Write a file of that mode under a new name, then give it its own, so that nobody ever reads half
 * of it. `cert` or `key` is NULL. */
static int write_file(const char *path, mode_t mode, X509 *cert, EVP_PKEY *key)
{
	char *fresh = NULL;
	FILE *file = NULL;
	int fd, error = 0;

	if (asprintf(&fresh, "%s.new", path) < 0) {
		return -ENOMEM;
	}
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0 || !(file = fdopen(fd, "w"))) {
		error = -errno;
	} else if (cert ? !PEM_write_X509(file, cert)
			: !PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL)) {
		error = -EIO;
	}
	if (file && fclose(file) && !error) {
		error = -errno;
	}
	if (!error && rename(fresh, path)) {
		error = -errno;
	}
	if (error) {
		unlink(fresh);
	}
	free(fresh);
	return error;
}

static int make_directory(const char *path)
{
	char *copy = strdup(path);
	int error = copy ? 0 : -ENOMEM;

	if (copy && mkdir(dirname(copy), 0755) && errno != EEXIST) {
		error = -errno;
	}
	free(copy);
	return error;
}

/* Two daemons that start at the same time must not leave the key of one and the certificate of the
 * other. The descriptor to close, or -errno. */
static int lock_directory(const char *path)
{
	char *copy = strdup(path);
	int fd = -ENOMEM;

	if (copy) {
		fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
	}
	if (fd >= 0) {
		flock(fd, LOCK_EX); /* a file system without locks has to do without */
	}
	free(copy);
	return fd;
}

static bool is_there(const char *cert_path, const char *key_path)
{
	return !access(cert_path, F_OK) && !access(key_path, F_OK);
}

static int make_pair(const char *cert_path, const char *key_path)
{
	char *names = names_of_this_machine();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	int error = -ENOMEM;

	if (names && key && cert && fill(cert, key, names)) {
		error = write_file(key_path, 0600, NULL, key);
		if (!error) {
			error = write_file(cert_path, 0644, cert, NULL);
		}
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	free(names);
	return error;
}

int self_signed_make(const char *cert_path, const char *key_path, struct problem *problem)
{
	int error, lock;

	if (is_there(cert_path, key_path)) {
		return 0;
	}
	error = make_directory(cert_path);
	lock = error ? error : lock_directory(cert_path);
	error = lock < 0 ? lock : 0;
	if (!error && !is_there(cert_path, key_path)) {
		error = make_pair(cert_path, key_path);
	}
	if (lock >= 0) {
		close(lock);
	}
	if (error) {
		return problem_set(problem, error, "cannot make a self-signed certificate `%s`: %s",
			cert_path, strerror(-error));
	}
	return 0;
}
