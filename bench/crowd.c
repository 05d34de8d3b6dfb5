/* Opens connections, so many to a room, one after the other as callers come, and reads the server's
 * memory before the first and after the last. */
#include "crowd.h"

#include <err.h>
#include <stdio.h>

#include "conn.h"
#include "load.h"
#include "meter.h"
#include "settle.h"

#define SECOND 1000000000u
#define TURN_MS 10
#define FAULTS_TOLD 10

struct crowd {
	unsigned opening, opened, refused, lost;
	bool settled; /* all have come: who goes now is lost */
};

static void crowd_opened(void *cookie)
{
	struct crowd *c = cookie;

	c->opening--;
	c->opened++;
}

static void crowd_failed(void *cookie, const char *why)
{
	struct crowd *c = cookie;

	if (c->refused + c->lost < FAULTS_TOLD) {
		warnx("%s", why);
	}
	if (c->settled) {
		c->lost++;
	} else {
		c->opening--;
		c->refused++;
	}
}

static void crowd_message(void *cookie, const unsigned char *data, size_t len)
{
	(void)cookie;
	warnx("a message came that nobody sent: %.*s", (int)len, (const char *)data);
}

static void crowd_pong(void *cookie)
{
	(void)cookie;
}

static const struct conn_events crowd_events = {
	.opened = crowd_opened,
	.message = crowd_message,
	.pong = crowd_pong,
	.failed = crowd_failed,
};

static void crowd_come(struct crowd *c, struct net *net, const struct load_options *o)
{
	unsigned i = 0;
	char path[32];

	while (c->opened + c->refused < o->count) {
		while (i < o->count && c->opening < o->concurrency) {
			snprintf(path, sizeof path, "/?room=crowd-%u", i / o->size);
			c->opening++;
			conn_open(net, path, c);
			i++;
		}
		net_turn(net, TURN_MS);
	}
}

int crowd_run(const struct load_options *o)
{
	struct crowd c = {0};
	struct net *net = net_create(o->port, o->tls, &crowd_events);
	double memory = meter_memory(o->pid);
	uint64_t cpu = meter_cpu(o->pid);
	uint64_t begin = meter_now(), time;
	double n;

	crowd_come(&c, net, o);
	time = meter_now() - begin;
	cpu = meter_cpu(o->pid) - cpu;
	c.settled = true;
	settle_wait(o->pid, net);
	memory = meter_memory(o->pid) - memory;
	n = c.opened ? c.opened : 1;
	printf("{\"opened\":%u,\"refused\":%u,\"lost\":%u,\"seconds\":%.3f,\"per_second\":%.0f,"
	       "\"cpu_us\":%.1f,\"server_busy\":%.3f,\"idle_kb\":%.2f}\n",
		c.opened, c.refused, c.lost, (double)time / SECOND, n / (double)time * SECOND,
		(double)cpu / n / 1000, (double)cpu / (double)time, memory / n / 1000);
	net_destroy(net);
	return c.refused || c.lost ? 1 : 0;
}
