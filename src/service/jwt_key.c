/*
 * jwt_key: owns what each algorithm is. OpenSSL leaves its errors in a queue that TLS looks at, so
 * nothing that fails here leaves without clearing it.
 */
#include "nakodo/service/jwt_key.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/problem.h"

#define RSA_BITS 2048 /* at least, RFC 7518 section 3.3 */
#define EC_BYTES 32 /* of each of the two numbers of an ES256 signature */
#define EC_DER 80 /* bytes that hold both in DER */

enum family { HMAC_SHA, RSA_PKCS1, RSA_PSS, ECDSA, EDDSA };

struct algorithm {
	const char *name;
	enum family family;
	const EVP_MD *(*digest)(void);
};

struct jwt_key {
	const struct algorithm *algorithm;
	EVP_PKEY *key; /* NULL: HS* */
	unsigned char *secret; /* HS* */
	size_t secret_len;
	bool is_private;
	char id[];
};

static const struct algorithm algorithms[] = {
	{"HS256", HMAC_SHA, EVP_sha256},
	{"HS384", HMAC_SHA, EVP_sha384},
	{"HS512", HMAC_SHA, EVP_sha512},
	{"RS256", RSA_PKCS1, EVP_sha256},
	{"PS256", RSA_PSS, EVP_sha256},
	{"ES256", ECDSA, EVP_sha256},
	{"EdDSA", EDDSA, NULL},
};

static const struct algorithm *find(const char *name)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++) {
		if (!strcmp(algorithms[i].name, name)) {
			return &algorithms[i];
		}
	}
	return NULL;
}

bool jwt_key_knows(const char *algorithm)
{
	return find(algorithm);
}

static struct jwt_key *create(const char *id, const struct algorithm *algorithm)
{
	size_t size = strlen(id) + 1;
	struct jwt_key *key = calloc(1, sizeof(*key) + size);

	if (key) {
		memcpy(key->id, id, size);
		key->algorithm = algorithm;
	}
	return key;
}

/* How long the secret is without the line break that an editor puts behind a line of text. */
static size_t secret_length(const char *text, size_t len)
{
	size_t line = len;

	if (line && text[line - 1] == '\n') {
		line -= line > 1 && text[line - 2] == '\r' ? 2 : 1;
	}
	for (size_t i = 0; i < line; i++) {
		if (text[i] < ' ' || text[i] > '~') {
			return len;
		}
	}
	return line;
}

int jwt_key_create_secret(struct jwt_key **ret, const char *id, const char *algorithm,
	const void *secret, size_t len, struct problem *problem)
{
	const struct algorithm *known = find(algorithm);
	size_t least = (size_t)EVP_MD_get_size(known->digest()); /* RFC 7518 section 3.2 */
	struct jwt_key *key;

	if (len < least) {
		return problem_set(problem, -EINVAL,
			"the secret has %zu bytes; %s needs %zu at least, as from `openssl rand "
			"-hex 64`",
			len, algorithm, least);
	}
	key = create(id, known);
	if (!key || !(key->secret = OPENSSL_memdup(secret, len))) {
		free(key);
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	key->secret_len = len;
	key->is_private = true;
	*ret = key;
	return 0;
}

/* What is wrong with the key for that algorithm? NULL: nothing. */
static const char *fault_of(const struct algorithm *algorithm, EVP_PKEY *key)
{
	char group[32] = "";

	switch (algorithm->family) {
	case RSA_PKCS1:
	case RSA_PSS:
		if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
			return "it is no RSA key";
		}
		return EVP_PKEY_get_bits(key) < RSA_BITS ? "an RSA key needs 2048 bits at least"
							 : NULL;
	case ECDSA:
		if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
			!EVP_PKEY_get_utf8_string_param(
				key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) ||
			strcmp(group, "prime256v1")) {
			return "it is no key of the curve P-256";
		}
		return NULL;
	case EDDSA:
		return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL
								     : "it is no Ed25519 key";
	default:
		return "a public key is no secret";
	}
}

/* Does its public part lie where it must? Not of one that is no key of its kind at all. */
static bool is_sound(EVP_PKEY *key)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool sound = context && EVP_PKEY_public_check(context) == 1;

	EVP_PKEY_CTX_free(context);
	return sound;
}

static int adopt(struct jwt_key **ret, const char *id, const struct algorithm *algorithm,
	EVP_PKEY *key, bool is_private, struct problem *problem)
{
	const char *fault = fault_of(algorithm, key);

	if (!fault && !is_sound(key)) {
		fault = "it is damaged";
	}
	ERR_clear_error();
	if (fault) {
		EVP_PKEY_free(key);
		return problem_set(
			problem, -EINVAL, "it cannot be used for %s: %s", algorithm->name, fault);
	}
	*ret = create(id, algorithm);
	if (!*ret) {
		EVP_PKEY_free(key);
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	(*ret)->key = key;
	(*ret)->is_private = is_private;
	return 0;
}

int jwt_key_create_public(struct jwt_key **ret, const char *id, const char *algorithm,
	EVP_PKEY *key, struct problem *problem)
{
	return adopt(ret, id, find(algorithm), key, false, problem);
}

/* Else OpenSSL asks for a password on the terminal. */
static int no_password(char *buf, int size, int writing, void *cookie)
{
	(void)buf, (void)size, (void)writing, (void)cookie;
	return -1;
}

static EVP_PKEY *read_pem(const char *text, size_t len, bool *ret_private)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL) : NULL;

	*ret_private = !key;
	if (bio && !key) {
		BIO_reset(bio);
		key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	}
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

int jwt_key_create(struct jwt_key **ret, const char *id, const char *algorithm, const char *text,
	size_t len, struct problem *problem)
{
	const struct algorithm *known = find(algorithm);
	const char pem[] = "-----BEGIN";
	EVP_PKEY *key;
	bool is_private;

	if (known->family == HMAC_SHA) {
		if (!strncmp(text, pem, strlen(pem))) {
			return problem_set(problem, -EINVAL,
				"it holds a key in PEM, which is no secret for %s", algorithm);
		}
		return jwt_key_create_secret(
			ret, id, algorithm, text, secret_length(text, len), problem);
	}
	key = read_pem(text, len, &is_private);
	if (!key) {
		return problem_set(problem, -EINVAL,
			"it holds neither a public nor an unencrypted private key in PEM");
	}
	return adopt(ret, id, known, key, is_private, problem);
}

void jwt_key_destroy(struct jwt_key *key)
{
	if (key) {
		EVP_PKEY_free(key->key);
		OPENSSL_clear_free(key->secret, key->secret_len);
		free(key);
	}
}

const char *jwt_key_id(const struct jwt_key *key)
{
	return key->id;
}

const char *jwt_key_algorithm(const struct jwt_key *key)
{
	return key->algorithm->name;
}

bool jwt_key_is_secret(const struct jwt_key *key)
{
	return key->is_private;
}

/* The length, 0 for want of memory. */
static unsigned hmac(
	const struct jwt_key *key, const char *text, size_t len, unsigned char ret[EVP_MAX_MD_SIZE])
{
	unsigned got = 0;

	return HMAC(key->algorithm->digest(), key->secret, (int)key->secret_len,
		       (const unsigned char *)text, len, ret, &got)
		       ? got
		       : 0;
}

/* RFC 7518 section 3.5: the salt is as long as the hash. */
static bool set_padding(const struct jwt_key *key, EVP_PKEY_CTX *context)
{
	return key->algorithm->family != RSA_PSS ||
	       (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0);
}

static const EVP_MD *digest_of(const struct jwt_key *key)
{
	return key->algorithm->digest ? key->algorithm->digest() : NULL;
}

/* RFC 7518 section 3.4: the two numbers side by side; OpenSSL wants DER. The length; 0: no. */
static size_t to_der(const unsigned char *signature, size_t len, unsigned char ret[EC_DER])
{
	ECDSA_SIG *pair = len == 2 * EC_BYTES ? ECDSA_SIG_new() : NULL;
	BIGNUM *r = pair ? BN_bin2bn(signature, EC_BYTES, NULL) : NULL;
	BIGNUM *s = pair ? BN_bin2bn(signature + EC_BYTES, EC_BYTES, NULL) : NULL;
	int written = 0;

	if (r && s && ECDSA_SIG_set0(pair, r, s)) {
		written = i2d_ECDSA_SIG(pair, &ret);
	} else {
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(pair);
	return written > 0 ? (size_t)written : 0;
}

static long from_der(const unsigned char *der, size_t len, unsigned char *ret)
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool good = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret, EC_BYTES) == EC_BYTES &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(pair), ret + EC_BYTES, EC_BYTES) == EC_BYTES;

	ECDSA_SIG_free(pair);
	return good ? 2 * EC_BYTES : -ENOMEM;
}

static bool verify(const struct jwt_key *key, const char *text, size_t len,
	const unsigned char *signature, size_t signature_len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *parameters; /* the context's */
	bool good =
		context &&
		EVP_DigestVerifyInit(context, &parameters, digest_of(key), NULL, key->key) == 1 &&
		set_padding(key, parameters) &&
		EVP_DigestVerify(
			context, signature, signature_len, (const unsigned char *)text, len) == 1;

	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return good;
}

bool jwt_key_verify(const struct jwt_key *key, const char *text, size_t len,
	const unsigned char *signature, size_t signature_len)
{
	unsigned char other[EVP_MAX_MD_SIZE], der[EC_DER];
	unsigned other_len;
	size_t der_len;

	switch (key->algorithm->family) {
	case HMAC_SHA:
		other_len = hmac(key, text, len, other);
		return other_len && other_len == signature_len &&
		       !CRYPTO_memcmp(other, signature, other_len);
	case ECDSA:
		der_len = to_der(signature, signature_len, der);
		return der_len && verify(key, text, len, der, der_len);
	default:
		return verify(key, text, len, signature, signature_len);
	}
}

static long sign(const struct jwt_key *key, const char *text, size_t len, unsigned char *ret)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *parameters; /* the context's */
	size_t got = JWT_SIGNATURE;
	bool good = context &&
		    EVP_DigestSignInit(context, &parameters, digest_of(key), NULL, key->key) == 1 &&
		    set_padding(key, parameters) &&
		    EVP_DigestSign(context, ret, &got, (const unsigned char *)text, len) == 1;

	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return good ? (long)got : -ENOMEM;
}

long jwt_key_sign(
	const struct jwt_key *key, const char *text, size_t len, unsigned char ret[JWT_SIGNATURE])
{
	unsigned char der[JWT_SIGNATURE];
	long got;

	if (!key->is_private) {
		return -ENOKEY;
	}
	switch (key->algorithm->family) {
	case HMAC_SHA:
		got = hmac(key, text, len, ret);
		return got ? got : -ENOMEM;
	case ECDSA:
		got = sign(key, text, len, der);
		return got < 0 ? got : from_der(der, (size_t)got, ret);
	default:
		return sign(key, text, len, ret);
	}
}
