/*
 * relay_line: what a node says first to the node that has the unit of a connection:
 *
 *   nakodo 1 TOKEN FLAGS ADDRESS AUTH KEY UNIT\n
 *
 * FLAGS is the sum of 1, it came by a listener with TLS, and 2, see struct accepted (direct). ADDRESS is
 * the client's. AUTH and KEY say by which kind of listener it came: its own `auth`, and the mount of
 * its own. These two and UNIT are in hexadecimal, or "-". The answer is one byte, RELAY_TAKEN or
 * RELAY_REFUSED, and then both sides are the client's and the owner's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nakodo/base/address.h"
#include "nakodo/net/workers/unit.h"

#define RELAY_TOKEN 33 /* with its NUL */
#define RELAY_LINE 2560 /* bytes at most, with its NUL */
#define RELAY_KEY 512
#define RELAY_TAKEN 'Y'
#define RELAY_REFUSED 'N'

struct relay_line {
	char token[RELAY_TOKEN]; /* of the node that it is said to */
	bool tls, direct;
	struct address address;
	char auth[8], key[RELAY_KEY], unit[UNIT_NAME];
};

/* The length, without the NUL that is behind it. */
size_t relay_line_print(const struct relay_line *line, char buf[RELAY_LINE]);
/* `text` is a line without its end. False: it is none. */
bool relay_line_parse(struct relay_line *ret, const char *text);
