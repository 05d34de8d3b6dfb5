/*
 * announce: that the daemon is ready: to a person, the log and systemd.
 */
#pragma once

struct server;

void announce(struct server *server);
