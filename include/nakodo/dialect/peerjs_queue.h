/*
 * peerjs_queue: messages for PeerJS ids that nobody holds at the moment, so that an offer may come
 * a little before the peer it is for. The first message for an id starts the id's queue and its
 * time; when the time is over, all that is in the queue is thrown away.
 *
 * Bounded in messages and bytes for each id (half of what an outbox holds, so that a queue always
 * fits into the one it is flushed to), in messages and bytes of each sender, in bytes altogether,
 * and in time. Of what is full, for an id or altogether, the address that has most gives way to
 * another one (service/share.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct address;
struct hub;
struct peer;
struct peerjs_queue;
struct shortage;

/* The queue for `dst` is over, or what `src` has in it gives way; called once for each sender of a
 * message in it. The callback may send, but must not touch the queues. */
typedef void peerjs_expire_fn(void *cookie, const char *src, const char *dst);

/* `lifetime` in ms. NULL: no memory. */
struct peerjs_queue *peerjs_queue_create(
	struct hub *hub, uint64_t lifetime, peerjs_expire_fn *expire, void *cookie);
/* Nobody is told about what still waits. */
void peerjs_queue_destroy(struct peerjs_queue *queue);

/* Keep a copy of the message, the parts joined, which came from that address. False: a bound is
 * reached and nobody has to give way, or no memory. */
bool peerjs_queue_add(struct peerjs_queue *queue, const char *src, const struct address *address,
	const char *dst, const struct iovec *parts, int count);
/* Send `peer`, who holds the id now, what waits for it, in order. */
void peerjs_queue_flush(struct peerjs_queue *queue, const char *dst, struct peer *peer);
/* Memory is short (dialect.weigh and .shed): in the oldest queue first, all that a sender has for
 * one id is given up, and it is told. */
void peerjs_queue_weigh(const struct peerjs_queue *queue, struct shortage *shortage);
void peerjs_queue_shed(struct peerjs_queue *queue, struct shortage *shortage);
