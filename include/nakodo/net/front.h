/*
 * front: the one libwebsockets callback. It holds the guards against what libwebsockets 4.1.6 gets
 * wrong, lets the gate decide who may come in, and hands the rest to http or ws.
 */
#pragma once

#include <stddef.h>

struct lws_protocols;

/* Fill in the table for lws_create_vhost(), of one entry and the end: whatever libwebsockets is
 * offered, it finds the one subprotocol that the gate has chosen for the upgrade at hand, which
 * stands in `name`. A client that offers none gets that entry too. `read_size`: bytes of the
 * receive buffer that libwebsockets keeps for each WebSocket. */
void front_set_protocol(struct lws_protocols *ret, const char *name, size_t read_size);
