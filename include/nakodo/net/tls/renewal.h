/*
 * renewal: certificates of our own are made anew while we run, when the machine gets other names or
 * addresses, or when they come to their end. Nobody is dropped.
 */
#pragma once

struct server;

/* Look from time to time, if certificates are ours to make. */
void renewal_start(struct server *server);
