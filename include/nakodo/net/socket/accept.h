/*
 * accept: from a listening socket to connections: caps, running out of descriptors, PROXY headers,
 * and who speaks TLS.
 */
#pragma once

#include <stdint.h>

struct accepted;
struct listener;
struct sockets;

/* Begin to take connections. 0 or -errno. */
int accept_start(struct listener *listener);
/* Take those that have connected already, up to a bound. */
void accept_waiting(struct listener *listener);
/* Go on with a connection that another process has accepted, or decrypted, and that is counted.
 * Takes over what `accepted` owns, of which the deadline and what it begins with are found out
 * here. */
void accept_go_on(struct accepted *accepted);
/* Look at it again after so many ms, for it cannot be passed on yet: only a part of its head has
 * come and its socket, of the kind "unix", does not tell when there is more, or its worker is being
 * started. Takes over what `accepted` owns. */
void accept_look_again(struct accepted *accepted, uint64_t delay);
/* Close the connections that still wait for anything; none is handed on after that. */
void accept_end_waiting(struct sockets *sockets);

#ifdef NAKODO_AUDIT
struct audit;
/* What those take that wait (hub/audit.h). */
void accept_audit(const struct sockets *sockets, struct audit *audit);
#endif
