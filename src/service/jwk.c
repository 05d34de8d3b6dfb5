/* jwk: owns the members of a key; what may be done with it is jwt_key's. */
#include "nakodo/service/jwk.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdbool.h>
#include <string.h>

#include "nakodo/base/base64url.h"
#include "nakodo/base/json.h"
#include "nakodo/base/problem.h"
#include "nakodo/service/jwt_key.h"

#define NUMBER_MAX 2048 /* bytes: RSA of 16384 bits */
#define NUMBER_TEXT BASE64URL_TEXT(NUMBER_MAX)
#define COORDINATE 32 /* bytes */

enum { KTY, KID, ALG, USE, OPS, N, E, CRV, X, Y, K, COUNT };

struct number {
	unsigned char bytes[NUMBER_MAX];
	size_t len;
};

static bool get_number(const struct json_member *member, struct number *ret)
{
	char text[NUMBER_TEXT];
	long len = json_decode(&member->value, text, sizeof(text));

	len = len > 0 ? base64url_decode(text, (size_t)len, ret->bytes, NUMBER_MAX) : -EINVAL;
	ret->len = len > 0 ? (size_t)len : 0;
	return len > 0;
}

static EVP_PKEY *make(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY *key = NULL;

	if (!context || !parameters || EVP_PKEY_fromdata_init(context) != 1 ||
		EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
		key = NULL;
	}
	OSSL_PARAM_free(parameters);
	EVP_PKEY_CTX_free(context);
	return key;
}

static EVP_PKEY *make_rsa(const struct json_member *members)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = NULL, *e = NULL;
	struct number number;
	EVP_PKEY *key = NULL;

	if (get_number(&members[N], &number)) {
		n = BN_bin2bn(number.bytes, (int)number.len, NULL);
	}
	if (get_number(&members[E], &number)) {
		e = BN_bin2bn(number.bytes, (int)number.len, NULL);
	}
	if (build && n && e && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e)) {
		key = make("RSA", build);
	}
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	return key;
}

static EVP_PKEY *make_ec(const struct json_member *members)
{
	unsigned char point[1 + 2 * COORDINATE] = {POINT_CONVERSION_UNCOMPRESSED};
	OSSL_PARAM_BLD *build;
	struct number x, y;
	EVP_PKEY *key = NULL;

	if (!get_number(&members[X], &x) || !get_number(&members[Y], &y) || x.len != COORDINATE ||
		y.len != COORDINATE) {
		return NULL;
	}
	memcpy(point + 1, x.bytes, COORDINATE);
	memcpy(point + 1 + COORDINATE, y.bytes, COORDINATE);
	build = OSSL_PARAM_BLD_new();
	if (build &&
		OSSL_PARAM_BLD_push_utf8_string(
			build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
		OSSL_PARAM_BLD_push_octet_string(
			build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point))) {
		key = make("EC", build);
	}
	OSSL_PARAM_BLD_free(build);
	return key;
}

static EVP_PKEY *make_ed25519(const struct json_member *members)
{
	struct number x;

	return get_number(&members[X], &x)
		       ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.bytes, x.len)
		       : NULL;
}

/* The algorithm of the key; false: it is for none of ours. */
static bool choose(const struct json_member *members, char *ret, size_t size)
{
	const struct json_value *type = &members[KTY].value, *curve = &members[CRV].value;
	bool rsa = json_equals(type, "RSA"), secret = json_equals(type, "oct");
	bool ec = json_equals(type, "EC") && json_equals(curve, "P-256");
	bool ed = json_equals(type, "OKP") && json_equals(curve, "Ed25519");
	const char *standard = rsa ? "RS256" : ec ? "ES256" : ed ? "EdDSA" : NULL;

	if (members[ALG].value.kind == JSON_ABSENT && standard) {
		strncpy(ret, standard, size);
		return true;
	}
	if (json_decode(&members[ALG].value, ret, size) < 0 || !jwt_key_knows(ret)) {
		return false;
	}
	return secret ? !strncmp(ret, "HS", 2)
	       : rsa  ? !strcmp(ret, "RS256") || !strcmp(ret, "PS256")
		      : standard && !strcmp(ret, standard);
}

/* RFC 7517 sections 4.2 and 4.3. */
static bool is_for_signatures(const struct json_member *members)
{
	const struct json_value *use = &members[USE].value, *operations = &members[OPS].value;
	struct json_value item = {0};

	if (use->kind != JSON_ABSENT && !json_equals(use, "sig")) {
		return false;
	}
	while (json_next(operations, &item)) {
		if (json_equals(&item, "verify")) {
			return true;
		}
	}
	return operations->kind == JSON_ABSENT;
}

static int make_secret(struct jwt_key **ret, const char *id, const char *algorithm,
	const struct json_member *members, struct problem *problem)
{
	struct number secret;

	if (!get_number(&members[K], &secret)) {
		return problem_set(problem, -EINVAL, "its secret is not base64url");
	}
	return jwt_key_create_secret(ret, id, algorithm, secret.bytes, secret.len, problem);
}

static int make_key(struct jwt_key **ret, const char *id, const char *algorithm,
	const struct json_member *members, struct problem *problem)
{
	const struct json_value *type = &members[KTY].value;
	EVP_PKEY *key;

	if (json_equals(type, "oct")) {
		return make_secret(ret, id, algorithm, members, problem);
	}
	key = json_equals(type, "RSA")  ? make_rsa(members)
	      : json_equals(type, "EC") ? make_ec(members)
					: make_ed25519(members);
	ERR_clear_error();
	if (!key) {
		return problem_set(problem, -EINVAL, "it is no whole public key");
	}
	return jwt_key_create_public(ret, id, algorithm, key, problem);
}

int jwk_read(struct jwt_key **ret, const char *text, size_t len, struct problem *problem)
{
	struct json_member members[COUNT] = {[KTY] = {.name = "kty"},
		[KID] = {.name = "kid"},
		[ALG] = {.name = "alg"},
		[USE] = {.name = "use"},
		[OPS] = {.name = "key_ops"},
		[N] = {.name = "n"},
		[E] = {.name = "e"},
		[CRV] = {.name = "crv"},
		[X] = {.name = "x"},
		[Y] = {.name = "y"},
		[K] = {.name = "k"}};
	char id[JWT_KEY_ID + 1] = "", algorithm[16];

	if (json_scan(text, len, members, COUNT) != JSON_OK) {
		return problem_set(
			problem, -EINVAL, "it is no JSON object in which each member stands once");
	}
	if (!is_for_signatures(members) || !choose(members, algorithm, sizeof(algorithm))) {
		return -ENOTSUP;
	}
	if (members[KID].value.kind != JSON_ABSENT &&
		json_decode(&members[KID].value, id, sizeof(id)) <= 0) {
		return problem_set(
			problem, -EINVAL, "its `kid` must be a text of 1 to %d bytes", JWT_KEY_ID);
	}
	return make_key(ret, id, algorithm, members, problem);
}
