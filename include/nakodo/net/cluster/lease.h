/*
 * lease: that this node lives, and where others reach it, as Redis knows it. It is renewed every
 * two seconds and ends after fifteen.
 *
 * A node's ID is random, and of one that has a state-dir the same after a restart, so that a node
 * which comes back has its units at once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nakodo/base/wheel.h"
#include "nakodo/net/cluster/relay_line.h"

#define LEASE_ID 17 /* with its NUL */
#define LEASE_KEY 768 /* of Redis, with its NUL */
#define LEASE_CLUSTER 65 /* with its NUL */
#define LEASE_TIME 15000 /* ms */
#define LEASE_MS "15000" /* the same */

struct deadlines;
struct problem;
struct redis;
struct redisReply;

/* A node, as its lease tells. */
struct node {
	char id[LEASE_ID];
	char token[RELAY_TOKEN]; /* that it is shown by other nodes */
	char address[ADDRESS_TEXT];
	uint16_t port;
	uint64_t units, peers; /* that it has, */
	char version[24]; /* and of which release it is, as it has said last */
};

struct lease {
	struct node own;
	char cluster[LEASE_CLUSTER]; /* its name */
	struct redis *redis;
	struct deadlines *deadlines;
	struct wheel_timer timer;
	uint64_t asked, renewed; /* ms: when Redis was asked last; and when, for what it holds */
	bool held; /* since the connection to Redis was made */
	bool begun; /* this process has ever held it */
	void (*taken)(void *cookie); /* it is held again */
	/* Redis refuses it: a sentence. */
	void (*refused)(void *cookie, const char *why);
	void (*given_up)(void *cookie);
	void *cookie;
};

/* Draw the token, and the ID if `directory` (of state-dir; -1: none) has none yet. 0 or -errno. */
int lease_init(struct lease *lease, int directory);
/* Redis is there. */
void lease_take(struct lease *lease);
/* It is not any more. */
void lease_lose(struct lease *lease);
/* Has it ended, unless it was renewed by what is not answered yet? As after a process stood still.
 */
bool lease_is_over(const struct lease *lease);
/* It is not renewed any more, and ends at once unless it `stays`. `given_up` is called once,
 * perhaps in here: Redis has heard all that was said before, or is away. */
void lease_give_up(struct lease *lease, bool stays, void (*given_up)(void *cookie));
/* The key of `what` in Redis, for this cluster; `name` is added to it. */
void lease_key(const struct lease *lease, const char *what, const char *name, char ret[LEASE_KEY]);
/* As Redis has it; false: it is none. */
bool lease_read_node(struct node *ret, const char *id, const char *value);
