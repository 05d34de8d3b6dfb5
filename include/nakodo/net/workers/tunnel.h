/*
 * tunnel: TLS in a worker. The path, which says whose a connection is, comes encrypted; so a worker
 * speaks TLS with the client, and what it decrypts goes by a socket of its own to whom it belongs,
 * as if the client had connected there without TLS. What is not taken on one side is not read on
 * the other. In a cluster (net/cluster) a tunnel without TLS leads to the node that has the unit.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct accepted;
struct sockets;
struct tls;
struct tunnel;

struct tunnels {
	struct sockets *sockets;
	SSL_CTX *context;
	struct tunnel *all; /* utlist DL */
	size_t count, open; /* of `open` the head of a request has come */
	size_t relays; /* that lead to another node */
	/* TLS is spoken: the plain side, which is the taker's, of a connection that stays the
	 * tunnel's. False: nobody wants it. */
	bool (*decrypted)(void *cookie, const struct accepted *accepted, int fd);
	void *cookie;
};

/* `*tls` is what has the certificate at each handshake. 0 or -ENOMEM. */
int tunnels_init(struct tunnels *tunnels, struct sockets *sockets, struct tls **tls);
/* Begin TLS; takes over what `accepted` owns. */
void tunnels_add(struct tunnels *tunnels, struct accepted *accepted);
/* Of a client without TLS, or that another tunnel has decrypted, to another node, to which `fd` is
 * connected. Takes over both. */
void tunnels_join(struct tunnels *tunnels, struct accepted *accepted, int fd);
/* End relays until so many are left. */
void tunnels_thin(struct tunnels *tunnels, size_t left);
/* End all. The loop has to run on until they are closed. */
void tunnels_finish(struct tunnels *tunnels);
/* The loop has ended. */
void tunnels_destroy(struct tunnels *tunnels);

#ifdef NAKODO_AUDIT
struct audit;
/* What they take (hub/audit.h). */
void tunnels_audit(const struct tunnels *tunnels, struct audit *audit);
#endif
