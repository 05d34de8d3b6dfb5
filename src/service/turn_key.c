/* turn_key: see the header. */
#include "nakodo/service/turn_key.h"

#include <openssl/evp.h>
#include <string.h>

#include "nakodo/service/secret.h"

bool turn_key_sign(const struct secret *key, const char *username, char ret[TURN_KEY_PASSWORD])
{
	unsigned char mac[SECRET_SHA1];

	if (!secret_sign(key, username, strlen(username), mac, sizeof(mac))) {
		return false;
	}
	EVP_EncodeBlock((unsigned char *)ret, mac, sizeof(mac));
	return true;
}
