/*
 * http: answers to HTTP requests: the pages in web/, health, /ice.json, what lan.h has, and
 * refusals.
 *
 * Every answer is complete, written at once, and the last one of its connection: libwebsockets
 * 4.1.6 cannot be trusted with what a client sends behind a request (SECURITY.md).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct conn;
struct lws;
struct lws_protocol_vhost_options;
struct refusal;

enum http_method { HTTP_OTHER, HTTP_GET, HTTP_HEAD, HTTP_OPTIONS };

enum http_method http_method(struct lws *wsi);

/* Is the path for this server's own pages alone, and no other site's, whatever `origin` says? */
bool http_is_private(const char *path);
/* Answer GET, HEAD or OPTIONS for the decoded `path`; plain HTTP where TLS is due is sent there. */
void http_serve(struct conn *conn, const char *path);
/* Answer with the refusal's status and a JSON body. */
void http_refuse(struct lws *wsi, const struct refusal *refusal);
/* For libwebsockets to add to what it answers by itself: 403 to requests that it cannot read. */
const struct lws_protocol_vhost_options *http_library_headers(void);
