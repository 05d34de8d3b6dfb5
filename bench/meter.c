/* The CPU clock of a process is used rather than /proc/PID/stat (ticks of 10 ms) or the sum of
 * /proc/PID/task/.../schedstat (which forgets threads that have ended). */
#include "meter.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#define SECOND 1000000000u

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
