/*
 * record: what the first process and a worker say to each other by their channel. Both are the same
 * program, so these are its own structs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "nakodo/base/address.h"
#include "nakodo/net/workers/unit.h"

#define RECORD_LISTENERS_MOST 64 /* one descriptor less than a channel takes */
#define RECORD_RELEASE_MOST 1024
#define RECORD_SEND_AWAY_MOST 32768

/* What the first process orders. */
enum order {
	ORDER_RELOAD, /* take the options of the descriptor that comes with it, as a file; the
		       * sockets of RECORD_LISTENERS are the new ones */
	ORDER_ANSWER, /* say RECORD_ALIVE */
	ORDER_LOG, /* open its file anew */
	ORDER_CERTIFICATE, /* read it again: it was renewed */
	ORDER_DRAIN, /* all but those whose session is kept */
	ORDER_DRAIN_KEPT, /* these too: the others are gone everywhere */
	ORDER_STOP, /* at once */
	ORDER_REPLACE, /* at once; another one follows, and gets the sessions */
};

enum record_kind {
	/* To a worker. */
	RECORD_LISTENERS, /* the listening sockets, each a record_listener and a descriptor */
	RECORD_CONNECTION, /* a connection, and its descriptor, or two */
	RECORD_ORDER,
	RECORD_ASK, /* what an administrator asks; RECORD_PIECE answers it, once for each of these
		     */
	RECORD_ASK_NO_MORE, /* whoever asked is gone */
	RECORD_SEND_AWAY, /* peers whose unit another node has */
	RECORD_UNIT, /* a unit is this node's, or no more, and a descriptor: what is known of it */
	/* From a worker. */
	RECORD_TAKES, /* it begins to take over what was left, */
	RECORD_READY, /* and has; it serves */
	RECORD_RELOADED, /* the options have been read again, or could not be */
	RECORD_ALIVE, /* its loop runs */
	RECORD_DRAINED, /* those whose session is not kept are gone */
	RECORD_SAVED, /* what it leaves for the next one (net/restart.h), and its descriptor; the
		       * last that it says */
	RECORD_RELEASE, /* connections have ended */
	RECORD_PIECE,
	RECORD_DECRYPTED, /* the plain side of a connection with TLS, and its descriptor; a
			   * record_decrypted */
	RECORD_REFUSED, /* Redis did not let a worker record a unit */
};

struct record_listener {
	uint32_t entry; /* which value of `listen` it is of, from 1 */
	uint32_t number; /* its own; no other listener ever has it */
	bool tls, proxy; /* as its socket's name says, if it is systemd's */
};

struct record_listeners {
	enum record_kind kind;
	uint32_t count;
	bool saved; /* the last descriptor is what was left for this one to take over */
	uint32_t log_level; /* as an administrator may have set it; enum log_level */
	struct record_listener listeners[RECORD_LISTENERS_MOST]; /* only `count` of them are sent */
};

struct record_connection {
	enum record_kind kind;
	uint32_t listener; /* its number */
	uint32_t ticket; /* to be released when it ends; 0: none */
	bool direct;
	bool counted; /* under its address, by the first process */
	bool tls; /* it begins with TLS */
	bool decrypted; /* TLS is spoken, and another process speaks it */
	bool relayed; /* it belongs to another node: the second descriptor leads there */
	struct address address;
};

struct record_decrypted {
	struct record_connection connection;
	struct sockaddr_storage at; /* where its listener listens, or did */
};

struct record_order {
	enum record_kind kind;
	enum order order;
};

struct record_ready {
	enum record_kind kind;
	bool well; /* it has all that it was given to take over */
};

struct record_release {
	enum record_kind kind;
	uint32_t count;
	uint32_t tickets[RECORD_RELEASE_MOST]; /* only `count` of them are sent */
};

/* In the order of their numbers. */
struct record_send_away {
	enum record_kind kind;
	uint32_t count;
	uint32_t tickets[RECORD_SEND_AWAY_MOST]; /* only `count` of them are sent */
};

struct record_unit {
	enum record_kind kind;
	bool was_ours; /* before it became ours: nobody else has had it meanwhile */
	bool taken; /* it is not ours any more, but another node's */
	uint64_t epoch; /* 0: it is not ours any more */
	uint64_t recorded; /* the epoch of what is recorded; 0: nothing is */
	uint64_t elapsed; /* ms since its last owner was seen */
	char node[17]; /* our ID, as in lease.h */
	char unit[UNIT_NAME];
};

struct record_refused {
	enum record_kind kind;
	bool taken; /* since another node has it: the worker has given it up */
	char unit[UNIT_NAME];
};

#define RECORD_TEXT 131072 /* bytes of text in a record at most */

struct record_ask {
	enum record_kind kind;
	uint32_t inquiry; /* its number; the same one again asks for the next piece */
	int verb; /* enum verb */
	bool has_argument;
	char argument[4096];
};

struct record_piece {
	enum record_kind kind;
	uint32_t inquiry;
	int status; /* 1: there is more; 0: that was all; -errno: and the text is a sentence */
	uint32_t len;
	char text[RECORD_TEXT];
};
