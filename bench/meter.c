/* The CPU clock of a process is used rather than /proc/PID/stat (ticks of 10 ms) or the sum of
 * /proc/PID/task/.../schedstat (which forgets threads that have ended). */
#include "meter.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "conn.h"

#define SECOND 1000000000u
#define TURN_MS 10
#define QUIET_NS 500000000u /* a server that used no CPU for so long has settled */
#define QUIET_CPU_NS 2000000u /* this much is no use */
#define SETTLE_NS (5ull * SECOND)

static uint64_t meter_ns(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * SECOND + (uint64_t)t->tv_nsec;
}

uint64_t meter_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return meter_ns(&t);
}

uint64_t meter_cpu(pid_t pid)
{
	struct timespec t;
	clockid_t id;

	errno = clock_getcpuclockid(pid, &id);
	if (errno || clock_gettime(id, &t) < 0) {
		err(2, "CPU time of process %ld", (long)pid);
	}
	return meter_ns(&t);
}

double meter_memory(pid_t pid)
{
	char path[64], line[256];
	unsigned long long kib = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", (long)pid);
	f = fopen(path, "re");
	if (!f) {
		err(2, "%s", path);
	}
	while (!kib && fgets(line, sizeof line, f)) {
		sscanf(line, "Pss: %llu kB", &kib);
	}
	fclose(f);
	if (!kib) {
		errx(2, "%s tells no Pss", path);
	}
	return (double)kib * 1024;
}

void meter_settle(pid_t pid, struct net *net)
{
	uint64_t now = meter_now(), end = now + SETTLE_NS, since = now, cpu = meter_cpu(pid);

	while (now < end && now - since < QUIET_NS) {
		net_turn(net, TURN_MS);
		now = meter_now();
		if (meter_cpu(pid) - cpu > QUIET_CPU_NS) {
			cpu = meter_cpu(pid);
			since = now;
		}
	}
}
