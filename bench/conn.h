/* The client side of many WebSocket connections (RFC 6455) in one epoll loop, as cheap as it can
 * be. Without memory the process ends. */
#ifndef BENCH_CONN_H
#define BENCH_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct net;

/* What the owner of a connection hears, with the cookie given to conn_open(). It may send on any
 * connection from here. */
struct conn_events {
	void (*opened)(void *cookie);
	/* A whole text or binary message; `data` lives until the return. */
	void (*message)(void *cookie, const unsigned char *data, size_t len);
	void (*pong)(void *cookie);
	/* Refused, broken or closed by the server; the last event of a connection. */
	void (*failed)(void *cookie, const char *why);
};

/* Connections to one port on 127.0.0.1; `events` must outlive the net. */
struct net *net_create(unsigned port, bool tls, const struct conn_events *events);

/* Connections come from so many addresses of 127.0.0.0/8 in turn, four to a network (/24); 8 unless
 * set, which the kernel needs for its ports. */
void net_set_sources(struct net *n, unsigned count);

/* Ends all connections without a goodbye. */
void net_destroy(struct net *n);

/* Waits at most timeout_ms and handles what has come. */
void net_turn(struct net *n, int timeout_ms);

/* The time (meter_now()) of the read that brought what is being reported. */
uint64_t net_now(const struct net *n);

/* Starts a connection; its end is an `opened` or `failed`. It belongs to the net. */
struct conn *conn_open(struct net *n, const char *path, void *cookie);

/* Sends bytes that are whole frames (wire.h). All that is sent on a connection while one read, of
 * whichever connection, is reported leaves in one write when that read is over. */
void conn_send(struct conn *c, const void *frames, size_t len);

/* Ends it with a reset, as a network does that breaks; nothing is reported of it any more. */
void conn_cut(struct conn *c);

/* Sends an empty ping. */
void conn_ping(struct conn *c);

#endif
