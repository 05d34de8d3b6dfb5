/*
 * accept: from a listening socket to connections: caps, running out of descriptors, PROXY headers,
 * and who speaks TLS.
 */
#pragma once

struct listener;
struct sockets;

/* Begin to take connections. 0 or -errno. */
int accept_start(struct listener *listener);
/* Take those that have connected already, up to a bound. */
void accept_waiting(struct listener *listener);
/* Close the connections that still wait for anything; none is handed on after that. */
void accept_end_waiting(struct sockets *sockets);

#ifdef NAKODO_AUDIT
struct audit;
/* What those take that wait (hub/audit.h). */
void accept_audit(const struct sockets *sockets, struct audit *audit);
#endif
