/*
 * relay_line: what a node says first to the node that has the unit of a connection:
 *
 *   nakodo 1 TOKEN FLAGS ADDRESS LISTEN UNIT\n
 *
 * TOKEN is that of the node that it is said to. FLAGS is 1 if the client is a trusted proxy itself
 * (see struct accepted, direct), else 0. ADDRESS is the client's. LISTEN is the value of `listen`
 * by which it came, in hexadecimal as UNIT is. The answer is one byte. If it is RELAY_TAKEN, both
 * sides are the client's and the owner's from then on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nakodo/base/address.h"
#include "nakodo/net/workers/unit.h"

#define RELAY_TOKEN 33 /* with its NUL */
#define RELAY_LINE 3584 /* bytes at most, with its NUL */
#define RELAY_LISTEN 1024
#define RELAY_TAKEN 'Y'
#define RELAY_REFUSED 'N' /* the unit is another node's */
#define RELAY_UNABLE 'U' /* it has too many connections, or no listener of that kind */

struct relay_line {
	char token[RELAY_TOKEN]; /* of the node that it is said to */
	bool direct;
	struct address address;
	char listen[RELAY_LISTEN], unit[UNIT_NAME];
};

/* The length, without the NUL that is behind it. */
size_t relay_line_print(const struct relay_line *line, char buf[RELAY_LINE]);
/* `text` is a line without its end. False: it is none. */
bool relay_line_parse(struct relay_line *ret, const char *text);
