/* token: see the header. */
#include "nakodo/service/token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/ids.h"

#define RANDOM 16 /* bytes */
#define BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

void token_create(char ret[TOKEN_TEXT])
{
	unsigned char random[RANDOM], text[25]; /* with the padding and its NUL */

	ids_random(random, sizeof(random));
	EVP_EncodeBlock(text, random, sizeof(random));
	for (int i = 0; i < TOKEN_TEXT - 1; i++) {
		ret[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : (char)text[i];
	}
	ret[TOKEN_TEXT - 1] = '\0';
	OPENSSL_cleanse(random, sizeof(random));
}

bool token_is_valid(const char *text)
{
	return strlen(text) == TOKEN_TEXT - 1 && strspn(text, BASE64URL) == TOKEN_TEXT - 1;
}

bool token_hash(unsigned char ret[TOKEN_HASH], const char *scope, const char *text)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	/* With the NUL, so that no two pairs are the same bytes. */
	bool hashed = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) &&
		      EVP_DigestUpdate(context, scope, strlen(scope) + 1) &&
		      EVP_DigestUpdate(context, text, strlen(text)) &&
		      EVP_DigestFinal_ex(context, ret, NULL);

	EVP_MD_CTX_free(context);
	return hashed;
}

bool token_equal(const unsigned char a[TOKEN_HASH], const unsigned char b[TOKEN_HASH])
{
	return !CRYPTO_memcmp(a, b, TOKEN_HASH);
}
