/*
 * tls: owns the current certificate, chain and key. A callback gives them to each new handshake, so
 * a reload touches no connection, and the new key may be of another type than the old.
 */
#include "nakodo/net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/self_signed.h"

struct tls {
	char *cert_path, *key_path; /* absolute */
	X509 *cert;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
};

static int read_failed(const char *what, const char *path, struct problem *problem)
{
	const char *why = "there is none in PEM form in it, or a damaged one";

	if (errno) {
		why = strerror(errno);
	} else if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_BAD_PASSWORD_READ) {
		why = "it needs a pass phrase, for which a daemon has nobody to ask";
	}
	ERR_clear_error();
	return problem_set(problem, -EBADMSG, "cannot read the %s `%s`: %s", what, path, why);
}

static int read_chain(struct tls *tls, struct problem *problem)
{
	FILE *file;
	X509 *next;
	int error = 0;

	errno = 0;
	file = fopen(tls->cert_path, "re");
	tls->cert = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
	tls->chain = sk_X509_new_null();
	while (tls->cert && tls->chain && (next = PEM_read_X509(file, NULL, NULL, NULL))) {
		sk_X509_push(tls->chain, next);
	}
	/* The end of the file is an error to OpenSSL; any other is one in the chain. */
	if (!tls->cert || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		error = read_failed("certificate", tls->cert_path, problem);
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

static int read_pair(struct tls *tls, struct problem *problem)
{
	FILE *file;
	int error = read_chain(tls, problem);

	if (error) {
		return error;
	}
	errno = 0;
	file = fopen(tls->key_path, "re");
	tls->key = file ? PEM_read_PrivateKey(file, NULL, no_pass_phrase, NULL) : NULL;
	error = tls->key ? 0 : read_failed("private key", tls->key_path, problem);
	if (file) {
		fclose(file);
	}
	if (!error && !X509_check_private_key(tls->cert, tls->key)) {
		ERR_clear_error();
		error = problem_set(problem, -EKEYREJECTED,
			"the private key `%s` does not belong to the certificate `%s`",
			tls->key_path, tls->cert_path);
	}
	return error;
}

static void free_pair(struct tls *tls)
{
	X509_free(tls->cert);
	sk_X509_pop_free(tls->chain, X509_free);
	EVP_PKEY_free(tls->key);
	tls->cert = NULL;
	tls->chain = NULL;
	tls->key = NULL;
}

/* The files are read again after the daemon has left for "/". */
static char *absolute(const char *directory, const char *name)
{
	char *cwd = *directory == '/' ? NULL : realpath(".", NULL), *path = NULL;

	if (asprintf(&path, "%s%s%s%s%s", cwd ? cwd : "", cwd ? "/" : "", directory,
		    *name ? "/" : "", name) < 0) {
		path = NULL;
	}
	free(cwd);
	return path;
}

static int set_paths(struct tls *tls, const struct options *options, struct problem *problem)
{
	bool self_signed = *options->tls_self_signed;
	const char *directory = options->tls_self_signed;

	tls->cert_path = absolute(
		self_signed ? directory : options->tls_cert, self_signed ? "cert.pem" : "");
	tls->key_path =
		absolute(self_signed ? directory : options->tls_key, self_signed ? "key.pem" : "");
	if (!tls->cert_path || !tls->key_path) {
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	return 0;
}

/* Make or read the files. 1: read; 0: --check found none, and must not make any, perhaps as another
 * user than the one who will need them. */
static int load(struct tls *tls, const struct options *options, struct problem *problem)
{
	int error = 0;

	if (*options->tls_self_signed && options->action == OPTION_CHECK) {
		if (access(tls->cert_path, F_OK) || access(tls->key_path, F_OK)) {
			return 0;
		}
	} else if (*options->tls_self_signed) {
		error = self_signed_make(tls->cert_path, tls->key_path, problem);
	}
	error = error ? error : read_pair(tls, problem);
	return error ? error : 1;
}

int tls_create(struct tls **ret, const struct options *options, struct problem *problem)
{
	struct tls *tls;
	int loaded;

	*ret = NULL;
	if (!*options->tls_cert && !*options->tls_self_signed) {
		return 0;
	}
	tls = calloc(1, sizeof(*tls));
	if (!tls) {
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	loaded = set_paths(tls, options, problem);
	loaded = loaded ? loaded : load(tls, options, problem);
	if (loaded <= 0) {
		tls_destroy(tls);
		return loaded;
	}
	*ret = tls;
	return 0;
}

void tls_destroy(struct tls *tls)
{
	if (tls) {
		free_pair(tls);
		free(tls->cert_path);
		free(tls->key_path);
		free(tls);
	}
}

int tls_reload(struct tls *tls, struct problem *problem)
{
	struct tls fresh = {.cert_path = tls->cert_path, .key_path = tls->key_path};
	int error = read_pair(&fresh, problem);

	if (error) {
		free_pair(&fresh);
		return error;
	}
	free_pair(tls); /* handshakes under way hold references of their own */
	*tls = fresh;
	return 0;
}

static int give_certificate(SSL *ssl, void *cookie)
{
	struct tls *tls = cookie;

	SSL_certs_clear(ssl);
	return SSL_use_cert_and_key(ssl, tls->cert, tls->key, tls->chain, 1);
}

void tls_attach(struct tls *tls, SSL_CTX *context)
{
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
	/* Or one SSL_read() goes on for as long as a client sends records without data, such as key
	 * updates, and nobody else is served. */
	SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 1);
	/* OpenSSL would choose AES-256 with SHA-384 first: slower, and 0.2 kB more per peer. */
	SSL_CTX_set_ciphersuites(context,
		"TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384");
	SSL_CTX_set_cert_cb(context, give_certificate, tls);
}

/* Clears the key inside, which the connection shares. The type makes no difference: the key is used
 * no more. */
static void empty_key(EVP_PKEY *key)
{
	EVP_PKEY_set_type(key, EVP_PKEY_X25519);
	EVP_PKEY_free(key);
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
