/*
 * conn_walk: look at all connections one after the other, with pauses in which connections come and
 * go. Each that is there all the time is met exactly once.
 */
#pragma once

struct conn;
struct sockets;

/* The caller's memory, zeroed; conn_walk_end() before it goes. */
struct conn_walk {
	struct sockets *sockets; /* NULL: it is not under way */
	struct conn *at; /* the next */
	struct conn_walk *prev, *next; /* of the same sockets (utlist DL) */
};

void conn_walk_begin(struct conn_walk *walk, struct sockets *sockets);
struct conn *conn_walk_next(struct conn_walk *walk); /* NULL: there are no more */
void conn_walk_end(struct conn_walk *walk); /* nothing happens to one that is not under way */

/* For conn.c: the connection goes. */
void conn_walk_pass(struct conn_walk *walks, const struct conn *conn);
