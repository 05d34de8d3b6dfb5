/*
 * front: the one libwebsockets callback. It holds the guards against what libwebsockets 4.1.6 gets
 * wrong, lets the gate decide who may come in, and hands the rest to http or ws.
 */
#pragma once

#include <stddef.h>

struct lws_protocols;
struct option_list;

/* The table for lws_create_vhost(): the default and one entry for each subprotocol, all the same.
 * `read_size`: bytes of the receive buffer that libwebsockets keeps for each WebSocket.
 * NULL: no memory; else free() it when the context is gone. The names stay the options'. */
struct lws_protocols *front_protocols(const struct option_list *subprotocols, size_t read_size);
