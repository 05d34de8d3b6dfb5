/*
 * probing: what all steps share.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nakodo/probe/report.h"

struct ssl_ctx_st;

/* The server, as its URL names it. */
struct target {
	bool secure;
	char host[256]; /* a name or an address, without brackets */
	char port[6];
	char path[512]; /* where nakodo.v1 is spoken, without a slash at its end */
};

struct probing {
	struct report report;
	struct target target;
	struct ssl_ctx_st *tls; /* with what is trusted */
	int64_t patience; /* microseconds for each step */
	const char *token; /* NULL: none */
};
