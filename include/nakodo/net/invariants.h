/*
 * invariants: debug builds look each second whether everything still is what it was counted as
 * (hub/audit.h). If not, the log says so and the process is aborted.
 */
#pragma once

#ifdef NAKODO_AUDIT

struct server;

/* The deadlines are there. */
void invariants_start(struct server *server);

#endif
