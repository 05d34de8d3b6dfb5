/*
 * sockets: what listeners, accepted sockets and connections have in common; the root of the room.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "nakodo/net/socket/handed.h"
#include "nakodo/net/socket/handshakes.h"

struct accepted;
struct deadlines;
struct gate;
struct lws_context;
struct lws_vhost;
struct options;

struct sockets {
	const struct options *options;
	uv_loop_t *loop;
	struct deadlines *deadlines;
	struct gate *gate;
	struct lws_context *context;
	struct lws_vhost *plain, *secure; /* for connections without and with TLS */
	struct listener *listeners;
	bool measured; /* one of them answers /metrics, so the loop is worth a look at the clock */
	struct waiting *waiting; /* accepted, not a conn yet; these two: accept.c's */
	struct waiting *leaving; /* they wait no more, but for their handle to be closed */
	struct handshakes handshakes;
	struct turn *turn; /* what the addresses have used of it; the peers' */
	struct conn *requests; /* by TLS, that wait for their address (utlist DL); requests.c's */
	struct orphan *orphans; /* that libwebsockets failed to take over; conn.c's */
	uint64_t pause_told; /* ms: the log has been told of pauses, until then; accept.c's */
	size_t count; /* sockets that were accepted and are not closed yet */
	bool passes_on; /* what is accepted: other processes count it */
	bool accepts; /* else connections are handed over, by who has opened the sockets in `handed`
		       */
	struct handed handed;
	/* What becomes of a connection that has said what it begins with. Takes it over. */
	void (*take)(struct sockets *sockets, struct accepted *accepted);
	/* The same of one whose turn has come (handshakes.h). */
	void (*adopt)(struct sockets *sockets, struct accepted *accepted);
	/* A connection that was handed over has ended. NULL: there are none. */
	void (*release)(struct sockets *sockets, uint32_t ticket);
	size_t files; /* large files that are on their way */
	size_t max_count; /* descriptors that both may have */
	struct conn *conns; /* those of them that libwebsockets has (utlist DL), */
	size_t adopted; /* and how many they are */
	struct conn_walk *walks; /* through conns, under way (conn_walk.h) */
};

#define FILE_DESCRIPTORS 2 /* that a large file takes, besides its connection's */

static inline size_t sockets_descriptors(const struct sockets *sockets)
{
	return sockets->count + sockets->files * FILE_DESCRIPTORS;
}
