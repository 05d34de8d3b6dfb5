/*
 * tls: owns the current certificate, chain and key. A callback gives them to each new handshake, so
 * a reload touches no connection, and the new key may be of another type than the old.
 */
#include "nakodo/net/tls/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nakodo/base/file.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/tls/self_signed.h"

struct tls {
	char *cert_path, *key_path; /* absolute */
	const char *cert_where, *key_where; /* where the options say so; theirs */
	char *directory; /* of tls-self-signed; NULL: the files are somebody else's */
	X509 *cert;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
	struct self_signed self_signed;
	char *ca_pem, *ca_fingerprint; /* NULL: no local authority */
};

static int read_failed(
	const char *where, const char *what, const char *path, struct problem *problem)
{
	const char *why = "there is none in PEM form in it, or a damaged one";
	int error = errno ? -errno : -EBADMSG;

	if (errno) {
		why = file_error_text(errno);
	} else if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_BAD_PASSWORD_READ) {
		why = "it needs a pass phrase, for which a daemon has nobody to ask";
	}
	ERR_clear_error();
	return problem_set(problem, file_fault(error), "%s: cannot read the %s `%s`: %s", where,
		what, path, why);
}

static int read_chain(struct tls *tls, struct problem *problem)
{
	FILE *file;
	X509 *next;
	int error = 0;

	errno = 0;
	file = file_open(AT_FDCWD, tls->cert_path);
	tls->cert = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
	tls->chain = sk_X509_new_null();
	while (tls->cert && tls->chain && (next = PEM_read_X509(file, NULL, NULL, NULL))) {
		sk_X509_push(tls->chain, next);
	}
	/* The end of the file is an error to OpenSSL; any other is one in the chain. */
	if (!tls->cert || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		error = read_failed(tls->cert_where, "certificate", tls->cert_path, problem);
	}
	ERR_clear_error();
	if (file) {
		fclose(file);
	}
	return error;
}

/* A daemon has nobody to ask for a pass phrase. */
static int no_pass_phrase(char *buf, int size, int writing, void *cookie)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)cookie;
	return -1;
}

static int read_key(struct tls *tls, struct problem *problem)
{
	FILE *file;
	int error = 0;

	errno = 0;
	file = file_open(AT_FDCWD, tls->key_path);
	if (file && file_is_open_to_all(file_mode(file))) {
		error = problem_set(problem, -EINVAL,
			"%s: everybody may read or change the private key `%s` (mode %04o): "
			"chmod o-rw",
			tls->key_where, tls->key_path, file_mode(file));
	} else {
		tls->key = file ? PEM_read_PrivateKey(file, NULL, no_pass_phrase, NULL) : NULL;
	}
	if (!error && !tls->key) {
		error = read_failed(tls->key_where, "private key", tls->key_path, problem);
	}
	if (file) {
		fclose(file);
	}
	return error;
}

static int read_pair(struct tls *tls, struct problem *problem)
{
	int error = read_chain(tls, problem);

	error = error ? error : read_key(tls, problem);
	if (!error && !X509_check_private_key(tls->cert, tls->key)) {
		ERR_clear_error();
		/* It may pass: they are being renewed, one after the other. */
		error = problem_set(problem, -EKEYREJECTED,
			"%s: the private key `%s` does not belong to the certificate `%s`",
			tls->key_where, tls->key_path, tls->cert_path);
	}
	return error;
}

static void free_content(struct tls *tls)
{
	X509_free(tls->cert);
	sk_X509_pop_free(tls->chain, X509_free);
	EVP_PKEY_free(tls->key);
	self_signed_finish(&tls->self_signed);
	free(tls->ca_pem);
	free(tls->ca_fingerprint);
}

/* As the systems show it that people install the authority on. */
static char *fingerprint(const X509 *cert)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char *text = NULL;

	if (X509_digest(cert, EVP_sha256(), digest, &len)) {
		text = malloc(3 * (size_t)len + 1);
	}
	for (unsigned i = 0; text && i < len; i++) {
		snprintf(text + 3 * i, 4, i + 1 < len ? "%02X:" : "%02X", digest[i]);
	}
	return text;
}

static int show_authority(struct tls *tls, struct problem *problem)
{
	BIO *bio;
	char *pem;

	if (!tls->self_signed.ca) {
		return 0;
	}
	bio = BIO_new(BIO_s_mem());
	if (bio && PEM_write_bio_X509(bio, tls->self_signed.ca)) {
		long len = BIO_get_mem_data(bio, &pem);

		tls->ca_pem = strndup(pem, (size_t)len);
	}
	BIO_free(bio);
	tls->ca_fingerprint = fingerprint(tls->self_signed.ca);
	return tls->ca_pem && tls->ca_fingerprint ? 0
						  : problem_set(problem, -ENOMEM, "out of memory");
}

static char *in_directory(const char *directory, const char *name)
{
	char *path;

	return directory && asprintf(&path, "%s/%s", directory, name) >= 0 ? path : NULL;
}

/* The files are read again after the daemon has left for "/". */
static int set_paths(struct tls *tls, const struct options *options, struct problem *problem)
{
	tls->cert_where = options_where(options,
		*options->tls_self_signed ? &options->tls_self_signed : &options->tls_cert);
	tls->key_where = options_where(
		options, *options->tls_self_signed ? &options->tls_self_signed : &options->tls_key);
	if (*options->tls_self_signed) {
		tls->directory = file_absolute(options->tls_self_signed);
		tls->cert_path = in_directory(tls->directory, "cert.pem");
		tls->key_path = in_directory(tls->directory, "key.pem");
	} else {
		tls->cert_path = file_absolute(options->tls_cert);
		tls->key_path = file_absolute(options->tls_key);
	}
	if (!tls->cert_path || !tls->key_path) {
		int error = -errno;

		return problem_set(problem, error, "%s: cannot tell where the certificate lies: %s",
			tls->cert_where, strerror(-error));
	}
	return 0;
}

/* Read the files into a tls that has only their paths, and make those that are ours to make. */
static int load(struct tls *tls, struct problem *problem)
{
	struct problem detail;
	int error = 0;

	if (tls->directory) {
		error = self_signed_update(tls->directory, &tls->self_signed, &detail);
		if (error) {
			return problem_set(problem, error, "%s: %s", tls->cert_where, detail.text);
		}
	}
	error = error ? error : read_pair(tls, problem);
	return error ? error : show_authority(tls, problem);
}

/* --check must not make any, perhaps as another user than the one who will need them. */
static int check(struct tls *tls, struct problem *problem)
{
	if (tls->directory && (access(tls->cert_path, F_OK) || access(tls->key_path, F_OK))) {
		return 0;
	}
	return read_pair(tls, problem);
}

int tls_create(struct tls **ret, const struct options *options, struct problem *problem)
{
	struct tls *tls;
	int error;

	*ret = NULL;
	if (!options_have_certificate(options)) {
		return 0;
	}
	tls = calloc(1, sizeof(*tls));
	if (!tls) {
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	error = set_paths(tls, options, problem);
	if (!error) {
		error = options->action == OPTION_CHECK ? check(tls, problem) : load(tls, problem);
	}
	if (error) {
		tls_destroy(tls);
		return error;
	}
	*ret = tls;
	return 0;
}

void tls_destroy(struct tls *tls)
{
	if (tls) {
		free_content(tls);
		free(tls->cert_path);
		free(tls->key_path);
		free(tls->directory);
		free(tls);
	}
}

int tls_reload(struct tls *tls, struct problem *problem)
{
	struct tls fresh = {
		.cert_path = tls->cert_path,
		.key_path = tls->key_path,
		.cert_where = tls->cert_where,
		.key_where = tls->key_where,
		.directory = tls->directory,
	};
	int error = load(&fresh, problem);

	if (error) {
		free_content(&fresh);
		return error;
	}
	free_content(tls); /* handshakes under way hold references of their own */
	*tls = fresh;
	return 0;
}

bool tls_is_due(const struct tls *tls)
{
	return self_signed_is_due(&tls->self_signed, tls->cert);
}

static int64_t end_of(const X509 *cert)
{
	struct tm end;

	return ASN1_TIME_to_tm(X509_get0_notAfter(cert), &end) ? timegm(&end) : 0;
}

int64_t tls_expiry(const struct tls *tls)
{
	int64_t first = tls ? end_of(tls->cert) : 0, end;

	for (int i = 0; tls && i < sk_X509_num(tls->chain); i++) {
		end = end_of(sk_X509_value(tls->chain, i));
		first = end < first ? end : first;
	}
	return first;
}

bool tls_covers(const struct tls *tls, const char *address)
{
	return X509_check_ip_asc(tls->cert, address, 0) == 1;
}

bool tls_has_name(const struct tls *tls, const char *name)
{
	return tls && X509_check_host(tls->cert, name, 0, 0, NULL) == 1;
}

const char *tls_ca_pem(const struct tls *tls)
{
	return tls ? tls->ca_pem : NULL;
}

const char *tls_ca_fingerprint(const struct tls *tls)
{
	return tls ? tls->ca_fingerprint : NULL;
}

static int give_certificate(SSL *ssl, void *cookie)
{
	const struct tls *tls = *(struct tls *const *)cookie;

	SSL_certs_clear(ssl);
	return tls && SSL_use_cert_and_key(ssl, tls->cert, tls->key, tls->chain, 1);
}

void tls_attach(struct tls **tls, SSL_CTX *context)
{
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	/* Nobody comes back often enough for a ticket to pay: to make one is a tenth of a
	 * handshake, and its key would decrypt what was recorded before. */
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(context, 0); /* the option is about TLS 1.2 */
	/* Or one SSL_read() goes on for as long as a client sends records without data, such as key
	 * updates, and nobody else is served. */
	SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	/* OpenSSL would choose AES-256 with SHA-384 first: slower, and 0.2 kB more per peer. */
	SSL_CTX_set_ciphersuites(context,
		"TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384");
	/* OpenSSL would also take groups of which one costs twenty times as much, while who asks
	 * for it computes nothing (CVE-2002-20001). Every client of TLS 1.3 knows P-256 (RFC 8446
	 * section 9.1). */
	SSL_CTX_set1_groups_list(context, "X25519:P-256");
	/* TLS 1.2: the same key exchange, and no decryption with the certificate's key. */
	SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
	SSL_CTX_set_cert_cb(context, give_certificate, tls);
}

/* guard h2c: HTTP/1.1 or nothing, as libwebsockets is told. */
static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
	const unsigned char *offered, unsigned len, void *cookie)
{
	static const unsigned char known[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)cookie;
	if (SSL_select_next_proto(&chosen, ret_len, known, sizeof(known) - 1, offered, len) !=
		OPENSSL_NPN_NEGOTIATED) {
		return SSL_TLSEXT_ERR_NOACK;
	}
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

void tls_speak_http1(SSL_CTX *context)
{
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
}

/* Clears the key inside, which the connection shares. The type makes no difference: the key is used
 * no more. */
static void empty_key(EVP_PKEY *key)
{
	EVP_PKEY_set_type(key, EVP_PKEY_X25519);
	EVP_PKEY_free(key);
}

bool tls_has_cost(int version, int type, const void *bytes, size_t len)
{
	int last = version < TLS1_3_VERSION ? SSL3_MT_FINISHED : SSL3_MT_CERTIFICATE;

	return type == SSL3_RT_HANDSHAKE && len && *(const unsigned char *)bytes == last;
}

void tls_settle(SSL *ssl)
{
	EVP_PKEY *key;

	if (!ssl) {
		return;
	}
	SSL_certs_clear(ssl);
	/* The keys of the key exchange; later keys of TLS 1.3 are derived without them. */
	if (SSL_get_tmp_key(ssl, &key)) {
		empty_key(key);
	}
	if (SSL_get_peer_tmp_key(ssl, &key)) {
		empty_key(key);
	}
}
