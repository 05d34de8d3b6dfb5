/* stun: owns the bytes of messages; when they are sent is relays' affair. */
#include "nakodo/probe/stun.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define COOKIE 0x2112a442
#define ID 4 /* where cookie and transaction id begin; they are what addresses are XOR-ed with */
#define KEY_TEXT 2048

static unsigned get16(const unsigned char *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static void put16(unsigned char *at, size_t value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

void stun_begin(struct stun *stun, unsigned type)
{
	const uint32_t cookie = htonl(COOKIE);

	memset(stun->bytes, 0, STUN_HEAD);
	put16(stun->bytes, type);
	memcpy(stun->bytes + ID, &cookie, sizeof(cookie));
	RAND_bytes(stun->bytes + ID + 4, 12);
	stun->len = STUN_HEAD;
}

void stun_add(struct stun *stun, unsigned attribute, const void *value, size_t len)
{
	size_t padded = (len + 3) & ~(size_t)3;
	unsigned char *at = stun->bytes + stun->len;

	if (padded + 4 > STUN_MAX - stun->len) {
		return;
	}
	put16(at, attribute);
	put16(at + 2, len);
	memset(at + 4, 0, padded);
	memcpy(at + 4, value, len);
	stun->len += 4 + padded;
	put16(stun->bytes + 2, stun->len - STUN_HEAD);
}

void stun_sign(struct stun *stun, const unsigned char key[16])
{
	unsigned char hash[EVP_MAX_MD_SIZE];

	/* The length counts the attribute already, section 14.5. */
	put16(stun->bytes + 2, stun->len - STUN_HEAD + 24);
	if (HMAC(EVP_sha1(), key, 16, stun->bytes, stun->len, hash, NULL)) {
		stun_add(stun, STUN_INTEGRITY, hash, 20);
	}
}

bool stun_make_key(unsigned char ret[16], const char *username, const char *realm, size_t realm_len,
	const char *password)
{
	char text[KEY_TEXT];
	int len = snprintf(
		text, sizeof(text), "%s:%.*s:%s", username, (int)realm_len, realm, password);

	return len > 0 && len < KEY_TEXT &&
	       EVP_Digest(text, (size_t)len, ret, NULL, EVP_md5(), NULL) == 1;
}

bool stun_is_valid(const struct stun *stun)
{
	const uint32_t cookie = htonl(COOKIE);

	return stun->len >= STUN_HEAD && stun->bytes[0] < 0x40 &&
	       get16(stun->bytes + 2) == stun->len - STUN_HEAD && stun->len % 4 == 0 &&
	       !memcmp(stun->bytes + ID, &cookie, sizeof(cookie));
}

unsigned stun_type(const struct stun *stun)
{
	return get16(stun->bytes);
}

bool stun_has_same_id(const struct stun *one, const struct stun *other)
{
	return !memcmp(one->bytes + ID, other->bytes + ID, STUN_HEAD - ID);
}

const unsigned char *stun_find(const struct stun *stun, unsigned attribute, size_t *ret_len)
{
	size_t at = STUN_HEAD;

	while (at + 4 <= stun->len) {
		size_t len = get16(stun->bytes + at + 2);

		if (len > stun->len - at - 4) {
			return NULL;
		}
		if (get16(stun->bytes + at) == attribute) {
			*ret_len = len;
			return stun->bytes + at + 4;
		}
		at += 4 + ((len + 3) & ~(size_t)3);
	}
	return NULL;
}

unsigned stun_error_code(const struct stun *stun)
{
	size_t len;
	const unsigned char *value = stun_find(stun, STUN_ERROR_CODE, &len);

	return value && len >= 4 ? (value[2] & 7) * 100 + value[3] : 0;
}

/* Its length; 0: none. `plain`: family, port and address without the XOR. */
static size_t read_address(const struct stun *stun, unsigned attribute, unsigned char plain[20])
{
	size_t len;
	const unsigned char *value = stun_find(stun, attribute, &len);

	if (!value || len < 8 || len != (value[1] == 1 ? 8 : 20)) {
		return 0;
	}
	memcpy(plain, value, len);
	plain[2] ^= stun->bytes[ID];
	plain[3] ^= stun->bytes[ID + 1];
	for (size_t i = 4; i < len; i++) {
		plain[i] ^= stun->bytes[ID + i - 4];
	}
	return len;
}

bool stun_print_address(const struct stun *stun, unsigned attribute, char *buf, size_t size)
{
	unsigned char plain[20];
	char text[INET6_ADDRSTRLEN];
	size_t len = read_address(stun, attribute, plain);

	if (!len || !inet_ntop(len == 8 ? AF_INET : AF_INET6, plain + 4, text, sizeof(text))) {
		return false;
	}
	snprintf(buf, size, len == 8 ? "%s:%u" : "[%s]:%u", text, get16(plain + 2));
	return true;
}

bool stun_copy_address(struct stun *to, unsigned attribute, const struct stun *from, unsigned which)
{
	unsigned char plain[20];
	size_t len = read_address(from, which, plain);

	if (!len) {
		return false;
	}
	plain[2] ^= to->bytes[ID];
	plain[3] ^= to->bytes[ID + 1];
	for (size_t i = 4; i < len; i++) {
		plain[i] ^= to->bytes[ID + i - 4];
	}
	stun_add(to, attribute, plain, len);
	return true;
}
