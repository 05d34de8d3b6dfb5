/*
 * read_head: the head of a request out of libwebsockets.
 */
#pragma once

#include "nakodo/net/gate/head.h"

struct lws;

#define READ_HEAD_ARGUMENTS 16 /* at most so many; the rest is left out */
#define READ_HEAD_VALUE 1024 /* bytes of a value, with its NUL; a longer one reads as "" */
#define READ_HEAD_QUERY 4096 /* bytes of all arguments */

/* What the strings of a head lie in. */
struct head_text {
	char path[READ_HEAD_VALUE], values[10][READ_HEAD_VALUE], query[READ_HEAD_QUERY];
	char authorization[READ_HEAD_QUERY]; /* tokens are longer than other values */
	char carried[READ_HEAD_VALUE]; /* arguments that stood among the subprotocols */
	const char *arguments[READ_HEAD_ARGUMENTS + 1];
};

/* Read the head; it lives as long as `text`. Only while libwebsockets has it: in the callbacks up
 * to LWS_CALLBACK_ESTABLISHED. */
void read_head(struct head *ret, struct head_text *text, struct lws *wsi);
