/*
 * stale: what a process that ended badly has left behind.
 */
#pragma once

struct sockaddr_un;

/* Remove a socket at that path that nobody answers on; whatever else is there stays. */
void stale_remove(const struct sockaddr_un *address);
