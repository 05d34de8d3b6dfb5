/*
 * context: libwebsockets as we use it: on our loop, with two vhosts, and with what it offers and we
 * do not want switched off.
 */
#pragma once

struct problem;
struct server;

/* 0, or -errno with a sentence. */
int context_create(struct server *server, struct problem *problem);
