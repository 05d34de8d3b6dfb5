/*
 * tunnel_inside: what a tunnel is, for the files that make it: tunnel.c, tunnel_greet.c and
 * tunnel_sides.c.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
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
	SSL *ssl; /* NULL: the client's side is plain here */
	struct wheel_timer timer;
	void (*greet)(struct tunnel *tunnel); /* go on with what comes before it is open */
	struct limit limit; /* of all that comes from the client */
	struct wheel_timer held; /* set while that has been too much, and it is not read */
	size_t came, records; /* bytes from it, and in how many, that are not counted yet */
	unsigned quarters, tls_messages;
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

/* For tunnel_greet.c. Count it, with these two descriptors (-1: none yet); takes over what
 * `accepted` owns. NULL: no memory, and it is discarded. */
struct tunnel *tunnel_create(struct tunnels *tunnels, struct accepted *accepted, int owner,
	void (*greet)(struct tunnel *));
/* Have the loop look at that side's descriptor. False: it cannot. */
bool tunnel_attach(struct tunnel *tunnel, struct side *side);
/* Wait for these of libuv's events. */
void tunnel_watch(struct side *side, int events);
/* Its handshake is no burden any more. */
void tunnel_end_handshake(struct tunnel *tunnel);
/* Both sides are there. */
void tunnel_open(struct tunnel *tunnel);
void tunnel_end(struct tunnel *tunnel);
