/*
 * tunnel_sides: the two sides of a tunnel, and how bytes go from one to the other; for tunnel.c.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

#include "nakodo/base/wheel.h"
#include "nakodo/hub/limit.h"
#include "nakodo/net/socket/conn.h"

struct piece;
struct tunnels;

struct side {
	uv_poll_t poll;
	bool watched; /* the handle is there */
	int fd; /* -1: none */
	int events; /* that it is polled for */
	bool ended; /* nothing more comes from it */
	bool gone; /* it has ended, and what it said before is not read yet */
	bool readable; /* the loop says so, and not all of it is read */
	struct piece *waits; /* for it to be taken; NULL: nothing */
};

struct tunnel {
	struct tunnels *tunnels;
	struct tunnel *prev, *next;
	struct accepted accepted;
	struct side client, owner;
	SSL *ssl;
	struct wheel_timer timer;
	struct limit limit; /* of all that comes from the client */
	struct wheel_timer held; /* set while that has been too much, and it is not read */
	size_t came, records; /* bytes from it, and in how many, that are not counted yet */
	unsigned quarters, tls_messages;
	bool greeted; /* the handshake is done */
	bool open; /* the head of the request has come, and it is a tunnel */
	bool shakes_hands; /* counted as one that does */
	bool doomed; /* too much was said in TLS: to be ended */
	bool wrote; /* to the client, and its timer has not heard of that */
	uint64_t moved, mark; /* ms: when it took something last, and what the kernel said then */
	bool deaf; /* the client takes nothing more: what is for it is dropped */
	bool parted; /* the owner has heard that nothing more comes */
	bool last_words; /* the timer runs for what is left when one side has ended */
	bool said_goodbye; /* only the end of the client is waited for */
	bool reading_writes, writing_reads; /* OpenSSL waits for the other kind of event */
	bool closing;
	unsigned handles;
};

/* Bytes that came; 0: none now; -EPIPE: it has ended. */
ssize_t tunnel_get_client(struct tunnel *tunnel, unsigned char *bytes, size_t size);
/* What waits for that side, as long as it takes it. What it will never take is dropped. */
void tunnel_push(struct tunnel *tunnel, struct side *to);
/* From one side to the other, the same. False: no memory. */
bool tunnel_pump(struct tunnel *tunnel, struct side *from, struct side *to);
/* The client has ended. The owner is to hear all of what it has said, for which it must be able to
 * say what it has to say until it ends, too: what the client does not take at once is dropped. */
void tunnel_part(struct tunnel *tunnel);
/* Nothing more is said to the client. False: to be called again when it takes something. */
bool tunnel_shut_client(struct tunnel *tunnel);
/* Has it not acknowledged all of what was said? Sees when it took something last. */
bool tunnel_client_lags(struct tunnel *tunnel, uint64_t now);
/* Has the owner said something that is not read? */
bool tunnel_owner_waits(const struct tunnel *tunnel);
