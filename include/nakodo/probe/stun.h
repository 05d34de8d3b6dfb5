/*
 * stun: messages of STUN (RFC 8489) and TURN (RFC 8656), written and looked into.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STUN_MAX 4096 /* bytes of a message that we take */
#define STUN_HEAD 20

enum stun_type {
	STUN_BINDING = 0x001,
	STUN_ALLOCATE = 0x003,
	STUN_REFRESH = 0x004,
	STUN_PERMISSION = 0x008,
	STUN_SEND = 0x016,
	STUN_DATA = 0x017,
	STUN_SUCCESS = 0x100, /* or-ed to a request */
	STUN_ERROR = 0x110,
};

enum stun_attribute {
	STUN_USERNAME = 0x0006,
	STUN_INTEGRITY = 0x0008,
	STUN_ERROR_CODE = 0x0009,
	STUN_LIFETIME = 0x000d,
	STUN_PEER_ADDRESS = 0x0012,
	STUN_BYTES = 0x0013,
	STUN_REALM = 0x0014,
	STUN_NONCE = 0x0015,
	STUN_RELAYED_ADDRESS = 0x0016,
	STUN_TRANSPORT = 0x0019,
	STUN_MAPPED_ADDRESS = 0x0020,
};

struct stun {
	unsigned char bytes[STUN_MAX];
	size_t len;
};

/* Begin a message with a transaction id of its own. */
void stun_begin(struct stun *stun, unsigned type);
/* Add an attribute. One that does not fit is left out. */
void stun_add(struct stun *stun, unsigned attribute, const void *value, size_t len);
/* Add MESSAGE-INTEGRITY with the long-term key (RFC 8489 section 9.2.2). */
void stun_sign(struct stun *stun, const unsigned char key[16]);
/* The long-term key. False: no MD5 here, or they are too long. */
bool stun_make_key(unsigned char ret[16], const char *username, const char *realm, size_t realm_len,
	const char *password);

/* Is it a whole message? Ask before the following. */
bool stun_is_valid(const struct stun *stun);
unsigned stun_type(const struct stun *stun);
bool stun_has_same_id(const struct stun *one, const struct stun *other);
/* The value of the first such attribute, inside the message. NULL: it has none. */
const unsigned char *stun_find(const struct stun *stun, unsigned attribute, size_t *ret_len);
/* That of an error, such as 401; 0: none. */
unsigned stun_error_code(const struct stun *stun);
/* An attribute with an XOR-ed address as ADDRESS:PORT. False: it has none. */
bool stun_print_address(const struct stun *stun, unsigned attribute, char *buf, size_t size);
/* Add such an attribute of `from` as another of `to`: the XOR is undone and done anew. */
bool stun_copy_address(
	struct stun *to, unsigned attribute, const struct stun *from, unsigned which);
