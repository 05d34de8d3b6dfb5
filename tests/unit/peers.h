/*
 * peers: a hub, its mounts and some peers without sockets. A test drives them as net does, and
 * reads what waits for each of them as text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nakodo/base/wheel.h"
#include "nakodo/hub/hub.h"

struct dialect_env;
struct dialect_table;
struct grant;
struct mount;
struct options;

/* What the dialects see; a test that changes an option puts it back. */
extern struct options peers_options;
extern struct dialect_env peers_env;

#define PEERS_MAX 64
#define PEERS_ALL ((struct hub_limits){.room_members = 256, .outbox_bytes = 256 * 1024})

struct peers_one {
	struct peer peer; /* first: a peer is turned back by a cast */
	const struct mount *mount; /* NULL: it speaks no dialect */
	int left; /* how often the hub said that it leaves */
	size_t left_seats; /* how many it had then */
};

struct peers {
	struct hub *hub;
	struct dialect_table *mounts;
	struct wheel wheel;
	uint64_t now; /* the hub's time in ms; it passes in peers_wait() only */
	struct peers_one all[PEERS_MAX];
	size_t count;
};

/* `mounts` are values of the option, NULL at the end. */
void peers_init(struct peers *peers, struct hub_limits limits, const char *const *mounts);
/* All connections end. */
void peers_finish(struct peers *peers);

/* One more peer that is open, without a dialect. */
struct peer *peers_add(struct peers *peers);
/* One more peer, connected to PATH[?ARGUMENTS], decoded; what its dialect says to that may be to
 * close it. */
struct peer *peers_connect(struct peers *peers, const char *url);
/* The same from that address; NULL: not known. */
struct peer *peers_connect_from(struct peers *peers, const char *address, const char *url);
struct peers_one *peers_of(struct peer *peer);
/* What a token with these claims allows, to be destroyed. */
struct grant *peers_grant(const char *claims);
/* Give every member of the room but `except` a text message. */
void peers_publish(struct room *room, const char *text, const struct peer *except);

/* Let time pass: what is due in the next `ms` milliseconds happens. */
void peers_wait(struct peers *peers, uint64_t ms);

/* Its dialect gets a message. What is no string literal goes through peers_send(). */
void peers_say(struct peer *peer, const char *text);
void peers_send(struct peer *peer, const void *data, size_t len, bool binary);

/* Take the first frame out of the outbox: "text …", "binary …", "close CODE …", "ping …", or
 * "nothing". Lives until the next call. */
const char *peers_hear(struct peer *peer);
