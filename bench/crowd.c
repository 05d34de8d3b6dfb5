/* Opens connections two to a room, as callers come, and reads the server's memory before the first
 * and after the last. */
#include "crowd.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>

#include "conn.h"
#include "load.h"
#include "meter.h"

#define SECOND 1000000000u
#define TURN_MS 10
#define FAULTS_TOLD 10
#define QUIET_NS 500000000u /* a server that used no CPU for so long has settled */
#define QUIET_CPU_NS 2000000u /* this much is no use */
#define SETTLE_NS (5ull * SECOND) /* and this long is waited at most */

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

static uint64_t crowd_cpu(pid_t pid)
{
	uint64_t ns;
	int error = meter_cpu(pid, &ns);

	if (error) {
		errno = -error;
		err(2, "CPU time of the server");
	}
	return ns;
}

static double crowd_memory(pid_t pid)
{
	uint64_t bytes;
	int error = meter_memory(pid, &bytes);

	if (error) {
		errno = -error;
		err(2, "memory of the server");
	}
	return (double)bytes;
}

static void crowd_come(struct crowd *c, struct net *net, const struct load_options *o)
{
	unsigned i = 0;
	char path[32];

	while (c->opened + c->refused < o->count) {
		while (i < o->count && c->opening < o->concurrency) {
			snprintf(path, sizeof path, "/?room=%u", i / 2);
			c->opening++;
			conn_open(net, path, c);
			i++;
		}
		net_turn(net, TURN_MS);
	}
}

/* Lets the server finish what it does after the last handshake. */
static void crowd_settle(struct net *net, pid_t pid)
{
	uint64_t now = meter_now(), end = now + SETTLE_NS, since = now, cpu = crowd_cpu(pid);

	while (now < end && now - since < QUIET_NS) {
		net_turn(net, TURN_MS);
		now = meter_now();
		if (crowd_cpu(pid) - cpu > QUIET_CPU_NS) {
			cpu = crowd_cpu(pid);
			since = now;
		}
	}
}

int crowd_run(const struct load_options *o)
{
	struct crowd c = {0};
	struct net *net = net_create(o->port, o->tls, &crowd_events);
	double memory = crowd_memory(o->pid);
	uint64_t cpu = crowd_cpu(o->pid);
	uint64_t begin = meter_now(), time;
	double n;

	crowd_come(&c, net, o);
	time = meter_now() - begin;
	cpu = crowd_cpu(o->pid) - cpu;
	c.settled = true;
	crowd_settle(net, o->pid);
	memory = crowd_memory(o->pid) - memory;
	n = c.opened ? c.opened : 1;
	printf("{\"opened\":%u,\"refused\":%u,\"lost\":%u,\"seconds\":%.3f,\"per_second\":%.0f,"
	       "\"cpu_us\":%.1f,\"server_busy\":%.3f,\"idle_kb\":%.2f}\n",
		c.opened, c.refused, c.lost, (double)time / SECOND, n / (double)time * SECOND,
		(double)cpu / n / 1000, (double)cpu / (double)time, memory / n / 1000);
	net_destroy(net);
	return c.refused || c.lost ? 1 : 0;
}
