/*
 * nakodo_v1_call: one message from a client, for the files that read messages.
 */
#pragma once

#include <stddef.h>

#include "nakodo/base/json.h"

struct nakodo_v1_seat;

enum {
	CALL_TYPE,
	CALL_TO,
	CALL_FROM,
	CALL_N,
	CALL_T,
	CALL_TEXT,
	CALL_NAME,
	CALL_META,
	CALL_TOKEN,
	CALL_LOCKED,
	CALL_MEMBERS,
};

struct nakodo_v1_call {
	struct nakodo_v1_seat *seat;
	const char *data; /* from its { on */
	size_t len;
	const struct json_member *members;
};

/* What is wrong with a message; `code` NULL: nothing. */
struct nakodo_v1_fault {
	const char *code, *message;
};

static inline struct nakodo_v1_fault nakodo_v1_bad_message(const char *message)
{
	return (struct nakodo_v1_fault){"bad-message", message};
}

static inline struct nakodo_v1_fault nakodo_v1_unknown_peer(void)
{
	return (struct nakodo_v1_fault){"unknown-peer", "There is no such peer in this room."};
}

/* The message `update`, in nakodo_v1_self.c. */
struct nakodo_v1_fault nakodo_v1_self_update(const struct nakodo_v1_call *call);
