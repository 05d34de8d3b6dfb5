/*
 * flood: who keeps the loop busy with what no rate counts: libwebsockets tells nothing of pings and
 * of empty frames, but the kernel knows how much has come. It is asked only while the process has
 * been busy for more than half of a second.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/wheel.h"

struct conn;
struct deadlines;
struct sockets;

struct flood {
	struct deadlines *deadlines;
	struct sockets *sockets;
	struct wheel_timer timer; /* each second */
	uint64_t used; /* ns of processor time, at the last look */
	bool looked; /* at the connections, then */
};

void flood_start(struct flood *flood, struct deadlines *deadlines, struct sockets *sockets);
/* So many bytes of a message have been received. */
void flood_count(struct conn *conn, size_t len);
