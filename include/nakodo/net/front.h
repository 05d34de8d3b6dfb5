/*
 * front: the one libwebsockets callback. It holds the guards against what libwebsockets 4.1.6 gets
 * wrong, decides who may come in, and hands the rest to http or ws.
 */
#pragma once

struct lws_protocols;
struct option_list;

/* The table for lws_create_vhost(): the default and one entry for each subprotocol, all the same.
 * NULL: no memory; else free() it when the context is gone. The names stay the options'. */
struct lws_protocols *front_protocols(const struct option_list *subprotocols);
