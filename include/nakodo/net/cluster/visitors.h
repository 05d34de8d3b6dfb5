/*
 * visitors: connections that have come to this node, and of which Redis is asked whose their unit
 * is. They wait for that, and for its owner to take them, for as long as a handshake may take.
 */
#pragma once

struct accepted;
struct cluster;
struct unit;

/* Find out whose the unit of that name is, and pass the connection on. Takes over what `accepted`
 * owns. */
void visitors_receive(struct cluster *cluster, struct accepted *accepted, const char *name);
/* The unit is ours: a worker gets the connection. Takes over what `accepted` owns. */
void visitors_pass(struct cluster *cluster, struct accepted *accepted, struct unit *unit);
void visitors_finish(struct cluster *cluster);

#ifdef NAKODO_AUDIT
struct audit;
/* What they take (hub/audit.h). */
void visitors_audit(const struct cluster *cluster, struct audit *audit);
#endif
