/* tokens: see the header. */
#include "tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "nakodo/base/base64url.h"
#include "nakodo/base/problem.h"
#include "nakodo/service/jwt.h"
#include "nakodo/service/jwt_key.h"
#include "nakodo/service/jwt_keys.h"

char *tokens_pem(const char *type, const char *curve, unsigned bits, bool is_private)
{
	EVP_PKEY *key = bits    ? EVP_PKEY_Q_keygen(NULL, NULL, type, (size_t)bits)
			: curve ? EVP_PKEY_Q_keygen(NULL, NULL, type, curve)
				: EVP_PKEY_Q_keygen(NULL, NULL, type);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text, *copy;
	long len;

	assert_non_null(key);
	if (is_private) {
		PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	} else {
		PEM_write_bio_PUBKEY(bio, key);
	}
	len = BIO_get_mem_data(bio, &text);
	copy = strndup(text, (size_t)len);
	BIO_free(bio);
	EVP_PKEY_free(key);
	return copy;
}

static const char *pem_of(const char *algorithm)
{
	static char *rsa, *ec, *ed;

	switch (algorithm[0]) {
	case 'H':
		return SECRET;
	case 'R':
	case 'P':
		return rsa ? rsa : (rsa = tokens_pem("RSA", NULL, 2048, true));
	default:
		return algorithm[1] == 'S'
			       ? (ec ? ec : (ec = tokens_pem("EC", "P-256", 0, true)))
			       : (ed ? ed : (ed = tokens_pem("ED25519", NULL, 0, true)));
	}
}

struct jwt_keys *tokens_keys_of(const char *id, const char *algorithm)
{
	struct jwt_keys *keys = jwt_keys_create();
	struct problem problem = {""};
	const char *pem = pem_of(algorithm);
	struct jwt_key *key;

	if (jwt_key_create(&key, id, algorithm, pem, strlen(pem), &problem)) {
		fail_msg("%s", problem.text);
	}
	assert_int_equal(jwt_keys_add(keys, key, &problem), 0);
	return keys;
}

char *tokens_make(const struct jwt_keys *keys, const char *header, const char *payload)
{
	char text[2 * JWT_MAX], signature_text[BASE64URL_TEXT(JWT_SIGNATURE)], *token;
	unsigned char signature[JWT_SIGNATURE];
	size_t at = base64url_encode((const unsigned char *)header, strlen(header), text);
	long len;

	text[at++] = '.';
	base64url_encode((const unsigned char *)payload, strlen(payload), text + at);
	len = jwt_key_sign(jwt_keys_first(keys), text, strlen(text), signature);
	assert_true(len > 0);
	base64url_encode(signature, (size_t)len, signature_text);
	assert_true(asprintf(&token, "%s.%s", text, signature_text) > 0);
	return token;
}
