/*
 * metrics: what the meters show, for Prometheus: its text format 0.0.4, or OpenMetrics 1.0.0 for
 * who asks for that. Each meter of the table (base/meter.h) is there by its name behind "nakodo_";
 * those of one kind, such as the refusals, are one family with a label, whose values are the
 * table's. Nothing that a client says is in it, and it takes as long with many peers as with none.
 */
#pragma once

#include <stdint.h>

struct reply;
struct sockets;
struct tls;

/* Set those gauges that are counted elsewhere, for who shows the meters. */
void metrics_look(const struct sockets *sockets);
/* The answer to a request with that Accept (NULL: none). `tls` NULL: no certificate; `started` is
 * in seconds since 1970. */
void metrics_answer(const struct sockets *sockets, const struct tls *tls, int64_t started,
	const char *accept, struct reply *ret);
