/*
 * pages: what plain HTTP is answered with: one table of endpoints, the dialects' own requests, and
 * the files below web-root.
 *
 *   /healthz     {"status":"ok"}
 *   /readyz      {"status":"ready"}, or 503 {"status":"draining"} or {"status":"full"}
 *   /ice.json    {"iceServers":[…]}, as RTCPeerConnection takes it
 *   /metrics     see metrics.h; of a listener that says ?metrics, for clients on this machine if
 *                others do not reach it, and for administrators
 *   /status.json see status.h; the same, and for administrators at every listener if there are keys
 *   and what lan.h has
 *
 * Whatever is not there is answered with missing.html of web-root, if it has one, to who takes
 * text/html, else with JSON.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nakodo/net/http/largest.h"
#include "nakodo/net/http/qr.h"

struct conn;
struct gate;
struct gate_door;
struct head;
struct ice;
struct options;
struct problem;
struct site;
struct tls;

struct pages {
	struct gate *gate;
	const struct ice *ice;
	const struct tls *tls; /* NULL: no certificate */
	struct site *site;
	struct qr_cache codes;
	struct largest largest;
	int64_t started; /* seconds since 1970 */
};

/* Open web-root; the other members are the caller's to set. 0, or -errno with a sentence;
 * pages_finish() in either case. */
int pages_init(struct pages *pages, const struct options *options, struct problem *problem);
void pages_finish(struct pages *pages);

/* Is the decoded path for this server's own pages alone? */
bool pages_is_private(const char *path);
/* Has it passwords in it, so that where tokens are asked for it is for who shows one, and then for
 * pages of other sites, too? */
bool pages_is_for_bearers(
	const struct pages *pages, const char *path, const struct gate_door *door);
/* Is it there, for administrators alone, and where the listener says ?metrics for clients of this
 * machine? */
bool pages_is_for_admin(const struct pages *pages, const char *path, const struct gate_door *door);
/* Answer GET, HEAD or OPTIONS of a head whose path is known; a plain request at a port for
 * TLS is redirected to https. */
void pages_serve(struct pages *pages, const struct gate_door *door, struct conn *conn,
	const struct head *head);
